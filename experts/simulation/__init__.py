"""Whole games in numpy: environments, `play` and its engines, traces and their plots.

To play one round at a time, in any array library, use `experts.Player`.
"""
