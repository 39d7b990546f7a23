"""A-priori regret bounds of the learners: one table, keyed by the name of the preset.

A learner without an entry is still checked against its certificate, under full information.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any

from experts import REGISTRY, bounds

Setting = Mapping[str, Any]
"""Keyword arguments of a preset."""

ALWAYS, PROBABILITY, EXPECTATION = "always", "probability", "expectation"


@dataclass(frozen=True, slots=True)
class Bound:
    """An a-priori regret bound, and in what sense it holds.

    Parameters
    ----------
    formula
        (setting, B, K, T) -> the bound, B the range of the losses; None: no bound for this setting.
    holds
        "always": in every game, full information. Under bandit feedback "probability": in each
        game with probability at least 1 - delta, or "expectation": for the mean over games.
    """

    formula: Callable[[Setting, float, int, int], float | None]
    holds: str = ALWAYS


DELTA = 0.05
"""delta of the bounds that hold with probability 1 - delta."""


def _hedge(s: Setting, b: float, k: int, t: int) -> float:
    return bounds.hedge_tuned(k, t, b) if "horizon" in s else bounds.hedge(k, t, s["eta"], b)


def _optimistic(s: Setting, b: float, k: int, t: int) -> float:
    """Losses differ from the predicted ones by a vector of range 2B at most."""
    eta = s.get("eta") or (8 * math.log(k) / t) ** 0.5 / b
    return bounds.optimistic_hedge(k, eta, itertools.repeat(2 * b, t))


def _told(formula: Callable[[float, int, int], float]) -> Callable[..., float | None]:
    """A bound for learners that are told the range; those that estimate it have none a priori."""
    return lambda s, b, k, t: formula(b, k, t) if "loss_range" in s else None


def _squint(s: Setting, b: float, k: int, t: int) -> float | None:
    """The sum of squared instantaneous regrets is at most T B**2."""
    if "loss_range" not in s:
        return None
    if s.get("prior_on_rate") == "uniform":
        return bounds.squint_uniform(1 / k, t * b**2, b)
    return bounds.squint_improper(1 / k, t, t * b**2, b)


def _normal_hedge(s: Setting, b: float, k: int, t: int) -> float:
    """The bound holds for every delta: the smallest over a grid of deltas."""
    return min(bounds.normal_hedge(k, t, 0.5 * 0.9**i, b) for i in range(80))


def _exp3(s: Setting, b: float, k: int, t: int) -> float:
    if "eta" in s:
        return bounds.exp3_fixed(k, t, s["eta"])
    return bounds.exp3(k, t) if "horizon" in s else bounds.exp3_anytime(k, t)


def _exp3_ix(s: Setting, b: float, k: int, t: int) -> float:
    if "eta" in s:
        return bounds.exp3_ix_fixed(k, t, s["eta"], DELTA)
    return (bounds.exp3_ix if "horizon" in s else bounds.exp3_ix_anytime)(k, t, DELTA)


def _blum_mansour(s: Setting, b: float, k: int, t: int) -> float:
    if "eta" in s:
        return bounds.blum_mansour_fixed(k, t, s["eta"], b)
    return bounds.blum_mansour(k, t, b)


BOUNDS: dict[str, Bound] = {
    "hedge": Bound(_hedge),
    "exponentiated_gradient": Bound(_hedge),
    "anytime_hedge": Bound(lambda s, b, k, t: bounds.hedge_anytime(k, t, b)),
    "adahedge": Bound(lambda s, b, k, t: bounds.adahedge(k, t, b)),
    "optimistic_hedge": Bound(_optimistic),
    "fixed_share": Bound(
        lambda s, b, k, t: bounds.fixed_share(k, t, s["eta"], s["alpha"], 0, b)
    ),
    "squint": Bound(_squint),
    "normal_hedge": Bound(_normal_hedge),
    "ml_poly": Bound(_told(lambda b, k, t: bounds.ml_poly(k, t, b))),
    "ml_prod": Bound(_told(lambda b, k, t: bounds.ml_prod(k, t, t * b**2, b))),
    "boa": Bound(_told(lambda b, k, t: bounds.boa(k, t, t * b**2, b))),
    "regret_matching": Bound(lambda s, b, k, t: bounds.regret_matching(k, t, b)),
    "regret_matching_plus": Bound(lambda s, b, k, t: bounds.regret_matching(k, t, b)),
    "predictive_regret_matching": Bound(
        lambda s, b, k, t: bounds.predictive_regret_matching(k, t, b)
    ),
    "blum_mansour": Bound(_blum_mansour),
    "strongly_adaptive": Bound(lambda s, b, k, t: bounds.strongly_adaptive(k, t, t, b)),
    "exp3": Bound(_exp3, EXPECTATION),
    "exp3_ix": Bound(_exp3_ix, PROBABILITY),
    "rexp3": Bound(lambda s, b, k, t: bounds.rexp3(k, t, s["every"], 0.0), EXPECTATION),
    "tsallis_inf": Bound(
        lambda s, b, k, t: bounds.tsallis_inf(k, t) if s.get("variance") != "reduced" else None,
        EXPECTATION,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contender:
    """A registered learner in one of its settings, and the kind of game that it plays here."""

    name: str
    options: tuple[tuple[str, Any], ...]

    @property
    def setting(self) -> dict[str, Any]:
        """Keyword arguments of the preset."""
        return dict(self.options)

    @property
    def label(self) -> str:
        """The call that makes it, for people; T stands for the game's horizon.

        A learner among the settings is named by its class.
        """
        shown = {
            k: "T" if k == "horizon" else type(v).__name__ if is_dataclass(v) else repr(v)
            for k, v in self.setting.items()
        }
        return f"{self.name}({', '.join(f'{k}={v}' for k, v in shown.items())})"

    @property
    def losses(self) -> tuple[float, float]:
        """Interval of the losses in its games: of the range that it is told, else [0, 1].

        For `exponentiated_gradient`, which is told that gradients lie in [-L, L], that interval.
        """
        if self.name == "exponentiated_gradient":
            limit = float(self.setting.get("bound", 1.0))
            return -limit, limit
        return 0.0, float(self.setting.get("loss_range", 1.0))

    @property
    def holds(self) -> str:
        """Sense in which the a-priori bound holds; "always" if there is only the certificate."""
        known = self.name in BOUNDS and self.bound(2, 1) is not None
        return BOUNDS[self.name].holds if known else ALWAYS

    @property
    def bandit(self) -> bool:
        """Whether it is played with bandit feedback."""
        return self.holds != ALWAYS

    def make(self, rounds: int) -> Any:
        """The learner, for a game of `rounds` rounds."""
        horizon = {"horizon": rounds} if "horizon" in self.setting else {}
        return REGISTRY[self.name].make(**(self.setting | horizon))

    def bound(self, k: int, rounds: int) -> float | None:
        """The a-priori bound for K = k and T = rounds; None if there is none."""
        if self.name not in BOUNDS:
            return None
        low, high = self.losses
        return BOUNDS[self.name].formula(self.setting, high - low, k, rounds)


def contenders() -> list[Contender]:
    """All settings of all registered learners, as their registry entries' examples give them."""
    return [
        Contender(entry.name, tuple(example.items()))
        for entry in REGISTRY.values()
        for example in entry.examples
    ]
