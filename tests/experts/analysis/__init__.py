"""Tests of experts.analysis."""
