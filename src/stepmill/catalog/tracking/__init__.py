"""Experiments as MLflow's clients see them: runs are trial components, with MLflow's own beside."""
