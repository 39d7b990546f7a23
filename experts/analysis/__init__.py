"""Regret and what it implies: bounds, ledgers, wipe-out rules, online-to-batch, worst cases.

The learners are in `experts.learners`, whole games in `experts.simulation`.
"""
