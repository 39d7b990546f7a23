"""XNAS: every edge is an expert problem, played with exponentiated gradient and wipeout.

Source: Nayman et al. 2019, "XNAS: Neural Architecture Search with Expert Advice", Algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from nas_adapter.edges import EdgeExperts
from nas_adapter.errors import UserError, choose, not_negative, positive
from nas_adapter.spaces import Architecture, Space, Tuning
from nas_adapter.strategies.base import READ_RULES, Context, MethodSettings, Step, method
from nas_adapter.tasks import Batch

LEARNERS = ("eg", "adahedge")
WEIGHTS = ("mixture", "single-path")
EXPLORED = 0.1
"""Share gamma of the uniform distribution in what single paths are drawn from."""


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
        choose("--learner", self.learner, LEARNERS)
        choose("--weights", self.weights, WEIGHTS)
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
            raise UserError(
                f"--warmup {self.warmup} leaves none of the {epochs} epochs: it must be at most "
                f"{epochs - 1}"
            )
        if self.reward_bound == "auto" and self.warmup == 0:
            raise UserError("--reward-bound auto needs a --warmup of at least one epoch, got 0")

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
    """XNAS: every edge is an expert problem, played by `EdgeExperts`, which has the bounds.

    Each of T steps: descend on the weights with a training batch under the current distributions
    p; on a validation batch take the rewards -d loss / d p, clipped to [-L, L]; update p by
    exponentiated gradient with eta = sqrt(2 ln K / (T L**2)); remove every operation that cannot
    end as its edge's best, G_i < max_j G_j - 2L (T - t). Summed over the edges, regret is the
    regret over architectures of the linearised loss.

    **Beyond the paper**, all off by default. A warm-up trains the weights under the uniform
    distributions before the first round, so that rewards of an untrained network do not decide; T
    counts the steps after it. It can also set L, from the rewards that it sees: a bound that is
    fixed before the first round keeps every guarantee, whatever it was taken from. With the learner
    "adahedge" the rate follows the rewards, which are not clipped; as no range is known in advance,
    nothing may be wiped out, and the bound is known only at the end.

    A prior takes the uniform distribution's place as the first one; operations are then removed by
    their weights, and `regret` is to the best survivor. With single paths the weights are trained
    by one architecture a step, drawn from q = (1 - gamma) p + gamma * uniform, and so are they in
    the warm-up, from the uniform one. The rewards are then those at q, and q is what is charged.
    """

    def __init__(self, settings: XNASSettings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._adaptive = settings.learner == "adahedge"
        self._single = settings.weights == "single-path"
        self._edges = EdgeExperts(
            context.space,
            steps=context.steps,
            reward_bound=None if self._adaptive else settings.reward_bound,
            prior=context.prior,
            warmup=settings.warmup * context.task.search_steps,
            explore=EXPLORED if self._single else 0.0,
            wipeout=settings.wipeout,
            device=context.task.device,
        )

    def step(self, train: Batch, valid: Batch) -> Step:
        """One round of Algorithm 1, or one step of the warm-up."""
        edges = self._edges
        warming, alive, play = edges.warming, edges.alive, edges.distribution(dtype=torch.float64)
        train_loss = self._descend(train, play)
        details: dict[str, Any] = {"probabilities": play.tolist()} if warming else {}
        if warming and (self._adaptive or self._settings.reward_bound != "auto"):
            edges.update()
            return Step(train_loss, details)
        p = edges.distribution(requires_grad=True)
        details["valid_loss"] = self._look(valid, p)
        removed = edges.update(p)
        if removed:
            self._context.remove(removed)
        if not warming:
            size = {"reward_size": float(p.grad[alive].double().square().mean().sqrt())}
            details |= self._details() | size
        return Step(train_loss, details)

    def finish(self) -> tuple[Architecture, Tensor]:
        """The architecture by the rule that was asked for, and the distributions.

        An edge with one survivor has probability 1 on it, so probabilities cannot say which of such
        edges a node should keep; how far the others were behind can. So all rules but "sample" read
        the weights as if nothing had been removed, with a removed operation's cumulative loss as it
        was when it was removed.
        """
        edges, play = self._edges, self._edges.probabilities()
        read_from = play if self._context.rule == "sample" else edges.probabilities(removed=True)
        return self._context.read(read_from, edges.losses()), play.to(torch.get_default_dtype())

    def believes(self, architecture: Architecture) -> float:
        """See `Strategy.believes`: its log-probability as if nothing had been removed."""
        return self._context.log_probability(self._edges.probabilities(removed=True), architecture)

    def report(self) -> dict[str, Any]:
        """Probabilities, wipe-outs, regret and its bounds, summed over the edges."""
        space, edges = self._context.space, self._edges
        return {
            "edge_probabilities": self._context.named(edges.probabilities()),
            "wiped_out": [
                {"edge": space.edges[edge], "operation": space.operations[operation], "step": step}
                for edge, operation, step in edges.wiped
            ],
            "regret": edges.regret(),
            "regret_bound": edges.bound(),
            "regret_bound_with_wipeout": edges.bound(with_wipeouts=True),
            "regret_certificate": edges.certificate(),
            "reward_bound": edges.reward_bound,
            "eta": None if edges.eta is None else float(edges.eta.max()),
            "clipped_share": edges.clipped_share(),
            "wipeout_rule": edges.wipeout_rule,
            "regret_is_to": "the best survivor of every edge",
            "weights": self._settings.weights,
        }

    def state_dict(self) -> dict[str, Any]:
        """See `Strategy.state_dict`."""
        return self._edges.state_dict()

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See `Strategy.load_state_dict`."""
        self._edges.load_state_dict(saved)
        self._context.remove((edge, operation) for edge, operation, _ in self._edges.wiped)

    def _descend(self, train: Batch, play: Tensor) -> Tensor:
        """One step on the weights, by the mixture or by an architecture drawn from `play`."""
        if not self._single:
            return self._context.descend(train, play.to(torch.get_default_dtype()))
        return self._context.descend(train, self._context.path(play, self._edges.step + 1))

    def _look(self, valid: Batch, p: Tensor) -> Tensor:
        """The validation loss; its gradient is left in p."""
        loss, rewards = self._context.rewards(valid, p.detach())
        p.grad = -rewards
        return loss

    def _details(self) -> dict[str, Any]:
        return {
            "regret": self._edges.regret(),
            "regret_certificate": self._edges.certificate(),
            "regret_bound": self._edges.bound(),
            "operations_left": int(self._edges.alive.sum()),
            "probabilities": self._edges.probabilities().tolist(),
        }
