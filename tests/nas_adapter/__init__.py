"""Tests of nas_adapter."""
