"""Online learning with expert advice, in any array library: learners, their bounds, whole games.

Users need the names that are here only; the folders below are for those who extend the package.
"""

from experts import bounds, environments, wipeout
from experts.analysis.conversion import (
    anytime_iterate,
    average_iterate,
    best_cumulative,
    sample_iterate,
)
from experts.ftrl import (
    FTRL,
    Anytime,
    Entropy,
    Euclidean,
    Fixed,
    Gap,
    Horizon,
    LogBarrier,
    Optimistic,
    Shifted,
    Tsallis,
    Weighted,
)
from experts.learners.fixed_share import fixed_share
from experts.learners.hedge import (
    adahedge,
    anytime_hedge,
    exp3,
    exp3_ix,
    exponentiated_gradient,
    hedge,
    optimistic_hedge,
    tsallis_inf,
)
from experts.learners.ml_poly import ml_poly
from experts.learners.normal_hedge import normal_hedge
from experts.learners.prod_and_boa import boa, ml_prod
from experts.learners.regret_matching import (
    predictive_regret_matching,
    regret_matching,
    regret_matching_plus,
)
from experts.learners.restarted import restarted, rexp3
from experts.learners.squint import squint
from experts.learners.strongly_adaptive import strongly_adaptive
from experts.learners.swap import blum_mansour
from experts.ledger import IntervalLedger, Ledger, TrackingLedger
from experts.numerics.masks import wipe
from experts.numerics.sampling import draw
from experts.player import Player
from experts.registry import REGISTRY, register
from experts.simulation.play import play
from experts.simulation.trace import Trace
from experts.structured.product import ProductDistribution
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
    "blum_mansour",
    "boa",
    "bounds",
    "draw",
    "environments",
    "exp3",
    "exp3_ix",
    "exponentiated_gradient",
    "fixed_share",
    "hedge",
    "ml_poly",
    "ml_prod",
    "normal_hedge",
    "optimistic_hedge",
    "play",
    "predictive_regret_matching",
    "register",
    "regret_matching",
    "regret_matching_plus",
    "restarted",
    "rexp3",
    "sample_iterate",
    "squint",
    "strongly_adaptive",
    "tsallis_inf",
    "wipe",
    "wipeout",
]
