"""Tests of experts.testing."""
