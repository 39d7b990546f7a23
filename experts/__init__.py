"""Online learning with expert advice: one contract, one engine, any array library."""

from experts import bounds, environments, least_squares, wipeout
from experts.barriers import LogBarrier, Tsallis
from experts.conversion import (
    anytime_iterate,
    average_iterate,
    best_cumulative,
    sample_iterate,
)
from experts.estimators import Optimistic, Shifted, Weighted
from experts.euclidean import Euclidean
from experts.fixed_share import fixed_share
from experts.ftrl import FTRL
from experts.ledger import IntervalLedger, Ledger, TrackingLedger
from experts.masks import wipe
from experts.multiple_rates import boa, ml_prod
from experts.normal_hedge import normal_hedge
from experts.play import play
from experts.player import Player
from experts.poly import ml_poly
from experts.presets import (
    adahedge,
    anytime_hedge,
    exp3,
    exp3_ix,
    exponentiated_gradient,
    hedge,
    optimistic_hedge,
    tsallis_inf,
)
from experts.product import ProductDistribution
from experts.rates import Anytime, Fixed, Gap, Horizon
from experts.registry import REGISTRY, register
from experts.regularizers import Entropy
from experts.sampling import draw
from experts.squint import squint
from experts.trace import Trace
from experts.types import Feedback, Learner

__all__ = [
    "FTRL",
    "REGISTRY",
    "Anytime",
    "Entropy",
    "Euclidean",
    "Feedback",
    "Fixed",
    "Gap",
    "Horizon",
    "IntervalLedger",
    "Learner",
    "Ledger",
    "LogBarrier",
    "Optimistic",
    "Player",
    "ProductDistribution",
    "Shifted",
    "Trace",
    "TrackingLedger",
    "Tsallis",
    "Weighted",
    "adahedge",
    "anytime_hedge",
    "anytime_iterate",
    "average_iterate",
    "best_cumulative",
    "boa",
    "bounds",
    "draw",
    "environments",
    "exp3",
    "exp3_ix",
    "exponentiated_gradient",
    "fixed_share",
    "hedge",
    "least_squares",
    "ml_poly",
    "ml_prod",
    "normal_hedge",
    "optimistic_hedge",
    "play",
    "register",
    "sample_iterate",
    "squint",
    "tsallis_inf",
    "wipe",
    "wipeout",
]
