"""Optuna's samplers and ours on the same studies."""
