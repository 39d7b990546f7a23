"""Structured actions: paths, subsets, orders, and products over edges; a search of choices.

`Graph` describes a set of actions and `expanded_hedge` learns over it. In a product of edges every
edge is a problem of its own for a learner of `experts.learners`, see `ProductDistribution`.
"""

from experts.structured.component import ComponentHedge, component_hedge
from experts.structured.expanded import ExpandedHedge, expanded_hedge, semi_bandit_hedge
from experts.structured.graph import Graph
from experts.structured.paths import best_action
from experts.structured.search.effects import Effect, Effects
from experts.structured.search.searcher import Search
from experts.structured.search.settings import Settings
from experts.structured.search.space import Choice
from experts.structured.search.surrogate import Scales

__all__ = [
    "Choice",
    "ComponentHedge",
    "Effect",
    "Effects",
    "ExpandedHedge",
    "Graph",
    "Scales",
    "Search",
    "Settings",
    "best_action",
    "component_hedge",
    "expanded_hedge",
    "semi_bandit_hedge",
]
