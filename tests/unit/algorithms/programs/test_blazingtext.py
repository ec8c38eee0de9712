"""BlazingText, held against fastText called directly and against known truths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stepmill.algorithms.programs import inference
from stepmill.algorithms.programs.errors import EmptyRequestError, RequestError, UnsupportedContentError
from support.algorithm_jobs import Trained, Trainer

fasttext = pytest.importorskip("fasttext")

GOOD, BAD = ["fine", "good", "nice", "lovely"], ["bad", "awful", "ugly", "poor"]
RANDOM = np.random.default_rng(2)
TEXT, LINES = "text/plain", "application/jsonlines"
ASKED = {
    "mode": "supervised",
    "min_count": 1,
    "buckets": 1000,
    "vector_dim": 10,
    "epochs": 20,
    "learning_rate": 0.5,
}


def sentences(count: int) -> list[tuple[str, str]]:
    found = []
    for number in range(count):
        words = BAD if number % 2 else GOOD
        found.append(("bad" if number % 2 else "good", " ".join(RANDOM.choice(words, 5)) + " day"))
    return found


def plain(rows: list[tuple[str, str]]) -> bytes:
    return "".join(f"__label__{label} {text}\n" for label, text in rows).encode()


DATA: dict[str, Any] = {"train": plain(sentences(200)), "validation": plain(sentences(40))}


def ask(trained: Trained, document: Any) -> Any:
    return json.loads(trained.answer(json.dumps(document).encode(), "application/json"))


class TestTexts:
    def test_labels_are_learnt(self, trainer: Trainer) -> None:
        trained = trainer("blazingtext", ASKED, DATA, TEXT)
        assert trained.code == 0, trained.log
        assert "#validation_accuracy: 1.0" in trained.log
        assert "#train_accuracy: 1.0" in trained.log
        first, second = ask(trained, {"instances": ["nice and good", "awful"]})
        assert (first["label"], second["label"]) == (["__label__good"], ["__label__bad"])
        assert first["prob"][0] > 0.8

    def test_the_model_is_fasttexts_own_file(self, trainer: Trainer) -> None:
        trained = trainer("blazingtext", ASKED, DATA, TEXT)
        model = fasttext.load_model(str(trained.model / "model.bin"))
        labels, chances = model.predict("nice", k=2)
        (answer,) = ask(trained, {"instances": ["nice"], "configuration": {"k": 2}})
        assert answer["label"] == list(labels) == ["__label__good", "__label__bad"]
        assert answer["prob"] == pytest.approx(np.minimum(chances, 1).tolist())

    def test_a_model_of_fasttext_is_served(self, trainer: Trainer, tmp_path: Path) -> None:
        trained = trainer("blazingtext", ASKED, DATA, TEXT)
        (tmp_path / "foreign").mkdir()
        (trained.model / "model.bin").rename(tmp_path / "foreign" / "model.bin")
        model = inference.model_fn(str(tmp_path / "foreign"))
        answer, _ = inference.transform_fn(model, b'{"source": "nice"}', LINES, LINES)
        assert json.loads(answer)["label"] == ["__label__good"]

    def test_json_lines_are_trained_on_and_answered(self, trainer: Trainer) -> None:
        rows: list[Any] = [{"source": text, "label": label} for label, text in sentences(200)]
        rows.append({"source": "good\nand bad", "label": ["good", "bad"]})
        lines = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
        trained = trainer("blazingtext", ASKED, {"train": lines}, LINES)
        assert trained.code == 0, trained.log
        body = b'{"source": "nice"}\n{"source": "poor", "k": 2}\n'
        first, second = [json.loads(line) for line in trained.answer(body, LINES, LINES).splitlines()]
        assert first["label"] == ["__label__good"]
        assert second["label"] == ["__label__bad", "__label__good"]

    def test_training_stops_when_nothing_is_gained(self, trainer: Trainer) -> None:
        asked = {**ASKED, "epochs": 30, "early_stopping": "True", "min_epochs": 5, "patience": 2}
        log = trainer("blazingtext", asked, DATA, TEXT).log
        assert "has not improved for last 2 epochs" in log
        assert "after 30 epochs" not in log

    @pytest.mark.parametrize(
        ("data", "content_type", "message"),
        [
            (b"no label here\n", TEXT, "A line of data has no label: 'no label here'"),
            (b"\n \n", TEXT, "There is no text in the train channel"),
            (b"\xff\xfe", TEXT, "data is not UTF-8"),
            (b"{\n", LINES, "Line 1 of data is not JSON"),
            (b'{"label": 1}\n', LINES, "Line 1 of data has no text called source"),
            (b"__label__a x\n", TEXT, "No word of the text appears min_count=5 times"),
        ],
    )
    def test_text_that_cannot_be_taken(
        self, trainer: Trainer, data: bytes, content_type: str, message: str
    ) -> None:
        trained = trainer("blazingtext", {"mode": "supervised", "buckets": 10}, {"train": data}, content_type)
        assert trained.code == 2, trained.log
        assert message in trained.failure

    @pytest.mark.parametrize(
        ("body", "content_type", "error"),
        [
            (b"", "application/json", EmptyRequestError),
            (b"good", "text/plain", UnsupportedContentError),
            (b"{", "application/json", RequestError),
            (b'{"instances": "good"}', "application/json", RequestError),
            (b'{"instances": [1]}', "application/json", RequestError),
            (b'{"instances": ["a"], "configuration": {"k": 0}}', "application/json", RequestError),
            (b'{"instances": ["a"], "configuration": 7}', "application/json", RequestError),
            (b'{"text": "a"}', LINES, RequestError),
        ],
    )
    def test_requests_that_cannot_be_answered(
        self, trainer: Trainer, body: bytes, content_type: str, error: type[RequestError]
    ) -> None:
        trained = trainer("blazingtext", ASKED, DATA, TEXT)
        with pytest.raises(error) as caught:
            trained.answer(body, content_type)
        assert type(caught.value) is error


class TestWords:
    # Words of one group stand beside one another.
    CORPUS = "".join(
        f"{' '.join(RANDOM.choice(group, 8))}\n" for _ in range(400) for group in (GOOD, BAD)
    ).encode()
    ASKED = {
        "vector_dim": 8,
        "buckets": 500,
        "epochs": 10,
        "min_count": 1,
        "sampling_threshold": 1,
        "evaluation": "False",
    }

    @pytest.fixture(autouse=True)
    def _one_thread(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Several change the same vectors at once: on a busy machine each run learns something else.
        monkeypatch.setattr("stepmill.algorithms.programs.blazingtext.cpu_count", lambda: 1)

    @pytest.mark.parametrize("mode", ["skipgram", "cbow", "batch_skipgram"])
    def test_words_of_a_kind_are_near(self, trainer: Trainer, mode: str) -> None:
        trained = trainer("blazingtext", {**self.ASKED, "mode": mode}, {"train": self.CORPUS}, TEXT)
        assert trained.code == 0, trained.log
        answers = ask(trained, {"instances": ["good", "nice", "awful", "unheard"]})
        assert [answer["word"] for answer in answers] == ["good", "nice", "awful", "unheard"]
        good, nice, awful, unheard = (np.array(answer["vector"]) for answer in answers)
        assert unheard.tolist() == [0] * 8

        def alike(one: Any, other: Any) -> float:
            return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))

        assert alike(good, nice) > alike(good, awful) + 0.2

    def test_vectors_are_a_text_that_other_tools_read(self, trainer: Trainer) -> None:
        trained = trainer("blazingtext", {**self.ASKED, "mode": "cbow"}, {"train": self.CORPUS}, TEXT)
        head, *lines = (trained.model / "vectors.txt").read_text().splitlines()
        assert head == "8 8"
        told = {line.split()[0]: [float(number) for number in line.split()[1:]] for line in lines}
        assert set(told) == {*GOOD, *BAD}
        (answer,) = ask(trained, {"instances": ["good"]})
        assert told["good"] == pytest.approx(answer["vector"], rel=1e-4)

    def test_subwords_give_vectors_to_words_never_seen(self, trainer: Trainer) -> None:
        asked = {**self.ASKED, "mode": "skipgram", "subwords": "True"}
        trained = trainer("blazingtext", asked, {"train": self.CORPUS}, TEXT)
        (answer,) = ask(trained, {"instances": ["goodness"]})
        assert any(answer["vector"])

    def test_there_is_no_validation_channel(self, trainer: Trainer) -> None:
        trained = trainer("blazingtext", {**self.ASKED, "mode": "cbow"}, {**DATA}, TEXT)
        assert trained.code == 2
        assert "no validation channel" in trained.failure
