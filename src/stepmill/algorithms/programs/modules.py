"""Which module does what for an algorithm. Data only: read outside of jobs, too."""

from __future__ import annotations

TRAINING_MODULES = {
    "blazingtext": "blazingtext",
    "forecasting-deepar": "deepar",
    "image-classification": "image_classification",
    "kmeans": "kmeans",
    "knn": "knn",
    "linear-learner": "linear_learner",
    "pca": "pca",
    "xgboost": "xgboost_training",
}
# Where a module does not import its libraries itself: the one that does.
IMPORTING_MODULES = {"linear-learner": "linear_scores"}
INFERENCE_MODULES = {
    "blazingtext": "blazingtext",
    "forecasting-deepar": "deepar_inference",
    "image-classification": "image_classification",
    "kmeans": "kmeans",
    "knn": "knn",
    "linear-learner": "linear_inference",
    "pca": "pca",
    "xgboost": "xgboost_inference",
}
