"""How `Search` plays."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from experts.numerics.arguments import whole
from experts.structured.search.game import Game
from experts.structured.search.surrogate import Scales


@dataclass(frozen=True, slots=True)
class Settings:
    """How `Search` plays, in every space; chosen on NAS-Bench-201's table."""

    game: Game = field(default_factory=Game)
    scales: Scales = field(default_factory=Scales)
    narrow: float = 0.15
    """times a draw's distance to the posterior mean, until there are as many values as main effects
    (sum of K - 1), and in every second ask until there are twice as many"""
    wide: float = 1.5
    """the same, in all other asks until there are four times as many"""
    late: float = 2.5
    """the same, from then on: by now only what is far from the mean is new"""
    crowd: int = 16
    """with so many points outstanding, or more, the draw is the posterior's own; with fewer, in
    between"""
    start: int = 10
    """the first asks, at most so many, are a Latin hypercube: enough to see every option. All are
    until something is told"""

    def __post_init__(self) -> None:
        for name in ("crowd", "start"):
            whole(name, getattr(self, name))

    @classmethod
    def load(cls, text: str) -> Settings:
        """From JSON."""
        fields: dict[str, Any] = json.loads(text)
        game, scales = Game(**fields.pop("game")), Scales(*fields.pop("scales"))
        return cls(game, scales, **fields)


DEFAULT = Settings()
