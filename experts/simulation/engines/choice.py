"""Which engine plays a game."""

from __future__ import annotations

import importlib.util
from typing import Any

from experts.simulation.engines.base import Match
from experts.simulation.engines.plain import Plain
from experts.simulation.engines.scan import Scan
from experts.simulation.engines.turns import Turns
from experts.types import Learner

_WORTH_COMPILING = 10_000
"""Rounds x problems, or hundreds of losses, from which on loading the compiled engine pays."""


def engine_for(name: str, match: Match, wealth: bool, work: int) -> Any:
    """The engine called `name`, or for "auto" the fastest that can run the match.

    Raises
    ------
    ValueError
        There is none of that name, it is not installed, or it cannot run the match.
    """
    if name not in ("auto", "plain", "scan", "numba", "turns"):
        raise ValueError(f"engine must be one of auto, plain, scan, numba, turns; got {name!r}")
    special = _special(match)
    if special and wealth:
        raise ValueError(f"wealth=True is not counted with {special}")
    if special and name not in ("auto", "turns"):
        raise ValueError(f"engine {name!r} cannot run {special}; 'turns' can")
    if special:
        return Turns()
    if wealth and name in ("scan", "numba"):
        raise ValueError(f"engine {name!r} does not count log wealth (wealth=True); 'plain' does")
    if wealth and name == "auto":
        return Plain()
    compiled = importlib.util.find_spec("numba") is not None
    known: dict[str, Any] = {"scan": Scan, "plain": Plain, "turns": Turns}
    if name == "numba" and not compiled:
        raise ValueError("engine 'numba' needs numba: pip install 'experts-xnas[fast]'")
    if name == "numba" or (name == "auto" and compiled and work >= _WORTH_COMPILING):
        # Optional, and slow to import.
        from experts.simulation.engines.compiled import Numba  # noqa: PLC0415

        known = {"numba": Numba} | known
    learner, kind = match.learner, {"adaptive": match.adaptive, "bandit": match.bandit}
    if name == "auto":
        return next(e for e in (e() for e in known.values()) if e.runs(learner, **kind))
    engine = known[name]()
    if not engine.runs(learner, **kind):
        raise ValueError(
            f"engine {name!r} cannot run {learner!r} with "
            f"{'bandit' if match.bandit else 'full'} feedback in an "
            f"{'adaptive' if match.adaptive else 'oblivious'} environment; 'plain' can"
        )
    return engine


def _special(match: Match) -> str:
    """What only the engine of turns can do, that the match asks for."""
    if not isinstance(match.learner, Learner):
        return f"{match.learner!r}"
    if match.sleeping:
        return "sleeping experts"
    if match.delays is not None:
        return "late losses (delay)"
    return "" if match.switches is None else "sequences with switches"
