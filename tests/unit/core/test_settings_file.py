"""stepmill.toml: defaults, every key, and every mistake at once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.core.errors import DefinitionError
from stepmill.core.settings import CacheScope, Isolation, MachineSetting, Settings, SpotSetting
from stepmill.core.settings_file import read_settings

HOME, PROJECT = Path("/h"), Path("/p")


def read(text: str) -> Settings:
    return read_settings(text, home=HOME, project=PROJECT)


def refused(text: str) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        read(text)
    return [f"{f.code} {f.path}" for f in caught.value.findings]


def test_an_empty_file_gives_the_defaults() -> None:
    assert read("") == Settings(home=HOME, project=PROJECT)


def test_every_key_is_read() -> None:
    settings = read("""
        region = "eu-west-1"
        account = "000000000042"
        isolation = "none"
        warm = false
        memory_limit_mb = 512
        cpu_limit = 1.5
        log_limit_mb = 2
        cache_scope = "shared"
        [images."ours/train"]
        requirements = ["pandas==2.2"]
        entrypoint = ["python", "main.py"]
        [images.kept]
        python = "envs/kept/bin/python"
        [images."docker.io/library/python"]
        engine = "podman"
        [functions.score]
        code = "functions/score.py"
        handler = "score.handler"
        timeout_seconds = 3
        environment = {STAGE = "test"}
        [notifications]
        email = "mailto://me:secret@example.org"
    """)
    assert (settings.region, settings.account) == ("eu-west-1", "000000000042")
    assert (settings.isolation, settings.warm) == (Isolation.NONE, False)
    assert (settings.memory_limit_bytes, settings.cpu_limit) == (512 * 1024 * 1024, 1.5)
    assert settings.log_limit_bytes == 2 * 1024 * 1024
    assert settings.cache_scope is CacheScope.SHARED
    assert settings.images["ours/train"].requirements == ("pandas==2.2",)
    assert settings.images["ours/train"].entrypoint == ("python", "main.py")
    assert settings.images["kept"].python == PROJECT / "envs/kept/bin/python"
    assert settings.images["docker.io/library/python"].engine is Isolation.PODMAN
    score = settings.functions["score"]
    assert (score.code, score.handler) == (PROJECT / "functions/score.py", "score.handler")
    assert score.timeout == timedelta(seconds=3)
    assert score.environment == {"STAGE": "test"}
    assert settings.email == "mailto://me:secret@example.org"
    assert "secret" not in repr(settings)
    assert settings.default_bucket == "sagemaker-eu-west-1-000000000042"


def test_how_jobs_share_the_machine() -> None:
    text = "[machine]\nqueue = false\novercommit = 1\nlimits = false"
    assert read(text).machine == MachineSetting(queue=False, overcommit=1.0, limits=False)
    assert read("").machine == read("[machine]").machine == MachineSetting()
    assert read("").machine.limits
    place = "stepmill.toml: machine"
    assert refused("machine = 1") == [f"WRONG_TYPE {place}"]
    assert refused("[machine]\nqueue = 1\novercommit = 0\nlimit = true") == [
        f"UNKNOWN_KEY {place}.limit",
        f"WRONG_VALUE {place}.overcommit",
        f"WRONG_TYPE {place}.queue",
    ]
    for number in ("nan", "inf", "-1", "true", '"2"', "1e9"):
        assert refused(f"[machine]\novercommit = {number}") == [f"WRONG_VALUE {place}.overcommit"]


def test_spot_capacity() -> None:
    text = "[spot]\ninterruptions_per_hour = 0.5\ngrace_seconds = 0\ncapacity_wait_seconds = 60\nseed = 7"
    assert read(text).spot == SpotSetting(0.5, timedelta(0), timedelta(minutes=1), 7)
    assert read("[spot]").spot == SpotSetting()
    place = "stepmill.toml: spot"
    assert refused("spot = 1") == [f"WRONG_TYPE {place}"]
    assert refused("[spot]\ninterruptions_per_hour = -1\nrate = 2\ngrace_seconds = 1.5") == [
        f"UNKNOWN_KEY {place}.rate",
        f"WRONG_VALUE {place}.interruptions_per_hour",
        f"WRONG_VALUE {place}.grace_seconds",
    ]


def test_an_address_that_may_have_a_password_in_it_is_not_repeated() -> None:
    with pytest.raises(DefinitionError) as caught:
        read('[notifications]\nemail = "secret@example.org"')
    (finding,) = caught.value.findings
    assert finding.path == "stepmill.toml: notifications.email"
    assert "secret" not in finding.message + finding.mend
    assert refused("notifications = 1") == ["WRONG_TYPE stepmill.toml: notifications"]


def test_all_mistakes_are_told_at_once() -> None:
    assert refused('regoin = "x"\naccount = "12"\nwarm = "yes"\nlog_limit_mb = 0\nisolation = "jail"') == [
        "UNKNOWN_KEY stepmill.toml: regoin",
        "WRONG_VALUE stepmill.toml: account",
        "WRONG_VALUE stepmill.toml: isolation",
        "WRONG_TYPE stepmill.toml: warm",
        "WRONG_VALUE stepmill.toml: log_limit_mb",
    ]


def test_a_misspelt_key_is_answered_with_the_nearest() -> None:
    with pytest.raises(DefinitionError, match="Did you mean 'region'"):
        read('regoin = "eu-west-1"')


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("region", "NOT_TOML stepmill.toml"),
        ("memory_limit_mb = 31", "WRONG_VALUE stepmill.toml: memory_limit_mb"),
        ("memory_limit_mb = 512.5", "WRONG_VALUE stepmill.toml: memory_limit_mb"),
        ("cpu_limit = 0", "WRONG_VALUE stepmill.toml: cpu_limit"),
        ("cpu_limit = nan", "WRONG_VALUE stepmill.toml: cpu_limit"),
        ("cpu_limit = true", "WRONG_VALUE stepmill.toml: cpu_limit"),
        ("[images.a]", 'IMAGE_SOURCE stepmill.toml: images."a"'),
        ('[images.a]\npython = "p"\nengine = "podman"', 'IMAGE_SOURCE stepmill.toml: images."a"'),
        ('[images.a]\nengine = "none"', 'WRONG_VALUE stepmill.toml: images."a".engine'),
        ("[images.a]\npython = 3", 'WRONG_TYPE stepmill.toml: images."a".python'),
        ('[images.a]\nrequirements = "pandas"', 'WRONG_TYPE stepmill.toml: images."a".requirements'),
        ("images = 3", "WRONG_TYPE stepmill.toml: images"),
        ("[images]\na = 3", "WRONG_TYPE stepmill.toml: images.a"),
        ('[functions.f]\ncode = "f.py"', "MISSING_KEY stepmill.toml: functions.f"),
        (
            '[functions.f]\ncode = "f"\nhandler = "f.h"\ntimeout_seconds = 601',
            "WRONG_VALUE stepmill.toml: functions.f.timeout_seconds",
        ),
        (
            '[functions.f]\ncode = "f"\nhandler = "f.h"\nenvironment = {A = 1}',
            "WRONG_TYPE stepmill.toml: functions.f.environment",
        ),
    ],
)
def test_each_mistake_has_its_finding(text: str, finding: str) -> None:
    assert finding in refused(text)


toml_values = st.sampled_from(['"x"', "1", "true", "[]", "[1]", "{}", "1.5", "2020-01-01"])
keys = [
    "region",
    "account",
    "isolation",
    "warm",
    "memory_limit_mb",
    "cpu_limit",
    "log_limit_mb",
    "cache_scope",
]
keys += ["images", "functions", "x"]


@given(st.dictionaries(st.sampled_from(keys), toml_values))
def test_no_file_raises_anything_else(table: dict[str, str]) -> None:
    try:
        read("\n".join(f"{key} = {value}" for key, value in table.items()))
    except DefinitionError as error:
        assert error.findings
