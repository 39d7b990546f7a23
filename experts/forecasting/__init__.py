"""Combining forecasts: a table of forecasts and what came of them, in scikit-learn's conventions.

`OnlineAggregator` is the class; numpy and scipy are all that it needs. `best_mixture` is what it is
measured against.
"""

from experts.forecasting.aggregator import OnlineAggregator
from experts.forecasting.hindsight import best_mixture

__all__ = ["OnlineAggregator", "best_mixture"]
