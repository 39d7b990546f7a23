"""Structured experts (architectures): product distributions over edges, and searches of them.

The learners, which treat every edge as a problem of its own, are in `experts.learners`.
"""

from experts.structured.search.effects import Effect, Effects
from experts.structured.search.searcher import Search
from experts.structured.search.settings import Settings
from experts.structured.search.space import Choice
from experts.structured.search.surrogate import Scales

__all__ = ["Choice", "Effect", "Effects", "Scales", "Search", "Settings"]
