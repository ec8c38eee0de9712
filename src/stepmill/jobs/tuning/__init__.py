"""Hyperparameter tuning: training jobs with other hyperparameters each, until the best are found."""
