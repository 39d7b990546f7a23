"""XNAS: every edge is an expert problem, played with exponentiated gradient and wipeout.

Source: Nayman et al. 2019, "XNAS: Neural Architecture Search with Expert Advice", Algorithm 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

import experts
from experts import Ledger, bounds, wipeout
from experts.state import from_arrays, to_arrays
from nas_adapter.feedback import clip, from_rewards, gradient_rewards
from nas_adapter.genotype import read
from nas_adapter.spaces import Architecture, uniform_over_choices
from nas_adapter.strategies.base import Setting, Step, named_probabilities, weight_step
from nas_adapter.supernet import forget
from nas_adapter.tasks import Batch
from nas_adapter.training import finite


class XNAS:
    """The edges are the batch of one expert problem, (E, K); the operations are its experts.

    Each of T steps: descend on the weights with a training batch under the current play p; on a
    validation batch take the rewards -d loss / d p, clipped to [-L, L]; play exponentiated
    gradient with eta = sqrt(2 ln K / (T L**2)); remove every operation that cannot end as its
    edge's best, G_i < max_j G_j - 2L (T - t). After the last step nothing is played any more, so
    nothing is removed (the rule would leave the leaders alone).

    Regret of every edge, in clipped rewards: at most L sqrt(2 T ln K); summed over the edges it
    is the regret over architectures of the linearised loss.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        prior = uniform_over_choices(setting.space, setting.task.device)
        like = torch.zeros_like(prior)
        self._learner = experts.exponentiated_gradient(
            horizon=setting.steps, bound=setting.reward_bound
        )
        self._state = self._learner.init(like, prior=prior)
        self._ledger = Ledger.open(like)
        self._log_kept = like[:, :1]
        self._clipped = like[0, 0]  # rewards that were cut
        self._rewarded = like[0, 0]  # rewards that were not 0, as "none"'s and the removed's are
        self._wiped: list[tuple[int, int, int]] = []  # edge, operation, step

    def step(self, train: Batch, valid: Batch) -> Step:
        """One round of Algorithm 1."""
        setting = self._setting
        play = self._learner.predict(self._state)
        train_loss = weight_step(setting, train, play.float())
        weights = play.float().requires_grad_()
        valid_loss = setting.loss(valid, weights)
        raw = gradient_rewards(valid_loss, weights).double()
        feedback = from_rewards(clip(raw, setting.reward_bound))
        alive = self._state.alive
        self._clipped = self._clipped + (raw.abs() > setting.reward_bound).sum()
        self._rewarded = self._rewarded + (raw != 0).sum()
        self._state = self._learner.update(self._state, play, feedback)
        # The reward of a removed operation is unknown, not zero.
        self._ledger = self._ledger.add(play, feedback.loss.where(alive, math.nan))
        value = finite(valid_loss.item(), "validation")
        if setting.wipeout and self._ledger.rounds < setting.steps:
            self._wipe()
        return Step(train_loss, self._details(value))

    def finish(self) -> tuple[Architecture, Tensor]:
        """The architecture by the rule that was asked for, and the play itself."""
        play, setting = self._learner.predict(self._state), self._setting
        loss = self._state.loss.where(self._state.alive, math.inf)
        found = read(setting.space, setting.read, play, loss=loss, seed=setting.seed)
        return found, play.float()

    def report(self) -> dict[str, Any]:
        """Probabilities, wipe-outs, regret and its bounds, summed over the edges."""
        space, setting = self._setting.space, self._setting
        play = self._learner.predict(self._state)
        advance = self._bound(setting.steps)
        return {
            "edge_probabilities": named_probabilities(space, play),
            "wiped_out": [
                {"edge": space.edges[edge], "operation": space.operations[operation], "step": step}
                for edge, operation, step in self._wiped
            ],
            "regret": self._regret(),
            "regret_bound": advance,
            "regret_bound_with_wipeout": advance
            + float((self._log_kept * self._state.clock.scale).sum()),
            "regret_certificate": self._certificate(),
            "reward_bound": setting.reward_bound,
            "eta": 1 / float(self._state.clock.scale.min()),
            "clipped_share": (self._clipped / self._rewarded.clamp(min=1)).item(),
        }

    def state_dict(self) -> dict[str, Any]:
        """See `Strategy.state_dict`."""
        return {
            "learner": to_arrays(self._state),
            "ledger": self._ledger._asdict(),
            "log_kept": self._log_kept,
            "clipped": self._clipped,
            "rewarded": self._rewarded,
            "wiped": self._wiped,
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See `Strategy.load_state_dict`."""
        self._state = from_arrays(self._state, saved["learner"])
        self._ledger = Ledger(**saved["ledger"])
        self._log_kept = saved["log_kept"]
        self._clipped, self._rewarded = saved["clipped"], saved["rewarded"]
        self._wiped = [(edge, operation, step) for edge, operation, step in saved["wiped"]]
        self._remove((edge, operation) for edge, operation, _ in self._wiped)

    def _wipe(self) -> None:
        """Remove what the threshold proves hopeless, from the state and from the module."""
        left = self._setting.steps - self._ledger.rounds
        span = 2 * self._setting.reward_bound
        dead = wipeout.hopeless(self._state.loss, self._state.alive, span, left)
        self._log_kept = self._log_kept + wipeout.log_kept(self._learner.predict(self._state), dead)
        self._state = experts.wipe(self._state, dead)
        gone = dead.nonzero().tolist()
        self._wiped += [(edge, operation, self._ledger.rounds) for edge, operation in gone]
        self._remove(gone)

    def _remove(self, pairs: Iterable[Iterable[int]]) -> None:
        pairs = list(pairs)
        for edge, operation in pairs:
            self._setting.net.remove(edge, operation)
        if pairs:
            forget(self._setting.optimizer, self._setting.net)

    def _regret(self) -> float:
        return float(self._ledger.worst(self._state.alive).sum())

    def _certificate(self) -> float:
        """To the very architecture that the regret is measured against."""
        best = self._ledger.regret.where(self._state.alive, -math.inf).argmax(-1, keepdim=True)
        return float(self._learner.certificate(self._state).gather(-1, best).sum())

    def _bound(self, rounds: int) -> float:
        """What was known in advance of the regret after that many rounds."""
        span = 2 * self._setting.reward_bound
        scales = self._state.clock.scale[:, 0].tolist()
        return sum(
            bounds.hedge(len(offered), rounds, 1 / scale, span)
            for offered, scale in zip(self._setting.space.choices, scales, strict=True)
        )

    def _details(self, valid_loss: float) -> dict[str, Any]:
        return {
            "valid_loss": valid_loss,
            "regret": self._regret(),
            "regret_certificate": self._certificate(),
            "regret_bound": self._bound(self._ledger.rounds),
            "operations_left": int(self._state.alive.sum()),
            "probabilities": self._learner.predict(self._state).tolist(),
        }
