"""Tests of experts.optuna."""
