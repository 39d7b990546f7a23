"""Helpers that the other folders share: masks, quadrature, draws, saved states, files, figures.

No learner is here, nor anything that depends on one.
"""
