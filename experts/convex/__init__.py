"""Online convex optimisation: learners on a ball, a box, a simplex, a product of them.

Each keeps the contract `experts.types.ConvexLearner`: a point is played, a gradient shown.
"""

from experts.convex.adagrad import adagrad
from experts.convex.ader import Ader, ader
from experts.convex.coin_betting import CoinBetting, coin_betting
from experts.convex.descent import Descent
from experts.convex.domains import Ball, Box, Domain, WholeSpace
from experts.convex.hinted_betting import HintedBetting, hinted_betting
from experts.convex.linearised_ftrl import LinearisedFTRL, linearised_ftrl
from experts.convex.ogd import ogd, strongly_convex_ogd
from experts.convex.online_newton_step import online_newton_step
from experts.convex.product import Product
from experts.convex.simplex import Simplex

__all__ = [
    "Ader",
    "Ball",
    "Box",
    "CoinBetting",
    "Descent",
    "Domain",
    "HintedBetting",
    "LinearisedFTRL",
    "Product",
    "Simplex",
    "WholeSpace",
    "adagrad",
    "ader",
    "coin_betting",
    "hinted_betting",
    "linearised_ftrl",
    "ogd",
    "online_newton_step",
    "strongly_convex_ogd",
]
