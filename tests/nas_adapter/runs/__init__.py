"""Tests of nas_adapter.runs."""
