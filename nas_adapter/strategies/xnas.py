"""XNAS: every edge is an expert problem, played with exponentiated gradient and wipeout.

Source: Nayman et al. 2019, "XNAS: Neural Architecture Search with Expert Advice", Algorithm 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

import experts
from experts import FTRL, bounds, wipeout
from nas_adapter.edges import EdgeProblems, clip, from_rewards, gradient_rewards
from nas_adapter.errors import finite
from nas_adapter.spaces import Architecture, uniform_over_choices
from nas_adapter.spaces.genotype import read
from nas_adapter.strategies.base import Setting, Step, named_probabilities, weight_step
from nas_adapter.supernets.supernet import forget
from nas_adapter.tasks import Batch

QUANTILE = 0.99
"""Of the rewards' sizes in the warm-up that "auto" takes for L: one in a hundred is clipped."""


class XNAS:
    """The edges are the batch of one expert problem, (E, K); the operations are its experts.

    Each of T steps: descend on the weights with a training batch under the current play p; on a
    validation batch take the rewards -d loss / d p, clipped to [-L, L]; play exponentiated
    gradient with eta = sqrt(2 ln K / (T L**2)); remove every operation that cannot end as its
    edge's best, G_i < max_j G_j - 2L (T - t). After the last step nothing is played any more, so
    nothing is removed (the rule would leave the leaders alone).

    Regret of every edge, in clipped rewards: at most L sqrt(2 T ln K); summed over the edges it
    is the regret over architectures of the linearised loss.

    **Beyond the paper**, all off by default. A warm-up trains the weights under the uniform play
    before the game starts, so that rewards of an untrained network do not decide; T counts the
    steps after it. It can also set L, from the rewards that it sees: a bound that is fixed before
    the first round keeps every guarantee, whatever it was taken from. With the learner "adahedge"
    the rate follows the rewards, which are not clipped; as no range is known in advance, nothing
    may be wiped out, and the bound, B sqrt(T ln K) + B (4/3 ln K + 2), is known once B is: the
    largest range of an edge's rewards.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._uniform = uniform_over_choices(setting.space, setting.task.device)
        self._steps = 0
        self._seen: list[float] = []  # sizes of rewards in the warm-up
        none = torch.zeros((), dtype=torch.float64, device=setting.task.device)
        self._clipped = none  # rewards that were cut
        self._rewarded = none  # rewards that were not 0, as "none"'s and the removed's are
        self._range = self._log_kept = none.expand(len(self._uniform))
        self._behind = torch.zeros_like(self._uniform)  # of the removed, when they went
        self._wiped: list[tuple[int, int, int]] = []  # edge, operation, step
        self._game = self._start(setting.reward_bound)

    def step(self, train: Batch, valid: Batch) -> Step:
        """One round of Algorithm 1, or one step of the warm-up."""
        self._steps += 1
        if self._steps <= self._setting.warmup:
            return self._warm_up(train, valid)
        play = self._game.play()
        train_loss = weight_step(self._setting, train, play.float())
        value, raw = self._rewards(valid, play)
        clipped = raw if self._adaptive else clip(raw, self._bound)
        self._clipped = self._clipped + (raw != clipped).sum()
        self._rewarded = self._rewarded + (raw != 0).sum()
        alive = self._game.alive
        low, high = clipped.where(alive, torch.inf).amin(-1), clipped.where(alive, -torch.inf)
        self._range = torch.maximum(self._range, high.amax(-1) - low)
        self._game.update(from_rewards(clipped))
        if self._setting.wipeout and not self._adaptive and self._steps < self._setting.steps:
            self._wipe()
        size = {"reward_size": float(raw[alive].square().mean().sqrt())}
        return Step(train_loss, self._details(value) | size)

    def finish(self) -> tuple[Architecture, Tensor]:
        """The architecture by the rule that was asked for, and the play itself.

        Edges with one survivor are all certain of it; what says which of them a node should keep
        is how far behind the others were. So all rules but "sample" read the weights as if nothing
        had been removed, a removed operation's cumulative loss being what it was when it went.
        """
        setting, state, play = self._setting, self._game.state, self._game.play()
        loss = state.loss.where(state.alive, self._behind).where(self._uniform > 0, torch.inf)
        whole = play
        if not self._adaptive:
            whole = (self._uniform.log() - loss / state.clock.scale).softmax(-1)
        read_from = play if setting.read == "sample" else whole
        found = read(setting.space, setting.read, read_from, loss=loss, seed=setting.seed)
        return found, play.float()

    def report(self) -> dict[str, Any]:
        """Probabilities, wipe-outs, regret and its bounds, summed over the edges."""
        space, advance = self._setting.space, self._advance(self._game.rounds)
        scale = self._game.state.clock.scale
        saved = 0.0 if self._adaptive else float((self._log_kept * scale[:, 0]).sum())
        return {
            "edge_probabilities": named_probabilities(space, self._game.play()),
            "wiped_out": [
                {"edge": space.edges[edge], "operation": space.operations[operation], "step": step}
                for edge, operation, step in self._wiped
            ],
            "regret": self._game.regret(),
            "regret_bound": advance,
            "regret_bound_with_wipeout": advance + saved,
            "regret_certificate": self._game.certificate(),
            "reward_bound": None if self._adaptive else self._bound,
            "eta": None if self._adaptive else 1 / float(scale.min()),
            "clipped_share": (self._clipped / self._rewarded.clamp(min=1)).item(),
        }

    def state_dict(self) -> dict[str, Any]:
        """See `Strategy.state_dict`."""
        return {
            "game": self._game.state_dict(),
            "bound": self._bound,
            "steps": self._steps,
            "seen": self._seen,
            "range": self._range,
            "log_kept": self._log_kept,
            "behind": self._behind,
            "clipped": self._clipped,
            "rewarded": self._rewarded,
            "wiped": self._wiped,
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See `Strategy.load_state_dict`."""
        self._game = self._start(saved["bound"])
        self._game.load_state_dict(saved["game"])
        self._steps, self._seen = saved["steps"], saved["seen"]
        self._range, self._log_kept = saved["range"], saved["log_kept"]
        self._behind = saved["behind"]
        self._clipped, self._rewarded = saved["clipped"], saved["rewarded"]
        self._wiped = [(edge, operation, step) for edge, operation, step in saved["wiped"]]
        self._remove((edge, operation) for edge, operation, _ in self._wiped)

    @property
    def _adaptive(self) -> bool:
        return self._setting.learner == "adahedge"

    def _start(self, bound: float | None) -> EdgeProblems:
        """The game before its first round; without a bound one that the warm-up will replace."""
        setting = self._setting
        self._bound = 1.0 if bound is None else bound
        rounds = setting.steps - setting.warmup
        learner: FTRL = (
            experts.adahedge()
            if self._adaptive
            else experts.exponentiated_gradient(horizon=rounds, bound=self._bound)
        )
        return EdgeProblems(learner, self._uniform)

    def _warm_up(self, train: Batch, valid: Batch) -> Step:
        """Only the weights move; rewards are looked at if L is to be found."""
        setting = self._setting
        train_loss = weight_step(setting, train, self._uniform.float())
        details: dict[str, Any] = {"probabilities": self._uniform.tolist()}
        if setting.reward_bound is None and not self._adaptive:
            details["valid_loss"], raw = self._rewards(valid, self._uniform)
            self._seen += raw[raw != 0].abs().tolist()
            if self._steps == setting.warmup:
                found = torch.tensor(self._seen, dtype=torch.float64).quantile(QUANTILE)
                self._game, self._seen = self._start(float(found)), []
        return Step(train_loss, details)

    def _rewards(self, valid: Batch, play: Tensor) -> tuple[float, Tensor]:
        """Validation loss, and the rewards (E, K) as they are."""
        weights = play.float().requires_grad_()
        loss = self._setting.loss(valid, weights)
        rewards = gradient_rewards(loss, weights).double()
        return finite(loss.item(), "validation"), rewards

    def _wipe(self) -> None:
        """Remove what the threshold proves hopeless, from the state and from the module."""
        game = self._game
        left = self._setting.steps - self._steps
        dead = wipeout.hopeless(game.state.loss, game.alive, 2 * self._bound, left)
        self._log_kept = self._log_kept + wipeout.log_kept(game.play(), dead)[:, 0]
        self._behind = game.state.loss.where(dead & game.alive, self._behind)
        game.wipe(dead)
        gone = dead.nonzero().tolist()
        self._wiped += [(edge, operation, self._steps) for edge, operation in gone]
        self._remove(gone)

    def _remove(self, pairs: Iterable[Iterable[int]]) -> None:
        pairs = list(pairs)
        for edge, operation in pairs:
            self._setting.net.remove(edge, operation)
        if pairs:
            forget(self._setting.optimizer, self._setting.net)

    def _advance(self, rounds: int) -> float:
        """The bound that needs no look at the path (with AdaHedge: none but at the ranges)."""
        counts = [len(offered) for offered in self._setting.space.choices]
        if self._adaptive:
            ranges = self._range.tolist()
            return sum(bounds.adahedge(k, rounds, b) for k, b in zip(counts, ranges, strict=True))
        scales = self._game.state.clock.scale[:, 0].tolist()
        return sum(
            bounds.hedge(k, rounds, 1 / scale, 2 * self._bound)
            for k, scale in zip(counts, scales, strict=True)
        )

    def _details(self, valid_loss: float) -> dict[str, Any]:
        return {
            "valid_loss": valid_loss,
            "regret": self._game.regret(),
            "regret_certificate": self._game.certificate(),
            "regret_bound": self._advance(self._game.rounds),
            "operations_left": int(self._game.alive.sum()),
            "probabilities": self._game.play().tolist(),
        }
