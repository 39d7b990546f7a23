"""Online learning with expert advice: one contract, one engine, any array library."""

from experts import bounds, wipeout
from experts.conversion import average_iterate, best_cumulative, sample_iterate
from experts.estimators import Weighted
from experts.fixed_share import FixedShare, fixed_share
from experts.ftrl import FTRL
from experts.ledger import Ledger
from experts.masks import wipe
from experts.multiple_rates import Bernstein, MultipleRates, Prod, boa, ml_prod
from experts.normal_hedge import NormalHedge, normal_hedge
from experts.player import Player
from experts.poly import Poly, ml_poly
from experts.presets import adahedge, anytime_hedge, exponentiated_gradient, hedge
from experts.product import ProductDistribution
from experts.rates import Anytime, Fixed, Gap, Horizon
from experts.registry import REGISTRY, register
from experts.regularizers import Entropy
from experts.sampling import draw
from experts.squint import ImproperRate, Squint, UniformRate, squint
from experts.types import Feedback, Learner

__all__ = [
    "FTRL",
    "REGISTRY",
    "Anytime",
    "Bernstein",
    "Entropy",
    "Feedback",
    "Fixed",
    "FixedShare",
    "Gap",
    "Horizon",
    "ImproperRate",
    "Learner",
    "Ledger",
    "MultipleRates",
    "NormalHedge",
    "Player",
    "Poly",
    "Prod",
    "ProductDistribution",
    "Squint",
    "UniformRate",
    "Weighted",
    "adahedge",
    "anytime_hedge",
    "average_iterate",
    "best_cumulative",
    "boa",
    "bounds",
    "draw",
    "exponentiated_gradient",
    "fixed_share",
    "hedge",
    "ml_poly",
    "ml_prod",
    "normal_hedge",
    "register",
    "sample_iterate",
    "squint",
    "wipe",
    "wipeout",
]
