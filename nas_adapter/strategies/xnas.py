"""XNAS: every edge is an expert problem, played with exponentiated gradient and wipeout.

Source: Nayman et al. 2019, "XNAS: Neural Architecture Search with Expert Advice", Algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

import experts
from experts import FTRL, bounds, wipeout
from nas_adapter.edges import EdgeProblems, clip, from_rewards
from nas_adapter.errors import UserError, choose, not_negative, positive
from nas_adapter.spaces import Architecture, Space, Tuning, uniform_over_choices
from nas_adapter.strategies.base import READ_RULES, Context, MethodSettings, Step, method
from nas_adapter.tasks import Batch

LEARNERS = ("eg", "adahedge")
WEIGHTS = ("mixture", "single-path")
EXPLORED = 0.1
"""Share gamma of the uniform distribution in what single paths are drawn from."""
QUANTILE = 0.99
"""Quantile of the rewards' sizes that a warm-up takes for L, so that 1 in 100 is clipped."""


@method
@dataclass(frozen=True, kw_only=True)
class XNASSettings(MethodSettings):
    """Settings of XNAS."""

    name: ClassVar = "xnas"
    rules: ClassVar = (*READ_RULES, "best-cumulative")
    reward_bound: float | Literal["auto"] = 0.05
    """L: rewards of XNAS are clipped to [-L, L]; its rate and its wipeout threshold follow from L.
    auto: the 0.99 quantile of the rewards in the warm-up."""
    warmup: int = 0
    """Epochs at the start of XNAS in which only the weights are trained; part of --epochs."""
    learner: str = "eg"
    """Learner of XNAS: eg (exponentiated gradient, as published) or adahedge (no L, no wipeout)."""
    wipeout: bool = True
    """Remove operations that provably cannot win."""
    weights: str = "mixture"
    """What the shared weights are trained by: mixture (all operations at once, as published) or
    single-path (one sampled architecture a step, whose losses rank architectures better)."""

    def __post_init__(self) -> None:
        choose("learner", self.learner, LEARNERS)
        choose("weights", self.weights, WEIGHTS)
        positive(reward_bound=self.reward_bound)
        not_negative(warmup=self.warmup)

    def start(self, context: Context) -> XNAS:
        """See `MethodSettings.start`."""
        return XNAS(self, context)

    def tuning(self, space: Space) -> Tuning:
        """See `MethodSettings.tuning`."""
        single = self.weights == "single-path"
        return single_path_tuning(space) if single else space.search_tuning

    def check(self, epochs: int) -> None:
        """See `MethodSettings.check`."""
        if self.warmup >= epochs:
            raise UserError(f"--warmup {self.warmup} leaves none of the {epochs} epochs")
        if self.reward_bound == "auto" and self.warmup == 0:
            raise UserError("--reward-bound auto needs a --warmup of at least one epoch")

    def idle(self) -> dict[str, str]:
        """See `MethodSettings.idle`."""
        adaptive = self.learner == "adahedge"
        return {"reward_bound": "--learner adahedge, which clips nothing"} if adaptive else {}


def single_path_tuning(space: Space) -> Tuning:
    """The search's tuning at retraining's learning rate: a path is trained as a network is.

    In NAS-Bench-201 that is 0.1 in place of 0.025; see docs/results/search.md.
    """
    return replace(space.search_tuning, rate=space.retrain_tuning.rate)


