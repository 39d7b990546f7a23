"""Tests of nas_adapter.advice."""
