"""Reports in the forms that SageMaker documents, for tests."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

REGRESSION = {
    "regression_metrics": {
        "mse": {"value": 4.925353410353891, "standard_deviation": 2.219186917819692},
        "r2": {"value": 0.5},
    }
}
BINARY: dict[str, Any] = {
    "binary_classification_metrics": {
        "confusion_matrix": {"0": {"0": 50, "1": 5}, "1": {"0": 7, "1": 38}},
        "accuracy": {"value": 0.88, "standard_deviation": 0.01},
        "auc": {"value": 0.95, "standard_deviation": "NaN"},
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": [0, 0.2, 1],
            "true_positive_rates": [0, 0.8, 1],
        },
        "precision_recall_curve": {"precisions": [1, 0.8, 0.5], "recalls": [0, 0.7, 1]},
    }
}
MULTICLASS = {
    "multiclass_classification_metrics": {
        "confusion_matrix": {
            "2": {"2": 3, "10": 1, "x": 0},
            "10": {"2": 0, "10": 4, "x": 0},
            "x": {"x": 5},
        },
        "accuracy": {"value": 0.92},
        "weighted_recall": {"value": 0.9},
    }
}
QUALITY_CONSTRAINTS = {
    "version": 0.0,
    "regression_constraints": {"mse": {"threshold": 5.5, "comparison_operator": "GreaterThanThreshold"}},
}
DATA_STATISTICS: dict[str, Any] = {
    "version": 0.0,
    "dataset": {"item_count": 102},
    "features": [
        {
            "name": "age",
            "inferred_type": "Integral",
            "numerical_statistics": {
                "common": {"num_present": 100, "num_missing": 2},
                "mean": 41.5,
                "sum": 4150.0,
                "std_dev": 9.0,
                "min": 18.0,
                "max": 90.0,
                "distribution": {
                    "kll": {
                        "buckets": [
                            {"lower_bound": 18.0, "upper_bound": 54.0, "count": 70.0},
                            {"lower_bound": 54.0, "upper_bound": 90.0, "count": 30.0},
                        ],
                        "sketch": {"parameters": {"c": 0.64, "k": 2048.0}, "data": [[1.0, 2.0]]},
                    }
                },
            },
        },
        {
            "name": "city",
            "inferred_type": "String",
            "string_statistics": {
                "common": {"num_present": 102, "num_missing": 0},
                "distinct_count": 2.0,
                "distribution": {"categorical": {"buckets": [{"value": "Köln", "count": 60}]}},
            },
        },
    ],
}
DATA_CONSTRAINTS = {
    "version": 0.0,
    "features": [
        {
            "name": "age",
            "inferred_type": "Integral",
            "completeness": 0.98,
            "num_constraints": {"is_non_negative": True},
        },
        {
            "name": "city",
            "inferred_type": "String",
            "completeness": 1.0,
            "string_constraints": {"domains": ["Köln", "Bonn"]},
        },
    ],
    "monitoring_config": {"evaluate_constraints": "Enabled"},
}
ANALYSIS: dict[str, Any] = {
    "version": "1.0",
    "pre_training_bias_metrics": {
        "label": "target",
        "facets": {
            "sex": [
                {
                    "value_or_threshold": "0",
                    "metrics": [
                        {"name": "CI", "description": "Class Imbalance (CI)", "value": 0.33},
                        {"name": "KL", "description": "Kullback-Leibler", "value": None, "error": "no"},
                    ],
                }
            ]
        },
    },
    "post_training_bias_metrics": {
        "facets": {"sex": [{"value_or_threshold": "0", "metrics": [{"name": "DI", "value": 0.6}]}]}
    },
    "explanations": {
        "kernel_shap": {"label0": {"global_shap_values": {"age": 0.1, "city": -0.3}, "expected_value": 0.4}}
    },
}


def put_reports(
    kept: Any, prefix: str = "s3://bucket/reports", **documents: Any
) -> dict[str, dict[str, str]]:
    """Store documents as objects, and return the source of each as ModelMetrics has it."""
    return {
        name: {
            "ContentType": "application/json",
            "S3Uri": kept.put(f"{prefix}/{name}.json", json.dumps(document)),
        }
        for name, document in documents.items()
    }


def tar_of(*members: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    """Return a ``tar.gz`` of these members: (name, content), or as they are given."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            archive.addfile(info, io.BytesIO(member[1]))
    return packed.getvalue()
