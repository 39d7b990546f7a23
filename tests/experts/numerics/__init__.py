"""Tests of experts.numerics."""
