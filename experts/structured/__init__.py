"""Structured experts (architectures): product distributions over edges, and models of their losses.

The learners, which treat every edge as a problem of its own, are in `experts.learners`.
"""

from experts.structured.search.effects import Effect, Effects
from experts.structured.search.searcher import Search
from experts.structured.search.space import Choice

__all__ = ["Choice", "Effect", "Effects", "Search"]
