"""Tests of experts.structured."""
