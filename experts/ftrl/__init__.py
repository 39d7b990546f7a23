"""Follow the regularised leader (FTRL) and its parts: regularizers, rates, estimators.

The named settings of it (Hedge, Exp3, ...) are in `experts.learners.hedge`.
"""

from experts.ftrl.barriers import LogBarrier, Tsallis
from experts.ftrl.estimators import Estimator, Optimistic, Shifted, Weighted
from experts.ftrl.euclidean import Euclidean
from experts.ftrl.ftrl import FTRL, FTRLState
from experts.ftrl.rates import Anytime, Clock, Fixed, Gap, Horizon, Rate
from experts.ftrl.regularizers import Entropy, Regularizer

__all__ = [
    "FTRL",
    "Anytime",
    "Clock",
    "Entropy",
    "Estimator",
    "Euclidean",
    "FTRLState",
    "Fixed",
    "Gap",
    "Horizon",
    "LogBarrier",
    "Optimistic",
    "Rate",
    "Regularizer",
    "Shifted",
    "Tsallis",
    "Weighted",
]
