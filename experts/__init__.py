"""Online learning with expert advice: one contract, one engine, any array library."""

from experts import bounds, environments, wipeout
from experts.conversion import average_iterate, best_cumulative, sample_iterate
from experts.estimators import Weighted
from experts.ftrl import FTRL
from experts.ledger import Ledger
from experts.masks import wipe
from experts.play import play
from experts.player import Player
from experts.presets import adahedge, anytime_hedge, exponentiated_gradient, hedge
from experts.product import ProductDistribution
from experts.rates import Anytime, Fixed, Gap, Horizon
from experts.registry import REGISTRY, register
from experts.regularizers import Entropy
from experts.sampling import draw
from experts.trace import Trace
from experts.types import Feedback, Learner

__all__ = [
    "FTRL",
    "REGISTRY",
    "Anytime",
    "Entropy",
    "Feedback",
    "Fixed",
    "Gap",
    "Horizon",
    "Learner",
    "Ledger",
    "Player",
    "ProductDistribution",
    "Trace",
    "Weighted",
    "adahedge",
    "anytime_hedge",
    "average_iterate",
    "best_cumulative",
    "bounds",
    "draw",
    "environments",
    "exponentiated_gradient",
    "hedge",
    "play",
    "register",
    "sample_iterate",
    "wipe",
    "wipeout",
]
