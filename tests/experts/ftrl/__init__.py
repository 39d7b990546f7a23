"""Tests of experts.ftrl."""
