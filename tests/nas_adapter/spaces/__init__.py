"""Tests of nas_adapter.spaces."""
