"""Sampled architectures: every edge is a bandit, fed by the validation loss of one architecture.

Source: the sampled variant of Nayman et al. 2019 with semi-bandit feedback over a product of
edges; the bandit is Tsallis-INF (Zimmert & Seldin 2021), with plain importance weights.
"""

from __future__ import annotations

import math
from typing import Any

import torch

import experts
from experts import Feedback, bounds
from nas_adapter.edges import EdgeProblems
from nas_adapter.errors import finite
from nas_adapter.randomness import Stream, stream
from nas_adapter.spaces import Architecture, uniform_over_choices
from nas_adapter.spaces.genotype import read
from nas_adapter.strategies.base import Setting, Step, named_probabilities, weight_step
from nas_adapter.tasks import Batch


class SampledXNAS:
    """Each step draws an architecture a from the product p(a) = prod_e p_e(a_e), descends on the
    weights with a training batch under a alone, and feeds a's loss on a validation batch back to
    every edge e, as the loss of its operation a_e.

    Losses are scaled to l = min(loss / ln(outputs), 1), in [0, 1]: 1 is what uniform guessing
    loses. Edge e's estimate, l 1[a_e = o] / p_e(o), is unbiased for E[l | a_e = o], the other
    edges drawn from p.

    Guarantee, in the estimates and on this path: the certificate. In expectation every edge's
    regret for the losses E[l | a_e = o] is at most `bounds.tsallis_inf(K_e, T)`. The sum over the
    edges is a regret over architectures only where l adds up over edges, which a network's loss
    does not exactly. Nothing is removed: no bound on a later estimate is known.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._game = EdgeProblems(
            experts.tsallis_inf(), uniform_over_choices(setting.space, setting.task.device)
        )
        self._worst = math.log(setting.task.size(1, 1).outputs)
        self._cut = 0

    def step(self, train: Batch, valid: Batch) -> Step:
        """One round: draw, descend, look, update."""
        setting, play = self._setting, self._game.play()
        generator = stream(setting.seed, Stream.ARCHITECTURES, self._game.rounds)
        uniforms = torch.rand(len(play), 1, generator=generator, dtype=torch.float64)
        drawn = experts.draw(play, uniforms.to(play.device))
        architecture: Architecture = tuple(drawn.int().argmax(-1).tolist())
        train_loss = weight_step(setting, train, architecture)
        with torch.no_grad():
            loss = finite(setting.loss(valid, architecture).item(), "validation")
        scaled = loss / self._worst
        self._cut += scaled > 1
        feedback = Feedback(torch.full_like(play, min(scaled, 1.0)), seen=drawn, chance=play)
        self._game.update(feedback)
        return Step(
            train_loss,
            {
                "valid_loss": loss,
                "regret": self._game.regret(),
                "regret_certificate": self._game.certificate(),
                "regret_bound": self._bound(),
                "probabilities": self._game.play().tolist(),
            },
        )

    def finish(self) -> tuple[Architecture, Architecture]:
        """The architecture by the rule that was asked for; the supernet is judged with it."""
        setting, game = self._setting, self._game
        found = read(setting.space, setting.read, game.play(), loss=game.loss(), seed=setting.seed)
        return found, found

    def report(self) -> dict[str, Any]:
        """Probabilities, and regret in the estimates, summed over the edges."""
        return {
            "edge_probabilities": named_probabilities(self._setting.space, self._game.play()),
            "regret": self._game.regret(),
            "regret_bound": self._bound(),
            "regret_certificate": self._game.certificate(),
            "clipped_share": self._cut / max(1, self._game.rounds),
        }

    def state_dict(self) -> dict[str, Any]:
        """See `Strategy.state_dict`."""
        return {"game": self._game.state_dict(), "cut": self._cut}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See `Strategy.load_state_dict`."""
        self._game.load_state_dict(saved["game"])
        self._cut = saved["cut"]

    def _bound(self) -> float:
        """On the expected regret, known in advance, of the rounds so far."""
        rounds = self._game.rounds
        choices = self._setting.space.choices
        return sum(bounds.tsallis_inf(len(offered), rounds) for offered in choices)
