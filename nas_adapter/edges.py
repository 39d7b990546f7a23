"""The edges of a supernet as expert problems: rewards, feedback, and the learner's state.

A *reward* is a gain: larger is better. `experts` works with losses; only this file changes signs.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

import experts
from experts import FTRL, Feedback, Ledger
from experts.numerics.state import from_arrays, to_arrays


def gradient_rewards(loss: Tensor, weights: Tensor) -> Tensor:
    """Rewards of every operation on every edge, R = -d loss / d p, (E, K).

    For one mixed output ``y = sum_i p_i f_i(x)`` this is -<d loss / d y, f_i(x)>: XNAS's reward
    of expert i. It is the gradient in p itself, not in the logits of a softmax, so it does not
    shrink with an operation's probability.

    **Shared edges.** All C cells of a stack share one p, so autograd adds up the cells' rewards:
    R = sum_c R_c. If every cell's reward lies in [-L0, L0], the sum lies in [-C L0, C L0].
    The L of the regret bound and of the wipeout threshold is a bound on this *sum*, and the sum
    is what `clip` cuts to [-L, L]. At the same L, a deeper stack has more of its rewards clipped.

    Parameters
    ----------
    loss
        Scalar validation loss of the supernet with these weights, e.g. cross-entropy in nats.
    weights : (E, K)
        The leaf that requires a gradient.

    Source: Nayman et al. 2019, Algorithm 1.
    """
    if not loss.requires_grad:  # only "none" is left between input and output
        return torch.zeros_like(weights)
    (gradient,) = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
    return -gradient


def clip(rewards: Tensor, bound: float) -> Tensor:
    """Rewards clipped to [-L, L], `bound` = L, as the regret bound needs."""
    return rewards.clamp(-bound, bound)


def from_rewards(rewards: Tensor) -> Feedback:
    """Full-information feedback whose losses are minus the rewards (E, K)."""
    return Feedback(loss=-rewards)


class EdgeProblems:
    """The edges of a supernet as a batch of expert problems (E, K), played by one learner.

    Operations that an edge does not offer do not take part. Under semi-bandit feedback the ledger
    holds the learner's estimates of the losses; regret and certificate are in these estimates.

    Parameters
    ----------
    learner
        A preset of `experts.FTRL`.
    prior : (E, K)
        The distributions of the first round; 0 where an edge does not offer an operation.
    """

    def __init__(self, learner: FTRL, prior: Tensor) -> None:
        self.learner = learner
        self.state = learner.init(torch.zeros_like(prior), prior=prior)
        self.ledger = Ledger.open(torch.zeros_like(prior))

    @property
    def rounds(self) -> int:
        """Rounds played."""
        return self.ledger.rounds

    @property
    def alive(self) -> Tensor:
        """The operations that take part, bool (E, K)."""
        return self.state.alive  # type: ignore[no-any-return]

    def predict(self) -> Tensor:
        """The distributions of this round, float64 (E, K)."""
        return self.learner.predict(self.state)  # type: ignore[no-any-return]

    def update(self, feedback: Feedback, play: Tensor | None = None) -> None:
        """End a round that was played with `predict()`, or with another distribution `play`.

        What was played is what is charged: regret and certificate are those of `play`.
        """
        play = self.predict() if play is None else play
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
        """Regret to the best architecture, summed over the edges."""
        return float(self.ledger.worst(self.alive).sum())

    def best(self) -> Tensor:
        """The best survivor of every edge, int (E,)."""
        return self.ledger.regret.where(self.alive, -math.inf).argmax(-1)  # type: ignore[no-any-return]

    def certificate(self) -> float:
        """Upper bound on `regret()`: the learner's certificate for the same architecture."""
        best = self.best()[:, None]
        return float(self.learner.certificate(self.state).gather(-1, best).sum())

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs."""
        return {"learner": to_arrays(self.state), "ledger": self.ledger._asdict()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from `state_dict()`."""
        self.state = from_arrays(self.state, saved["learner"])
        self.ledger = Ledger(**saved["ledger"])
