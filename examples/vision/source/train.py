"""Trains the network; after each epoch it keeps a checkpoint, from which it goes on if there is one."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

import torch
from network import network, read
from torch import nn

CHECKPOINT = Path("/opt/ml/checkpoints/checkpoint.pt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    asked = parser.parse_args()
    torch.set_num_threads(1)  # two trainings run side by side
    torch.manual_seed(0)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=asked.learning_rate)
    done = 0
    if CHECKPOINT.exists():
        kept = torch.load(CHECKPOINT, weights_only=True)
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        done = kept["epoch"]
        print(f"going on after epoch {done}", flush=True)

    images, digits = read(Path(os.environ["SM_CHANNEL_TRAIN"]))
    for epoch in range(done + 1, asked.epochs + 1):
        # An epoch is the same, whatever came before it: an interruption changes nothing.
        torch.manual_seed(epoch)
        total = 0.0
        for batch in torch.randperm(len(images)).split(asked.batch_size):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images[batch]), digits[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        # Whole or not at all: the machine may be taken away while it is written.
        unfinished = CHECKPOINT.with_suffix(".new")
        torch.save(
            {"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, unfinished
        )
        unfinished.replace(CHECKPOINT)
        print(f"epoch {epoch} train-loss={total / len(images):.4f}", flush=True)

    folder = Path(os.environ["SM_MODEL_DIR"])
    torch.save(model.state_dict(), folder / "model.pt")
    # The images for inference look for their code beside the model.
    (folder / "code").mkdir()
    for name in ("inference.py", "network.py"):
        shutil.copy(Path(__file__).with_name(name), folder / "code")


if __name__ == "__main__":
    main()
