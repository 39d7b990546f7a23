"""Games that learners play against each other: matrices, correlated equilibria, Kuhn poker."""

from experts.analysis.swap_ledger import SwapLedger
from experts.games.correlated import JointPlay, deviations, joint_play
from experts.games.decisions import Decisions
from experts.games.poker import kuhn, leduc
from experts.games.self_play import Match, self_play
from experts.games.tree import Chance, Move, tree_game
from experts.games.zero_sum import ZeroSum, matrix_game

__all__ = [
    "Chance",
    "Decisions",
    "JointPlay",
    "Match",
    "Move",
    "SwapLedger",
    "ZeroSum",
    "deviations",
    "joint_play",
    "kuhn",
    "leduc",
    "matrix_game",
    "self_play",
    "tree_game",
]
