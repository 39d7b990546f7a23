"""Tests of nas_adapter.strategies."""
