"""From a supernet's validation loss to `experts.Feedback`: the one place where signs are decided.

Here, and nowhere else, a *reward* is a gain: larger is better. `experts` speaks of losses.
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
    """Reward of every operation on every edge, R = -d loss / d p, (E, K).

    For one mixed output ``y = sum_i p_i f_i(x)`` this is -<d loss / d y, f_i(x)>: XNAS's reward
    of expert i. It is the gradient in p itself, not in the logits of a softmax, so an operation
    of small weight is not starved of it.

    **Shared edges.** All C cells of a stack share one p, so autograd adds up the cells' rewards:
    R = sum_c R_c. If every cell's reward lay in [-L0, L0], the sum would lie in [-C L0, C L0].
    The L of the regret bound and of the wipeout threshold is a bound on this *sum*, and the sum
    is what `clip` cuts to [-L, L]. Growing the stack at the same L makes clipping bite more.

    Parameters
    ----------
    loss
        Scalar validation loss of the supernet with these weights, e.g. cross-entropy in nats.
    weights : (E, K)
        The leaf that requires a gradient.

    Source: Nayman et al. 2019, Algorithm 1.
    """
    if not loss.requires_grad:  # nothing but "none" is left between input and output
        return torch.zeros_like(weights)
    (gradient,) = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
    return -gradient


def clip(rewards: Tensor, bound: float) -> Tensor:
    """Rewards cut to [-L, L], as the theory needs."""
    return rewards.clamp(-bound, bound)


def from_rewards(rewards: Tensor) -> Feedback:
    """Full-information feedback: the loss is minus the reward."""
    return Feedback(loss=-rewards)


class EdgeProblems:
    """The edges are a batch of problems (E, K); operations that an edge lacks do not take part.

    Under semi-bandit feedback the books are kept in the learner's estimates of the losses: regret
    and certificate speak of these.
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
