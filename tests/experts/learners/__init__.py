"""Tests of experts.learners."""
