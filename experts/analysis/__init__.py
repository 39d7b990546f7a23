"""Judging a game: bounds, ledgers of regret, wipe-outs, one decision from many, worst cases.

Nothing here plays; see `experts.learners` and `experts.simulation`.
"""
