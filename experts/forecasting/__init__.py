"""Combining forecasts: a table of forecasts and what came of them, in scikit-learn's conventions.

`OnlineAggregator` is the class; numpy and scipy are all that it needs.
"""

from experts.forecasting.aggregator import OnlineAggregator

__all__ = ["OnlineAggregator"]
