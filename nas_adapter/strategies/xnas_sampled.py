"""Sampled architectures: every edge is a bandit, fed by the validation loss of one architecture.

Source: the sampled variant of Nayman et al. 2019 with semi-bandit feedback over a product of
edges; the bandit is Tsallis-INF (Zimmert & Seldin 2021), with plain importance weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

import experts
from experts import Feedback, bounds
from nas_adapter.edges import EdgeProblems
from nas_adapter.errors import finite
from nas_adapter.spaces import Architecture
from nas_adapter.strategies.base import READ_RULES, Context, MethodSettings, Step, method
from nas_adapter.tasks import Batch


@method
@dataclass(frozen=True, kw_only=True)
class SampledXNASSettings(MethodSettings):
    """Settings of sampled XNAS: it has none."""

    name: ClassVar = "xnas-sampled"
    rules: ClassVar = (*READ_RULES, "best-cumulative")

    def start(self, context: Context) -> SampledXNAS:
        """See `MethodSettings.start`."""
        return SampledXNAS(context)


class SampledXNAS:
    """XNAS without gradients: every edge is a bandit, fed by the loss of a sampled architecture.

    Each step draws an architecture a from the product p(a) = prod_e p_e(a_e), descends on the
    weights with a training batch under a alone, and gives a's loss on a validation batch to every
    edge e, as the loss of its operation a_e.

    Losses are scaled to l = min(loss / ln(outputs), 1), in [0, 1]: 1 is what uniform guessing
    loses. Edge e's estimate, l 1[a_e = o] / p_e(o), is unbiased for E[l | a_e = o], the other
    edges drawn from p.

    Guarantee, in the estimates and on this path: the certificate. In expectation every edge's
    regret for the losses E[l | a_e = o] is at most `bounds.tsallis_inf(K_e, T)`. The sum over the
    edges is a regret over architectures only where l adds up over edges, which a network's loss
    does not exactly. Nothing is removed: no bound on a later estimate is known.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._problems = EdgeProblems(experts.tsallis_inf(), context.prior)
        self._even = context.even
        self._worst = math.log(context.task.size(1, search=True).outputs)
        self._cut = 0

    def step(self, train: Batch, valid: Batch) -> Step:
        """One round: draw, descend, look, update."""
        context, play = self._context, self._problems.predict()
        architecture = context.draw(play, self._problems.rounds)
        chosen = torch.tensor(architecture, device=play.device)[:, None]
        drawn = torch.zeros_like(play, dtype=torch.bool).scatter_(1, chosen, True)
        train_loss = context.descend(train, architecture)
        with torch.no_grad():
            loss = finite(context.loss(valid, architecture).item(), "validation")
        scaled = loss / self._worst
        self._cut += scaled > 1
        feedback = Feedback(torch.full_like(play, min(scaled, 1.0)), seen=drawn, chance=play)
        self._problems.update(feedback)
        return Step(
            train_loss,
            {
                "valid_loss": loss,
                "regret": self._problems.regret(),
                "regret_certificate": self._problems.certificate(),
                "regret_bound": self._bound(),
                "probabilities": self._problems.predict().tolist(),
            },
        )

    def finish(self) -> tuple[Architecture, Architecture]:
        """The architecture by the rule that was asked for; the supernet is measured with it."""
        found = self._context.read(self._problems.predict(), self._problems.loss())
        return found, found

    def believes(self, architecture: Architecture) -> float:
        """See `Strategy.believes`: its log-probability."""
        return self._context.log_probability(self._problems.predict(), architecture)

    def report(self) -> dict[str, Any]:
        """Probabilities, and regret in the estimates, summed over the edges."""
        return {
            "edge_probabilities": self._context.named(self._problems.predict()),
            "regret": self._problems.regret(),
            "regret_bound": self._bound(),
            "regret_certificate": self._problems.certificate(),
            "clipped_share": self._cut / max(1, self._problems.rounds),
        }

    def state_dict(self) -> dict[str, Any]:
        """See `Strategy.state_dict`."""
        return {"problems": self._problems.state_dict(), "cut": self._cut}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See `Strategy.load_state_dict`."""
        self._problems.load_state_dict(saved["problems"])
        self._cut = saved["cut"]

    def _bound(self) -> float | None:
        """A-priori bound on the expected regret after the rounds so far; None if the prior is not
        uniform, for which the theorem does not speak (the certificate does).
        """
        if not self._even:
            return None
        rounds = self._problems.rounds
        choices = self._context.space.choices
        return sum(bounds.tsallis_inf(len(offered), rounds) for offered in choices)
