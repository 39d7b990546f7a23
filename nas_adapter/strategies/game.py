"""One expert problem for each edge, played by one learner, with its books."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

import experts
from experts import FTRL, Feedback, Ledger
from experts.state import from_arrays, to_arrays
from nas_adapter.spaces import Space, uniform_over_choices


class Game:
    """The edges are a batch of problems (E, K); operations that an edge lacks do not take part.

    Under semi-bandit feedback the books are kept in the learner's estimates of the losses: regret
    and certificate speak of these.
    """

    def __init__(self, space: Space, learner: FTRL, device: torch.device) -> None:
        prior = uniform_over_choices(space, device)
        self.learner = learner
        self.state = learner.init(torch.zeros_like(prior), prior=prior)
        self.ledger = Ledger.open(torch.zeros_like(prior))

    @property
    def rounds(self) -> int:
        """Rounds played."""
        return self.ledger.rounds

    @property
    def alive(self) -> Tensor:
        """Who takes part, bool (E, K)."""
        return self.state.alive  # type: ignore[no-any-return]

    def play(self) -> Tensor:
        """The distributions, float64 (E, K)."""
        return self.learner.predict(self.state)  # type: ignore[no-any-return]

    def update(self, feedback: Feedback) -> None:
        """One round in which `play` was used."""
        play = self.play()
        loss = self.learner.estimate(self.state, feedback)
        # The loss of a removed operation is unknown, not zero.
        self.ledger = self.ledger.add(play, loss.where(self.alive, math.nan))
        self.state = self.learner.update(self.state, play, feedback)

    def wipe(self, dead: Tensor) -> None:
        """Remove the operations in `dead`, bool (E, K)."""
        self.state = experts.wipe(self.state, dead)

    def loss(self) -> Tensor:
        """Cumulative losses, up to a constant on each edge; inf for what does not take part."""
        return self.state.loss.where(self.alive, math.inf)  # type: ignore[no-any-return]

    def regret(self) -> float:
        """To the best architecture, summed over the edges."""
        return float(self.ledger.worst(self.alive).sum())

    def certificate(self) -> float:
        """Of the regret to that very architecture."""
        best = self.ledger.regret.where(self.alive, -math.inf).argmax(-1, keepdim=True)
        return float(self.learner.certificate(self.state).gather(-1, best).sum())

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs."""
        return {"learner": to_arrays(self.state), "ledger": self.ledger._asdict()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from `state_dict()`."""
        self.state = from_arrays(self.state, saved["learner"])
        self.ledger = Ledger(**saved["ledger"])
