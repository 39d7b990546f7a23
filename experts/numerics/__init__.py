"""Numerical helpers that the other folders share: masks, quadrature, draws, saved states, files.

No learner is here, nor anything that depends on one.
"""
