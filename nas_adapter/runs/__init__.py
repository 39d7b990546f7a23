"""A run from its folder to its result: search, retraining, checkpoints, metrics.

Search methods are in `nas_adapter.strategies`, reports and pictures in `nas_adapter.output`.
"""
