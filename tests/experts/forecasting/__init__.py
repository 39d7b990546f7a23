"""Tests of experts.forecasting."""
