"""Tests of nas_adapter.edges."""
