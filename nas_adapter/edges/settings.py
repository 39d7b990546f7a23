"""Settings of `EdgeExperts`, checked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any, Literal

from experts import Learner
from experts.checks import check_learner
from nas_adapter.errors import UserError


@dataclass(frozen=True, slots=True)
class Settings:
    """What `EdgeExperts` documents, but for the tables and where things run."""

    steps: int
    reward_bound: float | Literal["auto"] | None
    loss_interval: tuple[float, float] | None
    learner: Learner[Any] | None
    warmup: int
    explore: float
    wipeout: bool
    tell_every: int

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("warmup", 0), ("tell_every", 1)):
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < least:
                raise UserError(f"{name} must be a whole number of at least {least}, got {value!r}")
        if self.warmup >= self.steps:
            raise UserError(f"warmup = {self.warmup} leaves none of the {self.steps} steps")
        if not 0 <= self.explore < 1:
            raise UserError(f"explore must be in [0, 1), got {self.explore!r}")
        self._check_bound()
        self._check_interval()
        self._check_learner()

    @property
    def rounds(self) -> int:
        """T, without the warm-up."""
        return self.steps - self.warmup

    def plain(self) -> dict[str, Any]:
        """The settings by name, for a checkpoint."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return values | {"learner": repr(self.learner)}

    def _check_bound(self) -> None:
        bound: Any = self.reward_bound
        if bound == "auto":
            if self.warmup == 0:
                raise UserError('reward_bound="auto" needs a warmup of at least one round')
        elif bound is not None and not (isinstance(bound, Real) and 0 < float(bound) < math.inf):
            raise UserError(f'reward_bound must be a positive number or "auto", got {bound!r}')

    def _check_interval(self) -> None:
        if self.loss_interval is None:
            return
        if self.reward_bound is not None:
            raise UserError(
                "give reward_bound, to learn from gradients, or loss_interval, to learn from the "
                "losses of sampled architectures; not both"
            )
        if self.explore:
            raise UserError("explore is for gradients: who samples architectures explores anyway")
        low, high = self.loss_interval
        if not (math.isfinite(high - low) and low < high):
            raise UserError(
                f"loss_interval must be (low, high), finite and low < high, got {low, high}"
            )

    def _check_learner(self) -> None:
        learner = self.learner
        if learner is None:
            return
        with user_errors():
            check_learner(learner)
        if learner.horizon is not None and learner.horizon < self.rounds:
            raise UserError(
                f"learner is tuned for {learner.horizon} rounds, but steps - warmup = {self.rounds}"
            )
        if self.loss_interval is not None and "bandit" not in learner.supports:
            raise UserError(f"learner {learner!r} does not learn from sampled architectures")
        if self.explore and "delayed" not in learner.supports:
            raise UserError(f"learner {learner!r} must be played as it is: explore must be 0")


@contextmanager
def user_errors() -> Iterator[None]:
    """Context in which what `experts` refuses is a mistake of the user."""
    try:
        yield
    except ValueError as error:
        raise UserError(str(error)) from error