class XNAS:
    """XNAS: every edge is an expert problem, a batch (E, K); an edge's operations are its experts.

    Each of T steps: descend on the weights with a training batch under the current distributions
    p; on a validation batch take the rewards -d loss / d p, clipped to [-L, L]; update p by
    exponentiated gradient with eta = sqrt(2 ln K / (T L**2)); remove every operation that cannot
    end as its edge's best, G_i < max_j G_j - 2L (T - t). After the last step no distribution is
    played any more, so nothing is removed (the rule would leave only the leaders).

    Regret of every edge, in clipped rewards: at most L sqrt(2 T ln K); summed over the edges it
    is the regret over architectures of the linearised loss.

    **Beyond the paper**, all off by default. A warm-up trains the weights under the uniform
    distributions before the first round, so that rewards of an untrained network do not decide; T
    counts the steps after it. It can also set L, from the rewards that it sees: a bound that is
    fixed before the first round keeps every guarantee, whatever it was taken from. With the learner
    "adahedge" the rate follows the rewards, which are not clipped; as no range is known in advance,
    nothing may be wiped out, and the bound, B sqrt(T ln K) + B (4/3 ln K + 2), is known only at the
    end: B is the largest range of an edge's rewards within a step.

    A prior pi takes the uniform distribution's place as the first one. The rate stays the same, the
    bound charges ln(1 / pi_k) / eta in place of ln K / eta, and operations are removed by their
    weights, `wipeout.outweighed`, which keeps that bound for the removed too; `regret` is to the
    best survivor. With single paths the weights are trained by one architecture a step, drawn from
    q = (1 - gamma) p + gamma * uniform, and so are they in the warm-up, from the uniform one. The
    rewards are then those at q, q is what is charged, and the bound grows by gamma T B.
    """

    def __init__(self, settings: XNASSettings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._adaptive = settings.learner == "adahedge"
        self._warmup = settings.warmup * context.task.search_steps
        self._uniform = uniform_over_choices(context.space, context.task.device)
        self._prior = context.prior
        self._even = context.even
        self._single = settings.weights == "single-path"
        self._steps = 0
        self._seen: list[float] = []  # sizes of rewards in the warm-up
        none = torch.zeros((), dtype=torch.float64, device=context.task.device)
        self._clipped = none  # rewards that were cut
        self._rewarded = none  # rewards that were not 0, as "none"'s and the removed's are
        self._range = self._log_kept = none.expand(len(self._uniform))
        self._behind = torch.zeros_like(self._uniform)  # losses of the removed, when they went
        self._wiped: list[tuple[int, int, int]] = []  # edge, operation, step
        # Without a bound, 1 stands in until the warm-up has found it.
        bound = 1.0 if settings.reward_bound == "auto" else settings.reward_bound
        self._problems, self._bound = self._start(bound), bound

    def step(self, train: Batch, valid: Batch) -> Step:
        """One round of Algorithm 1, or one step of the warm-up."""
        self._steps += 1
        if self._steps <= self._warmup:
            return self._warm_up(train, valid)
        play = self._problems.predict()
        if self._single:
            play = self._context.explored(play, EXPLORED)
        train_loss = self._descend(train, play)
        value, raw = self._rewards(valid, play)
        clipped = raw if self._adaptive else clip(raw, self._bound)
        self._clipped = self._clipped + (raw != clipped).sum()
        self._rewarded = self._rewarded + (raw != 0).sum()
        alive = self._problems.alive
        low, high = clipped.where(alive, torch.inf).amin(-1), clipped.where(alive, -torch.inf)
        self._range = torch.maximum(self._range, high.amax(-1) - low)
        self._problems.update(from_rewards(clipped), play)
        if self._settings.wipeout and not self._adaptive and self._steps < self._context.steps:
            self._wipe()
        size = {"reward_size": float(raw[alive].square().mean().sqrt())}
        return Step(train_loss, self._details(value) | size)

    def finish(self) -> tuple[Architecture, Tensor]:
        """The architecture by the rule that was asked for, and the distributions.

        An edge with one survivor has probability 1 on it, so probabilities cannot say which of such
        edges a node should keep; how far the others were behind can. So all rules but "sample" read
        the weights as if nothing had been removed, with a removed operation's cumulative loss as it
        was when it was removed.
        """
        play = self._problems.predict()
        read_from = play if self._context.rule == "sample" else self._whole()
        return self._context.read(read_from, self._losses()), play.float()

    def believes(self, architecture: Architecture) -> float:
        """See `Strategy.believes`: its log-probability as if nothing had been removed."""
        return self._context.log_probability(self._whole(), architecture)

    def _losses(self) -> Tensor:
        """Cumulative losses (E, K); of the removed as they were then, inf for what has no place."""
        state = self._problems.state
        loss: Tensor = state.loss.where(state.alive, self._behind)
        return loss.where(self._prior > 0, torch.inf)

    def _whole(self) -> Tensor:
        """The distributions (E, K) as if nothing had been removed; AdaHedge removes nothing."""
        if self._adaptive:
            return self._problems.predict()
        scale = self._problems.state.clock.scale
        whole: Tensor = (self._prior.log() - self._losses() / scale).softmax(-1)
        return whole

    def _descend(self, train: Batch, play: Tensor) -> Tensor:
        """One step on the weights, by the mixture or by an architecture drawn from `play`."""
        if not self._single:
            return self._context.descend(train, play.float())
        return self._context.descend(train, self._context.path(play, self._steps))

    def report(self) -> dict[str, Any]:
        """Probabilities, wipe-outs, regret and its bounds, summed over the edges."""
        space, advance = self._context.space, self._advance(self._problems.rounds)
        scale = self._problems.state.clock.scale
        saved = 0.0 if self._adaptive else float((self._log_kept * scale[:, 0]).sum())
        return {
            "edge_probabilities": self._context.named(self._problems.predict()),
            "wiped_out": [
                {"edge": space.edges[edge], "operation": space.operations[operation], "step": step}
                for edge, operation, step in self._wiped
            ],
            "regret": self._problems.regret(),
            "regret_bound": advance,
            "regret_bound_with_wipeout": advance + saved,
            "regret_certificate": self._problems.certificate(),
            "reward_bound": None if self._adaptive else self._bound,
            "eta": None if self._adaptive else 1 / float(scale.min()),
            "clipped_share": (self._clipped / self._rewarded.clamp(min=1)).item(),
            "wipeout_rule": None
            if self._adaptive or not self._settings.wipeout
            else (
                "cumulative rewards: the removed cannot end as the best"
                if self._even
                else "weights: the removed cannot end as the most probable"
            ),
            "regret_is_to": "the best survivor of every edge",
            "weights": self._settings.weights,
        }

    def state_dict(self) -> dict[str, Any]:
        """See `Strategy.state_dict`."""
        return {
            "problems": self._problems.state_dict(),
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
        self._bound = saved["bound"]
        self._problems = self._start(self._bound)
        self._problems.load_state_dict(saved["problems"])
        self._steps, self._seen = saved["steps"], saved["seen"]
        self._range, self._log_kept = saved["range"], saved["log_kept"]
        self._behind = saved["behind"]
        self._clipped, self._rewarded = saved["clipped"], saved["rewarded"]
        self._wiped = [(edge, operation, step) for edge, operation, step in saved["wiped"]]
        self._context.remove((edge, operation) for edge, operation, _ in self._wiped)

    def _start(self, bound: float) -> EdgeProblems:
        """The expert problems before their first round, with L = `bound`."""
        rounds = self._context.steps - self._warmup
        learner: FTRL = (
            experts.adahedge()
            if self._adaptive
            else experts.exponentiated_gradient(horizon=rounds, bound=bound)
            if self._even
            else experts.exponentiated_gradient(self._rate(rounds, bound))
        )
        return EdgeProblems(learner, self._prior)

    def _rate(self, rounds: int, bound: float) -> Tensor:
        """eta (E, 1) as for the uniform prior, sqrt(2 ln K / (T L**2)); of an edge with one
        operation any number will do.
        """
        count = (self._uniform > 0).sum(-1, keepdim=True).clamp(min=2).double()
        return (2 * count.log() / rounds).sqrt() / bound

    def _warm_up(self, train: Batch, valid: Batch) -> Step:
        """One step on the weights alone; looks at the rewards if L is to be found."""
        train_loss = self._descend(train, self._uniform)
        details: dict[str, Any] = {"probabilities": self._uniform.tolist()}
        if self._settings.reward_bound == "auto" and not self._adaptive:
            details["valid_loss"], raw = self._rewards(valid, self._uniform)
            self._seen += raw[raw != 0].abs().tolist()
            if self._steps == self._warmup:
                found = torch.tensor(self._seen, dtype=torch.float64).quantile(QUANTILE)
                self._bound, self._seen = float(found), []
                self._problems = self._start(self._bound)
        return Step(train_loss, details)

    def _rewards(self, valid: Batch, play: Tensor) -> tuple[Tensor, Tensor]:
        """Validation loss, and the rewards (E, K) before clipping."""
        loss, rewards = self._context.rewards(valid, play.float())
        return loss, rewards.double()

    def _wipe(self) -> None:
        """Remove what the threshold proves hopeless, from the learner and from the network."""
        problems = self._problems
        left = self._context.steps - self._steps
        state, bound = problems.state, 2 * self._bound
        # With the uniform prior this is the rule on cumulative rewards, to the last bit.
        dead = wipeout.outweighed(
            state.loss, self._prior, state.alive, 1 / state.clock.scale, bound, left
        )
        self._log_kept = self._log_kept + wipeout.log_kept(problems.predict(), dead)[:, 0]
        self._behind = problems.state.loss.where(dead & problems.alive, self._behind)
        problems.wipe(dead)
        gone = [(edge, operation) for edge, operation in dead.nonzero().tolist()]
        if gone:
            self._wiped += [(edge, operation, self._steps) for edge, operation in gone]
            self._context.remove(gone)

    def _advance(self, rounds: int) -> float:
        """A-priori bound on the regret after `rounds`; AdaHedge's takes the ranges seen so far."""
        counts = [len(offered) for offered in self._context.space.choices]
        if self._adaptive:
            ranges = self._range.tolist()
            return sum(bounds.adahedge(k, rounds, b) for k, b in zip(counts, ranges, strict=True))
        scales, span = self._problems.state.clock.scale[:, 0].tolist(), 2 * self._bound
        explored = EXPLORED * rounds * span * len(counts) if self._single else 0.0
        if self._even:
            edges = zip(counts, scales, strict=True)
            return explored + sum(bounds.hedge(k, rounds, 1 / scale, span) for k, scale in edges)
        best = self._problems.best()
        chances = self._prior.gather(-1, best[:, None])[:, 0].tolist()
        return explored + sum(
            bounds.hedge_prior(chance, rounds, 1 / scale, span)
            for chance, scale in zip(chances, scales, strict=True)
        )

    def _details(self, valid_loss: Tensor) -> dict[str, Any]:
        return {
            "valid_loss": valid_loss,
            "regret": self._problems.regret(),
            "regret_certificate": self._problems.certificate(),
            "regret_bound": self._advance(self._problems.rounds),
            "operations_left": int(self._problems.alive.sum()),
            "probabilities": self._problems.predict().tolist(),
        }
