"""A learner, a policy or a contextual policy with its state, as the engine of turns plays it."""

from __future__ import annotations

from collections import deque
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
    by: Any = None
    """which copy of the learner played it, if there are several"""
    loss: Array = None
    """(S, ..., K); None until it is known"""

    @property
    def played(self) -> Array:
        """What the player suffers for: the arm drawn, or else the distribution."""
        return self.play if self.seen is None else self.seen


class Side(Protocol):
    """One side of a match: the player."""

    def act(self, shown: Any, uniforms: Any) -> Turn:
        """The distribution of this round, and the arm drawn; no loss yet."""

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
    """A learner behind `Player`, which knows what to do about sleepers and late losses.

    A learner that does not support late losses is played in copies, each of which waits for the
    loss of its round: as many as losses are on their way at once, and one more. Regret to an expert
    is at most the sum of their certificates.

    Source: Joulani, Gyorgy & Szepesvari 2013 (the copies).
    """

    def __init__(self, match: Match) -> None:
        self.match = match
        late = match.delays is not None
        self.told_late = late and "delayed" in match.learner.supports
        self.in_copies = late and not self.told_late
        self.players = [self._copy()]
        self.idle = deque(self.players)

    def _copy(self) -> Player[Any]:
        return Player(self.match.learner, np.zeros(self.match.shape), checks=False)

    def act(self, shown: Any, uniforms: Any) -> Turn:
        """See `Side`."""
        player = self.players[0]
        if self.in_copies:
            if not self.idle:
                self.players.append(self._copy())
                self.idle.append(self.players[-1])
            player = self.idle.popleft()
        play = player.predict(shown)
        seen = None if uniforms is None else draw(play, uniforms.reshape(*play.shape[:-1], 1))
        return Turn(shown, play, seen, player)

    def learn(self, turn: Turn) -> None:
        """See `Side`."""
        loss, seen, chance = feedback(turn.loss, turn.seen, turn.play)
        play = turn.play if self.told_late else None
        turn.by.update(loss, seen=seen, chance=chance, awake=turn.shown, play=play)
        if self.in_copies:
            self.idle.append(turn.by)

    def compared(self, turn: Turn) -> tuple[Array, Array | None]:
        """The experts; those that are asleep have the player's loss."""
        if turn.shown is None:
            return turn.loss, None
        return fill(turn.loss, turn.played, turn.shown), None

    def certificate(self) -> Array:
        """See `Side`."""
        return sum(player.certificate() for player in self.players)


class Puller:
    """A `Policy`."""

    def __init__(self, match: Match) -> None:
        self.policy, self.shape = match.learner, match.shape
        self.state = self.policy.init(np.zeros(match.shape))

    def act(self, shown: Any, uniforms: Any) -> Turn:
        """See `Side`."""
        arm = self.policy.choose(self.state, np.reshape(uniforms, self.shape))
        return Turn(shown, arm.astype(np.float64), arm)

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

    def act(self, shown: Any, uniforms: Any) -> Turn:
        """See `Side`."""
        drawn = np.reshape(uniforms, (*self.shape[:-1], self.shape[-1] + 1))
        play = self.policy.predict(self.state, shown, drawn[..., :-1])
        return Turn(shown, play, draw(play, drawn[..., -1:]))

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
