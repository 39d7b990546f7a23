"""Tests of nas_adapter.front."""
