"""Tests of experts.simulation."""
