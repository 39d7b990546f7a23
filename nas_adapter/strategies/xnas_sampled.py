"""Sampled architectures: every edge is a bandit, fed by the validation loss of one architecture.

Source: the sampled variant of Nayman et al. 2019 with semi-bandit feedback over a product of
edges; the bandit is Tsallis-INF (Zimmert & Seldin 2021), with plain importance weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from nas_adapter.edges import EdgeExperts
from nas_adapter.errors import finite
from nas_adapter.randomness import Stream, stream
from nas_adapter.ranks import averaged
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

    Losses are scaled to l = min(loss / `Task.guess`, 1), in [0, 1]: 1 is what guessing loses. Edge
    e's estimate, l 1[a_e = o] / p_e(o), is unbiased for E[l | a_e = o], the other edges drawn from
    p.

    Guarantee, in the estimates and on this path: the certificate. In expectation every edge's
    regret for the losses E[l | a_e = o] is at most `bounds.tsallis_inf(K_e, T)`. The sum over the
    edges is a regret over architectures only where l adds up over edges, which a network's loss
    does not exactly. Nothing is removed: no bound on a later estimate is known.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._edges = EdgeExperts(
            context.space,
            steps=context.steps,
            loss_interval=(0, 1),
            prior=context.prior,
            device=context.task.device,
        )
        self._worst = context.task.guess

    def step(self, train: Batch, valid: Batch) -> Step:
        """One round: draw, descend, look, update."""
        context, edges = self._context, self._edges
        generator = stream(context.seed, Stream.ARCHITECTURES, edges.step)
        architecture = edges.sample(generator)
        train_loss = context.descend(train, architecture)
        with torch.no_grad():
            loss = finite(averaged(context.loss(valid, architecture)).item(), "validation")
        edges.update(loss / self._worst, sampled=architecture)
        return Step(
            train_loss,
            {
                "valid_loss": loss,
                "regret": edges.regret(),
                "regret_certificate": edges.certificate(),
                "regret_bound": edges.bound(),
                "probabilities": edges.probabilities().tolist(),
            },
        )

    def finish(self) -> tuple[Architecture, Architecture]:
        """The architecture by the rule that was asked for; the supernet is measured with it."""
        found = self._context.read(self._edges.probabilities(), self._edges.losses())
        return found, found

    def believes(self, architecture: Architecture) -> float:
        """See `Strategy.believes`: its log-probability."""
        return self._context.log_probability(self._edges.probabilities(), architecture)

    def report(self) -> dict[str, Any]:
        """Probabilities, and regret in the estimates, summed over the edges."""
        return {
            "edge_probabilities": self._context.named(self._edges.probabilities()),
            "regret": self._edges.regret(),
            "regret_bound": self._edges.bound(),
            "regret_certificate": self._edges.certificate(),
            "clipped_share": self._edges.clipped_share(),
        }

    def state_dict(self) -> dict[str, Any]:
        """See `Strategy.state_dict`."""
        return self._edges.state_dict()

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See `Strategy.load_state_dict`."""
        self._edges.load_state_dict(saved)
