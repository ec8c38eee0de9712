"""Libraries that are imported before the fork work in the job as if it had imported them itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepmill.compute.local.compute import LocalCompute
from stepmill.compute.spec import Mount
from support.computing import Bench

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def compute() -> Iterator[LocalCompute]:
    compute = LocalCompute()
    yield compute
    compute.close()


@pytest.fixture
def bench(compute: LocalCompute, tmp_path: Path) -> Bench:
    return Bench(compute, tmp_path)


def test_they_are_there_before_the_script_asks_for_them(bench: Bench) -> None:
    script = "import sys\nprint('sklearn.svm' in sys.modules)\nimport numpy, sklearn.svm"
    assert bench.run(bench.spec(script, warm=True))[1] == "True\n"
    assert bench.run(bench.spec(script, "cold", warm=False))[1] == "False\n"


def test_a_script_that_imports_none_is_forked_from_a_process_without_them(bench: Bench) -> None:
    assert bench.run(bench.spec("import sys; print('numpy' in sys.modules)", warm=True))[1] == "False\n"


def test_every_job_draws_its_own_random_numbers(bench: Bench) -> None:
    script = "import numpy, random, uuid\nprint(numpy.random.rand(), random.random(), uuid.uuid4())"
    logs = [bench.run(bench.spec(script, f"job-{n}", warm=True))[1] for n in range(3)]
    drawn = [number for log in logs for number in log.split()]
    assert len(set(drawn)) == 9


def test_threads_are_as_many_as_in_a_process_of_its_own(bench: Bench) -> None:
    script = """
        import numpy, sklearn.ensemble, threadpoolctl
        print(sorted((i["user_api"], i["num_threads"]) for i in threadpoolctl.threadpool_info()))
        """
    for name, environment in (
        ("free", {}),
        ("one", {"OMP_NUM_THREADS": "1"}),
        ("three", {"OMP_NUM_THREADS": "3"}),
    ):
        warm = bench.run(bench.spec(script, f"{name}-warm", warm=True, environment=environment))[1]
        cold = bench.run(bench.spec(script, f"{name}-cold", warm=False, environment=environment))[1]
        assert warm == cold
        assert "openmp" in warm


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one CPU has no need of threads")
def test_fits_in_threads_and_processes_end(bench: Bench) -> None:
    script = """
        from sklearn.datasets import make_classification
        from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
        from sklearn.cluster import KMeans
        from sklearn.model_selection import cross_val_score
        X, y = make_classification(400, random_state=0)
        if __name__ == "__main__":
            print(HistGradientBoostingClassifier(max_iter=5).fit(X, y).score(X, y) > 0.8)
            print(RandomForestClassifier(10, n_jobs=2).fit(X, y).score(X, y) > 0.8)
            print(len(KMeans(2, n_init=1).fit(X).cluster_centers_))
            print(len(cross_val_score(RandomForestClassifier(5), X, y, cv=3, n_jobs=2)))
        """
    for n in range(3):
        ended, log = bench.run(bench.spec(script, f"job-{n}", warm=True))
        assert (ended.exit_code, log) == (0, "True\nTrue\n2\n3\n")


def test_what_cannot_be_imported_is_said_by_the_script(bench: Bench) -> None:
    script = "try:\n    import sklearn.no_such_part\nexcept ModuleNotFoundError as error:\n    print(error)"
    assert bench.run(bench.spec(script, warm=True))[1] == "No module named 'sklearn.no_such_part'\n"


def test_a_data_frame_written_at_the_end_is_whole(bench: Bench, tmp_path: Path) -> None:
    script = "import pandas\npandas.DataFrame({'a': [1, 2]}).to_csv('/opt/ml/out/out.csv', index=False)"
    (tmp_path / "out").mkdir()
    spec = bench.spec(script, warm=True, mounts=(Mount(tmp_path / "out", "/opt/ml/out"),))
    assert bench.run(spec)[0].exit_code == 0
    assert (tmp_path / "out/out.csv").read_text() == "a\n1\n2\n"
