"""Combining forecasts: a table of forecasts and what came of them, in scikit-learn's conventions.

`OnlineAggregator` is the class; numpy and scipy are all that it needs. `best_mixture` is what it is
measured against, `score_table` says whether a difference may be chance. For a file without a line
of Python: ``python -m experts.forecasting --help``.
"""

from experts.forecasting.aggregator import OnlineAggregator
from experts.forecasting.hindsight import best_mixture
from experts.forecasting.scores import score_table

__all__ = ["OnlineAggregator", "best_mixture", "score_table"]
