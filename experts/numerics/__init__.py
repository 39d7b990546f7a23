"""What the rooms share: masks, log-domain helpers, quadrature, draws, saved states, files.

Nothing here knows what a learner is.
"""
