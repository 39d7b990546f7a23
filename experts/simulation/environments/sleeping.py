"""`Sleeping`: an environment in which not all experts take part in every round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from experts.simulation.environments.base import (
    Course,
    Environment,
    check_environment,
    each,
    number,
)
from experts.types import Array


@dataclass(frozen=True, slots=True, eq=False)
class Sleeping:
    """An environment whose experts sleep: before every round `play` is shown who is awake.

    Regret to an expert counts the rounds in which it was awake.

    Parameters
    ----------
    base
        An oblivious environment. Losses of the asleep are ignored, and may be nan.
    awake
        The chance that an expert is awake, in (0, 1], in every round anew and independently; or
        bool (T, ..., K), who is awake in each round. Not copied.
    """

    base: Environment
    awake: Any
    adaptive: ClassVar[bool] = False
    sleeping: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_environment("base", self.base, plain=True)
        if self.base.adaptive:
            raise ValueError(f"base must be oblivious, got {self.base!r}")
        if np.ndim(self.awake) == 0:
            object.__setattr__(self, "awake", number("awake", self.awake, 1e-9, 1.0))
            return
        mask = np.asarray(self.awake)
        if mask.dtype != bool or mask.shape[1:] != tuple(self.base.shape) or len(mask) == 0:
            raise ValueError(
                f"awake must be a number in (0, 1] or bool (T, {str(self.base.shape)[1:]}, got "
                f"{mask.dtype} of shape {mask.shape}"
            )
        object.__setattr__(self, "awake", mask)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the base."""
        return self.base.shape

    @property
    def horizon(self) -> int | None:
        """That of the base, or the number of masks if it is smaller."""
        known = [self.base.horizon, None if isinstance(self.awake, float) else len(self.awake)]
        return min((horizon for horizon in known if horizon is not None), default=None)

    @property
    def loss_interval(self) -> tuple[float, float] | None:
        """That of the base."""
        return self.base.loss_interval

    def start(self, generators: Sequence[np.random.Generator]) -> Course:
        """A run that gives pairs: who is awake, and the losses."""
        of_masks = [generator.spawn(1)[0] for generator in generators]
        course = self.base.start(generators)
        done = 0

        def following(rounds: int) -> tuple[Array, Array]:
            nonlocal done
            first = done
            done += rounds
            if isinstance(self.awake, float):
                shape = (rounds, *self.shape)
                drawn = each(of_masks, shape, lambda _, generator, rows: generator.random(out=rows))
                awake = drawn < self.awake
            else:
                rows = self.awake[first:done, None]
                awake = np.broadcast_to(rows, (rounds, len(generators), *self.shape))
            return awake, course(rounds)

        return following
