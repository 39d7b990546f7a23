"""Structured experts (architectures): product distributions over edges, and models of their losses.

The learners, which treat every edge as a problem of its own, are in `experts.learners`.
"""
