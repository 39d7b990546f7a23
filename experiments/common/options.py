"""Options that several programs share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from common.command import at_least


@dataclass(frozen=True)
class GameOptions:
    """Options of programs that play independent random games in parallel processes."""

    games: int = 100
    """Independent games of each setting."""
    seed: int = 0
    """Seed of every random choice."""
    jobs: int = -1
    """Processes; -1: as many as there are cores."""
    out: Path = Path("runs")
    """Folder for result.json and the pictures."""
    smoke: bool = False
    """A tiny run, to see that everything works; overrides the sizes."""

    def __post_init__(self) -> None:
        at_least(self, games=2, seed=0)
