"""Tests of nas_adapter.supernets."""
