"""Tests of nas_adapter.scores."""
