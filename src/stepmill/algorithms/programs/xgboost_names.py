"""Names of hyperparameters and metrics of XGBoost's algorithm mode. Data only: read outside of jobs, too.

Source: the XGBoost container's ``hyperparameter_validation.py`` and ``metrics.py``.
"""

from __future__ import annotations

ALIASES = {
    "learning_rate": "eta",
    "min_split_loss": "gamma",
    "reg_lambda": "lambda",
    "reg_alpha": "alpha",
}
# Metrics of which more is better.
MAXIMISED = (
    "accuracy", "auc", "aucpr", "balanced_accuracy", "f1", "f1_binary", "f1_macro", "map", "ndcg",
    "precision", "precision_macro", "precision_micro", "r2", "recall", "recall_macro", "recall_micro",
)  # fmt: skip
