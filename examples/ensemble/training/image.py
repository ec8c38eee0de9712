"""Train a model that tells the kind of a page by its picture."""

import argparse

import numpy as np
from common import channel, is_for_test, kinds, rehearse_shortage, save
from pages import read_pages
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("--hidden", type=int, default=16)
parser.add_argument("--shortages", type=int, default=0)
arguments = parser.parse_args()
rehearse_shortage(arguments.shortages)

pages = read_pages(channel("pages"))
pictures = np.array([page["picture"] for page in pages])
test = is_for_test(pages)
truth = kinds(pages)
model = make_pipeline(
    StandardScaler(),
    MLPClassifier((arguments.hidden,), alpha=10.0, max_iter=60, random_state=0, early_stopping=True),
)
model.fit(pictures[~test], truth[~test])
guesses = model.predict_proba(pictures)
save(model, guesses, float((guesses.argmax(1) == truth)[test].mean()))
