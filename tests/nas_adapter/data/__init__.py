"""Tests of nas_adapter.data."""
