"""Train a model that tells the kind of a page by its words."""

import argparse

from common import channel, is_for_test, kinds, rehearse_shortage, save
from pages import read_pages
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

parser = argparse.ArgumentParser()
parser.add_argument("--regularisation", type=float, default=1.0)
parser.add_argument("--shortages", type=int, default=0)
arguments = parser.parse_args()
rehearse_shortage(arguments.shortages)

pages = read_pages(channel("pages"))
texts = [page["text"] for page in pages]
test = is_for_test(pages)
truth = kinds(pages)
model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=arguments.regularisation, max_iter=500))
model.fit([text for text, is_test in zip(texts, test, strict=True) if not is_test], truth[~test])
guesses = model.predict_proba(texts)
save(model, guesses, float((guesses.argmax(1) == truth)[test].mean()))
