"""The rounds of a search: warm-up, learning, and what is told to the host."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import experts
from experts import Feedback
from nas_adapter.edges.problems import EdgeProblems, tuned, uniform
from nas_adapter.edges.rewards import Rewards
from nas_adapter.edges.settings import Settings, user_errors
from nas_adapter.errors import UserError


class Rounds:
    """All rounds of a search, in one batch (E, K) of edges.

    Parameters
    ----------
    settings
        See `EdgeExperts`.
    offered : bool (E, K)
        What the edges offer.
    prior : (E, K)
        First distributions; None: uniform.
    ranks
        The processes over which rewards are averaged.
    """

    def __init__(
        self, settings: Settings, offered: Tensor, prior: Tensor | None, ranks: Any
    ) -> None:
        self.settings, self.offered, self.uniform = settings, offered, uniform(offered)
        self.prior = self.uniform if prior is None else prior
        self.rewards = Rewards(settings.reward_bound, settings.loss_interval, ranks, offered.device)
        self.problems = self._start()
        self.step = 0
        """how often `end` was called"""
        self.wiped: list[tuple[int, int, int]] = []
        """edge, operation, step of all that was removed"""

    @property
    def warming(self) -> bool:
        """Whether the next round belongs to the warm-up."""
        return self.step < self.settings.warmup

    def rule(self) -> str | None:
        """See `EdgeExperts.wipeout_rule`."""
        return self.problems.rule() if self.settings.wipeout else None

    def play(self) -> Tensor:
        """The distributions of this round, (E, K)."""
        return self.uniform if self.warming else self.problems.play()

    def learn(self, play: Tensor, gradient: Tensor, divisor: Tensor | float, scaled: bool) -> None:
        """Learn from the gradient (E, K) of a loss in `play`, times `divisor`."""
        rewards = self.rewards.of_gradient(gradient, divisor, scaled=scaled)
        if not self.warming:
            rewards = self.rewards.clip(rewards.where(self.problems.alive, 0.0))
            self.problems.update(play, Feedback(-rewards))
        elif self.rewards.auto:
            self.rewards.look(rewards)

    def learn_sampled(self, play: Tensor, drawn: Tensor, loss: Tensor | float) -> None:
        """Learn from the loss of the architecture `drawn`, bool (E, K), that came from `play`."""
        if not self.warming:
            losses = self.rewards.of_loss(loss).expand_as(play)
            self.problems.update(play, Feedback(losses, seen=drawn, chance=play))

    def end(self) -> list[tuple[int, int]]:
        """End the round; what was removed: edges and operations."""
        self.step += 1
        if self.step == self.settings.warmup and self.rewards.auto:
            self.rewards.settle()
            self.problems = self._start()
        left = self.settings.steps - self.step
        if left and self.step % self.settings.tell_every:
            return []
        # After the last round nothing is played any more: the rule would leave the leaders only.
        active = left > 0 and not self.warming and self.rule() is not None
        dead = self.problems.hopeless(left) if active else self.problems.alive & False
        told = torch.cat([torch.stack(self.rewards.flaws), dead.flatten()]).cpu()
        self.rewards.complain(told[:2].tolist())
        found = [(row, column) for row, column in told[2:].view(dead.shape).nonzero().tolist()]
        if found:
            self.problems.wipe(dead)
            self.wiped += [(*pair, self.step) for pair in found]
        return found

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs, between two rounds: tensors and plain values."""
        return {
            "settings": self.settings.plain(),
            "prior": self.prior,
            "step": self.step,
            "rewards": self.rewards.state_dict(),
            "problems": self.problems.state_dict(),
            "wiped": list(self.wiped),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from `state_dict()`; it is left as it is."""
        missing = self.state_dict().keys() - saved.keys()
        if missing:
            raise UserError(f"saved lacks {', '.join(sorted(missing))}: is it a state_dict()?")
        for name, value in self.settings.plain().items():
            if saved["settings"][name] != value:
                raise UserError(f"saved with {name} = {saved['settings'][name]!r}, not {value!r}")
        if not torch.equal(saved["prior"].to(self.prior.device), self.prior):
            raise UserError("saved with other choices or another prior")
        self.rewards.load_state_dict(saved["rewards"])
        self.problems = self._start()
        self.problems.load_state_dict(saved["problems"])
        self.step = saved["step"]
        self.wiped = [(edge, operation, step) for edge, operation, step in saved["wiped"]]

    def _start(self) -> EdgeProblems:
        """The problems before their first round; 1 stands in for an L that is not known yet."""
        settings, bound = self.settings, self.rewards.bound
        if bound is None and self.rewards.auto:
            bound = 1.0
        learner = settings.learner
        if learner is None and settings.loss_interval is not None:
            learner = experts.tsallis_inf()
        learner = learner or tuned(self.offered, self.prior, settings.rounds, bound)
        span = None if bound is None else 2 * bound
        with user_errors():
            return EdgeProblems(learner, self.offered, self.prior, span, settings.explore)
