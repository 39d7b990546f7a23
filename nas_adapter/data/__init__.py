"""Data sets: images and texts, read, split and put into batches.

Losses and metrics on them are in `nas_adapter.tasks`.
"""
