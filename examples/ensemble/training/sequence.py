"""Train a model that tells the kind of a page by what the other two think of it and of its neighbours."""

import os
import tarfile
import tempfile

import numpy as np
from common import channel, is_for_test, kinds, save
from pages import KINDS, read_pages
from sklearn.linear_model import LogisticRegression


def thoughts(name: str) -> np.ndarray:
    """Return what a model thinks of every page. Shape (n_pages, n_kinds)."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(os.path.join(channel(name), "model.tar.gz")) as archive:
            (member,) = (one for one in archive if one.name.removeprefix("./") == "probabilities.npy")
            archive.extract(member, folder, filter="data")
        return np.load(os.path.join(folder, "probabilities.npy"))


def with_neighbours(guesses: np.ndarray, bundles: np.ndarray) -> np.ndarray:
    """Return beside each page's guesses those of the page before and behind it in its bundle."""
    nothing = np.full((1, guesses.shape[1]), 1 / len(KINDS))
    before = np.vstack([nothing, guesses[:-1]])
    behind = np.vstack([guesses[1:], nothing])
    before[np.r_[True, bundles[1:] != bundles[:-1]]] = nothing
    behind[np.r_[bundles[1:] != bundles[:-1], True]] = nothing
    return np.hstack([guesses, before, behind])


pages = read_pages(channel("pages"))
bundles = np.array([page["bundle"] for page in pages])
guesses = np.log(np.hstack([thoughts("text"), thoughts("image")]) + 1e-6)
features = with_neighbours(guesses, bundles)
test = is_for_test(pages)
truth = kinds(pages)
model = LogisticRegression(max_iter=1000).fit(features[~test], truth[~test])
likely = model.predict_proba(features)
save(model, likely, float((likely.argmax(1) == truth)[test].mean()))
