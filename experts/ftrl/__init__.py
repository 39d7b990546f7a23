"""Follow the regularised leader and its parts: regularizers, rates, estimators.

The presets that users call by name are in `experts.learners.hedge`.
"""
