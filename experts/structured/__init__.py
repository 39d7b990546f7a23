"""Experts that are combinations: products over edges, and models of losses on them.

A single problem's learners are in `experts.learners`.
"""
