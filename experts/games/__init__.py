"""Games that learners play against each other: matrices, correlated equilibria, Kuhn poker."""

from experts.games.decisions import Decisions
from experts.games.kuhn import kuhn
from experts.games.self_play import Match, self_play
from experts.games.tree import Chance, Move, tree_game
from experts.games.zero_sum import ZeroSum, matrix_game

__all__ = [
    "Chance",
    "Decisions",
    "Match",
    "Move",
    "ZeroSum",
    "kuhn",
    "matrix_game",
    "self_play",
    "tree_game",
]
