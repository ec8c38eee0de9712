"""Image classification: what it reads, its networks, what it learns."""

from __future__ import annotations

import io
import json
import re
import struct
from typing import Any

import numpy as np
import pytest

from stepmill.algorithms.programs.errors import NotAcceptableError, RequestError, UnsupportedContentError
from stepmill.algorithms.programs.hosts import Hosts
from stepmill.algorithms.programs.recordio import MAGIC
from support.algorithm_jobs import Trained, Trainer, jobs_of, on_each

torch = pytest.importorskip("torch")
Image = pytest.importorskip("PIL.Image")

from stepmill.algorithms.programs.image_together import share_gradients, share_start, share_statistics  # noqa: E402

# Such small networks are slower on several CPUs than on one.
torch.set_num_threads(1)

RECORDS, IMAGES = "application/x-recordio", "application/x-image"
RANDOM = np.random.default_rng(4)
ASKED: dict[str, Any] = {
    "num_classes": 2,
    "num_training_samples": 40,
    "image_shape": "3,12,12",
    "num_layers": 20,
    "mini_batch_size": 8,
    "epochs": 3,
    "optimizer": "adam",
    "learning_rate": 0.005,
}


def picture(label: int, size: int = 12, kind: str = "PNG") -> bytes:
    """Dark above and bright below, or the other way round."""
    pixels = RANDOM.integers(0, 60, (size, size, 3))
    pixels[size // 2 :] += 150
    stream = io.BytesIO()
    Image.fromarray((pixels if label else pixels[::-1]).astype(np.uint8)).save(stream, kind)
    return stream.getvalue()


def record(data: bytes, label: float, more: tuple[float, ...] = ()) -> bytes:
    head = struct.pack("<IfQQ", len(more), label, 0, 0) + struct.pack(f"<{len(more)}f", *more)
    payload = head + data
    return struct.pack("<II", MAGIC, len(payload)) + payload + b"\0" * (-len(payload) % 4)


def records(count: int) -> bytes:
    return b"".join(record(picture(number % 2), number % 2) for number in range(count))


DATA = {"train": records(40), "validation": records(10)}


def chances(trained: Trained, data: bytes) -> list[float]:
    found: list[float] = json.loads(trained.answer(data, IMAGES))
    return found


class TestTraining:
    def test_records_are_learnt(self, trainer: Trainer) -> None:
        trained = trainer("image-classification", {**ASKED, "top_k": 2}, DATA, RECORDS)
        assert trained.code == 0, trained.log
        assert "Epoch[2] Validation-accuracy=1.000000" in trained.log
        assert "Epoch[0] Train-top_k_accuracy_2=1.000000" in trained.log
        for label in (0, 1):
            told = chances(trained, picture(label, size=30, kind="JPEG"))
            assert int(np.argmax(told)) == label
            assert sum(told) == pytest.approx(1, abs=1e-5)
        lines = trained.answer(picture(1), "image/png", "application/jsonlines")
        assert len(json.loads(lines)["prediction"]) == 2

    def test_images_and_lists_are_learnt(self, trainer: Trainer) -> None:
        def files(count: int) -> tuple[dict[str, bytes], bytes]:
            named = {f"class{n % 2}/{n}.jpg": picture(n % 2, 20, "JPEG") for n in range(count)}
            lines = [f"{n}\t{n % 2}\t{name}\n" for n, name in enumerate(named)]
            return named, "".join(lines).encode()

        train, train_list = files(40)
        held, held_list = files(8)
        data: dict[str, Any] = {
            "train": train,
            "train_lst": train_list,
            "validation": held,
            "validation_lst": held_list,
        }
        asked = {
            **ASKED,
            "resize": 14,
            "augmentation_type": "crop_color_transform",
            "lr_scheduler_step": "1,2",
        }
        trained = trainer("image-classification", asked, data, IMAGES)
        assert trained.code == 0, trained.log
        assert "Validation-accuracy=1.0" in trained.log

    def test_images_of_several_classes(self, trainer: Trainer) -> None:
        data = {
            channel: b"".join(record(picture(n % 2), 0, (n % 2, 1, 1 - n % 2)) for n in range(count))
            for channel, count in (("train", 40), ("validation", 8))
        }
        asked = {**ASKED, "num_classes": 3, "multi_label": 1, "use_weighted_loss": 1}
        trained = trainer("image-classification", asked, data, RECORDS)
        assert trained.code == 0, trained.log
        told = chances(trained, picture(1))
        assert [value > 0.5 for value in told] == [True, True, False]

    @pytest.mark.parametrize("optimizer", ["sgd", "nag", "rmsprop"])
    def test_optimizers_checkpoints_and_an_early_end(self, trainer: Trainer, optimizer: str) -> None:
        asked = {
            **ASKED,
            "optimizer": optimizer,
            "learning_rate": 0.001,
            "checkpoint_frequency": 1,
            "early_stopping": "True",
            "early_stopping_min_epochs": 1,
            "early_stopping_patience": 1,
            "early_stopping_tolerance": 1,
        }
        trained = trainer("image-classification", asked, DATA, RECORDS)
        assert trained.code == 0, trained.log
        assert "Early stop condition met" in trained.log
        assert (trained.model / "image-classification-0001.pt").exists()

    def test_an_interrupted_training_goes_on_as_if_it_had_not_been(self, trainer: Trainer) -> None:
        def weights(trained: Trained) -> Any:
            assert trained.code == 0, trained.log
            return torch.load(trained.model / "image-classification.pt", weights_only=True)["0.weight"]

        asked = {**ASKED, "lr_scheduler_step": "2", "optimizer": "sgd", "augmentation_type": "crop"}
        name, data = "image-classification", {**DATA, "train": records(20)}
        through = weights(trainer(name, {**asked, "epochs": 4}, data, RECORDS))
        trainer(name, {**asked, "epochs": 1}, data, RECORDS, checkpoints=True)
        resumed = trainer(name, {**asked, "epochs": 4}, data, RECORDS, checkpoints=True)
        assert "Resuming from epoch 1" in resumed.log
        assert "Epoch[0]" not in resumed.log
        assert (weights(resumed) == through).all()
        again = trainer(name, {**asked, "epochs": 4}, data, RECORDS, checkpoints=True)
        assert "Epoch[" not in again.log
        assert (weights(again) == through).all()
        other = trainer(name, {**asked, "epochs": 1, "mini_batch_size": 9}, data, RECORDS, checkpoints=True)
        assert "is of a job with other hyperparameters" in other.log

    def test_what_is_no_checkpoint_is_not_taken(self, trainer: Trainer) -> None:
        (trainer.base / "checkpoints").mkdir(parents=True)
        (trainer.base / "checkpoints" / "image-classification-checkpoint").write_bytes(b"nonsense")
        small = {"train": records(4), "validation": records(2)}
        trained = trainer("image-classification", {**ASKED, "epochs": 1}, small, RECORDS, checkpoints=True)
        assert trained.code == 0, trained.log
        assert "is not taken" in trained.log

    def test_two_hosts_train_one_network(self, trainer: Trainer) -> None:
        # The second has fewer images, the last mini-batches of the first are its alone.
        given = [
            {"train": records(24), "validation": records(6)},
            {"train": records(14), "validation": records(4)},
        ]
        asked = {**ASKED, "mini_batch_size": 4, "epochs": 4}
        first, second = trainer.together("image-classification", asked, given, RECORDS, checkpoints=True)
        assert (first.code, second.code) == (0, 0), first.log + second.failure
        told = re.findall(r"Epoch\[(\d)\] Validation-accuracy=(\S+)", first.log)
        # Both tell the same, of the images of both.
        assert sorted(told) == sorted([*dict(told).items()] * 2)
        assert max(float(value) for _, value in told) > 0.8
        assert list(second.model.iterdir()) == []
        assert not list(second.base.glob("checkpoints/*"))
        more = trainer.together(
            "image-classification", {**asked, "epochs": 5}, given, RECORDS, checkpoints=True
        )
        assert more[0].log.count("Resuming from epoch 4") == 2

    @pytest.mark.parametrize(
        ("more", "train", "message"),
        [
            ({}, records(2)[:-9], "ends within a record"),
            ({}, record(b"no image", 0), "record 0 of data: this is no image"),
            ({}, record(picture(0), 2), "is not one of 0 to 1"),
            ({}, record(picture(0), 0.5), "is not one of 0 to 1"),
            ({}, record(picture(0), 0, (1, 0)), "is not one of 0 to 1"),
            ({"multi_label": 1}, record(picture(0), 0, (1, 0, 1)), "has 3 labels"),
            ({}, record(picture(0, size=8), 0), "is 8 x 8 pixels: smaller than image_shape"),
            ({}, struct.pack("<II", MAGIC, 4) + b"abcd", "The head of record 0 of data is cut off"),
            (
                {},
                record(b"", 0, ())[:8] + struct.pack("<IfQQ", 99, 0, 0, 0),
                "labels of record 0 of data are cut",
            ),
        ],
    )
    def test_data_that_cannot_be_taken(
        self, trainer: Trainer, more: dict[str, Any], train: bytes, message: str
    ) -> None:
        data = {"train": train, "validation": records(2)}
        trained = trainer("image-classification", {**ASKED, **more}, data, RECORDS)
        assert trained.code == 2, trained.log
        assert message in trained.failure

    @pytest.mark.parametrize(
        ("listed", "message"),
        [
            (b"0\t1\n", "does not have three columns"),
            (b"0\tcat\ta.png\n", "has a label that is no number"),
            (b"0\t1\tb.png\n", "there is no image 'b.png'"),
            (b"0\t1\t../validation/a.png\n", "there is no image '../validation/a.png'"),
        ],
    )
    def test_lists_that_cannot_be_taken(self, trainer: Trainer, listed: bytes, message: str) -> None:
        data: dict[str, Any] = {channel: {"a.png": picture(0)} for channel in ("train", "validation")}
        data |= {"train_lst": listed, "validation_lst": b"0\t0\ta.png\n"}
        trained = trainer("image-classification", {**ASKED, "resize": 12}, data, IMAGES)
        assert trained.code == 2
        assert message in trained.failure


class TestAnswers:
    def test_requests_that_cannot_be_answered(self, trainer: Trainer) -> None:
        trained = trainer("image-classification", {**ASKED, "epochs": 1}, DATA, RECORDS)
        for body, content_type, accept, error in (
            (b"no image", IMAGES, "", RequestError),
            (picture(0)[:50], IMAGES, "", RequestError),
            (picture(0), "text/csv", "", UnsupportedContentError),
            (picture(0), IMAGES, "text/csv", NotAcceptableError),
        ):
            with pytest.raises(error) as caught:
                trained.answer(body, content_type, accept)
            assert type(caught.value) is error

    def test_an_image_that_unpacks_to_any_size_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from stepmill.algorithms.programs import image_data

        monkeypatch.setattr(image_data, "MOST_PIXELS", 100)
        with pytest.raises(ValueError, match="more than 100 pixels"):
            image_data.open_image(picture(0), 3)


@pytest.mark.parametrize("layers", [18, 50, 20, 32])
def test_networks_have_as_many_layers_as_they_are_called(layers: int) -> None:
    from stepmill.algorithms.programs.image_network import residual_network

    network = residual_network(layers, 3, 7)
    with_weights = [
        name
        for name, module in network.named_modules()
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear) and ".past." not in f".{name}"
    ]
    assert len(with_weights) == layers
    assert network.eval()(torch.zeros(2, 3, 32, 32)).shape == (2, 7)


