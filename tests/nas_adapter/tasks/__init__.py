"""Tests of nas_adapter.tasks."""
