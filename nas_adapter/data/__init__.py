"""Data sets: images and texts, read, split and put into batches.

What is learnt on them is in `nas_adapter.tasks`.
"""