class TestTogether:
    def test_a_step_of_two_hosts_is_that_of_one(self) -> None:
        def gradients(hosts: Hosts) -> list[Any]:
            torch.manual_seed(0)
            network = torch.nn.Linear(3, 2)
            own = rows if hosts.count == 1 else (rows[:5], rows[5:])[hosts.rank]
            network(own).square().mean().backward()
            assert share_gradients(network, hosts, len(own)) == 7
            return [each.grad.numpy().copy() for each in network.parameters()]

        rows = torch.arange(21.0).reshape(7, 3)
        (one,) = on_each(jobs_of(1), gradients)
        for found in on_each(jobs_of(2), gradients):
            for mine, whole in zip(found, one, strict=True):
                assert mine == pytest.approx(whole, rel=1e-5)

    def test_all_begin_as_the_first(self) -> None:
        def begun(hosts: Hosts) -> list[float]:
            network = torch.nn.Linear(2, 1)
            torch.nn.init.constant_(network.weight, hosts.rank)
            torch.nn.init.constant_(network.bias, hosts.rank + 5)
            share_start(network, hosts)
            return [*network.weight.flatten().tolist(), *network.bias.tolist()]

        assert on_each(jobs_of(3), begun) == [[0.0, 0.0, 5.0]] * 3

    def test_statistics_are_those_of_all(self) -> None:
        def means(hosts: Hosts) -> list[float]:
            layer = torch.nn.BatchNorm1d(2)
            layer.running_mean.fill_(hosts.rank)
            share_statistics(layer, hosts)
            found: list[float] = layer.running_mean.tolist()
            return found

        assert on_each(jobs_of(2), means) == [[0.5, 0.5], [0.5, 0.5]]
