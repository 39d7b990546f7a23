"""A learner, a policy or a contextual policy with its state, as the engine of turns plays it."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np

from experts.numerics.sampling import draw
from experts.player import Player
from experts.simulation.engines.base import Match
from experts.simulation.engines.plain import feedback
from experts.sleeping import fill
from experts.types import Array, ContextualPolicy, Policy


class Turn(NamedTuple):
    """A round that has been played; its loss may be on its way."""

    shown: Any
    """what was shown before it: a context (S, *context_shape), or who is awake, or None"""
    play: Array
    """the distribution, (S, ..., K)"""
    seen: Any
    """under bandit feedback, the arm drawn, one-hot bool (S, ..., K); else None"""
    loss: Array
    """(S, ..., K)"""

    @property
    def played(self) -> Array:
        """What the player suffers for: the arm drawn, or else the distribution."""
        return self.play if self.seen is None else self.seen


class Side(Protocol):
    """One side of a match: the player."""

    def act(self, shown: Any, uniforms: Any) -> tuple[Array, Array | None]:
        """The distribution of this round, and the arm drawn."""

    def learn(self, turn: Turn) -> None:
        """The loss of a round has arrived."""

    def compared(self, turn: Turn) -> tuple[Array, Array | None]:
        """Losses of those whom it is compared with, (S, ..., N); and its own, (S, ...), if that is
        not <played, these>.
        """

    def certificate(self) -> Array:
        """Bound on the regret in the rounds whose loss has arrived, (S, ..., K)."""


def side_of(match: Match) -> Side:
    """The player of a match."""
    if isinstance(match.learner, ContextualPolicy):
        return Reader(match)
    return Puller(match) if isinstance(match.learner, Policy) else Facade(match)


class Facade:
    """A learner behind `Player`, which knows what to do about sleepers and late losses."""

    def __init__(self, match: Match) -> None:
        self.player: Player[Any] = Player(match.learner, np.zeros(match.shape), checks=False)
        self.late = match.delays is not None

    def act(self, shown: Any, uniforms: Any) -> tuple[Array, Array | None]:
        """See `Side`."""
        play = self.player.predict(shown)
        if uniforms is None:
            return play, None
        return play, draw(play, uniforms.reshape(*play.shape[:-1], 1))

    def learn(self, turn: Turn) -> None:
        """See `Side`."""
        loss, seen, chance = feedback(turn.loss, turn.seen, turn.play)
        play = turn.play if self.late else None
        self.player.update(loss, seen=seen, chance=chance, awake=turn.shown, play=play)

    def compared(self, turn: Turn) -> tuple[Array, Array | None]:
        """The experts; those that are asleep have the player's loss."""
        if turn.shown is None:
            return turn.loss, None
        return fill(turn.loss, turn.played, turn.shown), None

    def certificate(self) -> Array:
        """See `Side`."""
        return self.player.certificate()


class Puller:
    """A `Policy`."""

    def __init__(self, match: Match) -> None:
        self.policy, self.shape = match.learner, match.shape
        self.state = self.policy.init(np.zeros(match.shape))

    def act(self, shown: Any, uniforms: Any) -> tuple[Array, Array | None]:
        """See `Side`."""
        arm = self.policy.choose(self.state, np.reshape(uniforms, self.shape))
        return arm.astype(np.float64), arm

    def learn(self, turn: Turn) -> None:
        """See `Side`."""
        revealed = np.where(turn.seen, turn.loss, np.nan)
        self.state = self.policy.update(self.state, turn.seen, revealed)

    def compared(self, turn: Turn) -> tuple[Array, Array | None]:
        """The arms."""
        return turn.loss, None

    def certificate(self) -> Array:
        """There is none."""
        raise NotImplementedError


class Reader:
    """A `ContextualPolicy`."""

    def __init__(self, match: Match) -> None:
        self.policy, self.shape = match.learner, match.shape
        self.state = self.policy.init(np.zeros((match.shape[0], *(match.context_shape or ()))))

    def act(self, shown: Any, uniforms: Any) -> tuple[Array, Array | None]:
        """See `Side`."""
        drawn = np.reshape(uniforms, (*self.shape[:-1], self.shape[-1] + 1))
        play = self.policy.predict(self.state, shown, drawn[..., :-1])
        return play, draw(play, drawn[..., -1:])

    def learn(self, turn: Turn) -> None:
        """See `Side`."""
        told = feedback(turn.loss, turn.seen, turn.play)
        self.state = self.policy.update(self.state, turn.shown, turn.play, told)

    def compared(self, turn: Turn) -> tuple[Array, Array | None]:
        """The arms; or the advisors, each with the loss that its advice expects."""
        if self.policy.reads != "advice" or turn.shown is None:
            return turn.loss, None
        own = np.sum(turn.played * turn.loss, axis=-1)
        return np.sum(turn.shown * turn.loss[..., None, :], axis=-1), own

    def certificate(self) -> Array:
        """There is none."""
        raise NotImplementedError
