"""The game that `EdgeExperts` plays: one learner, what it did, and what can be proved of it."""

from __future__ import annotations

import math
import sys
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

import experts
from experts import (
    FTRL,
    Entropy,
    Feedback,
    Fixed,
    Horizon,
    Learner,
    Ledger,
    Weighted,
    bounds,
    wipeout,
)
from experts.numerics.masks import relative
from experts.numerics.state import from_arrays, to_arrays

BY_REWARDS = "cumulative rewards: the removed cannot end as the best"
BY_WEIGHTS = "weights: the removed cannot end as the most probable"


class EdgeProblems:
    """A batch (E, K) of expert problems, in losses; operations not offered do not take part.

    Under semi-bandit feedback all losses are the learner's estimates, and regret and certificate
    are in these.

    Parameters
    ----------
    learner
        Any learner of `experts`.
    offered : bool (E, K)
        What the edges offer.
    prior : (E, K)
        The distributions of the first round.
    span
        B, the largest difference between two losses of a round; None: not known in advance.
    explored
        Share gamma of the uniform distribution in what is played, beside the learner's own.
    """

    def __init__(
        self,
        learner: Learner[Any],
        offered: Tensor,
        prior: Tensor,
        span: float | None,
        explored: float,
    ) -> None:
        self.learner, self.prior, self.span, self.explored = learner, prior, span, explored
        self.even = bool((prior == uniform(offered)).all())
        self.counts: list[int] = offered.sum(-1).tolist()
        self.state = learner.init(torch.zeros_like(prior), prior=prior)
        self.ledger = Ledger.open(torch.zeros_like(prior))
        self.loss = torch.zeros_like(prior)
        """(E, K): cumulative losses, less the best survivor's; of the removed as when they went"""
        self.range = self.log_kept = torch.zeros_like(prior[:, 0])

    @property
    def alive(self) -> Tensor:
        """The operations that take part, bool (E, K)."""
        return self.state.alive  # type: ignore[no-any-return]

    @property
    def scale(self) -> Tensor | None:
        """1 / eta (E, 1) if eta is fixed and weights are prior * exp(-eta loss); None otherwise."""
        match self.learner:
            case FTRL(Entropy(), Fixed() | Horizon(), Weighted()):
                return self.state.clock.scale  # type: ignore[no-any-return]
        return None

    def rule(self) -> str | None:
        """By what operations are removed; None: nothing could be proved of any."""
        if self.span is None or "wipeout" not in self.learner.supports:
            return None
        return BY_REWARDS if self.even or self.scale is None else BY_WEIGHTS

    def predict(self) -> Tensor:
        """The learner's distributions p, (E, K)."""
        return self.learner.predict(self.state)  # type: ignore[no-any-return]

    def play(self) -> Tensor:
        """What is played: q = (1 - gamma) p + gamma * uniform over the survivors, (E, K)."""
        play = self.predict()
        if self.explored == 0:
            return play
        left = (play > 0).to(play.dtype)
        return (1 - self.explored) * play + self.explored * left / left.sum(-1, keepdim=True)

    def update(self, play: Tensor, feedback: Feedback) -> None:
        """End a round in which `play` was played: it is what is charged."""
        alive, loss = self.alive, feedback.loss
        if feedback.seen is not None:
            loss = self.learner.estimate(self.state, feedback)  # type: ignore[attr-defined]
        # The loss of a removed operation is unknown, not zero.
        self.ledger = self.ledger.add(play, loss.where(alive, math.nan))
        self.state = self.learner.update(self.state, play, feedback)
        loss = relative(loss, alive)
        self.range = torch.maximum(self.range, loss.amax(-1))
        self.loss = relative(self.loss + loss, alive).where(alive, self.loss)

    def hopeless(self, left: int) -> Tensor:
        """What the rule removes with `left` rounds to come, bool (E, K); see `rule`."""
        rule, span = self.rule(), self.span
        if rule is None or span is None:
            return torch.zeros_like(self.alive)
        if self.scale is None:
            return wipeout.hopeless(self.loss, self.alive, span, left)  # type: ignore[no-any-return]
        # With the uniform prior this is the rule on cumulative rewards, to the last bit.
        return wipeout.outweighed(  # type: ignore[no-any-return]
            self.loss, self.prior, self.alive, 1 / self.scale, span, left
        )

    def wipe(self, dead: Tensor) -> None:
        """Remove the operations in `dead`, bool (E, K)."""
        self.log_kept = self.log_kept + wipeout.log_kept(self.predict(), dead)[:, 0]
        self.state = experts.wipe(self.state, dead)

    def losses(self) -> Tensor:
        """`loss`, with inf for what has no place, (E, K)."""
        return self.loss.where(self.prior > 0, math.inf)

    def whole(self) -> Tensor:
        """The distributions (E, K) as if nothing had been removed, if eta is fixed; else `predict`.

        The loss of a removed operation is what it was when it went.
        """
        if self.scale is None:
            return self.predict()
        return (self.prior.log() - self.losses() / self.scale).softmax(-1)

    def best(self) -> Tensor:
        """The survivor of every edge with the smallest cumulative loss, int (E,)."""
        return self.ledger.regret.where(self.alive, -math.inf).argmax(-1)  # type: ignore[no-any-return]

    def regret(self) -> float:
        """Regret to the best survivors, summed over the edges."""
        return float(self.ledger.worst(self.alive).sum())

    def certificate(self) -> float:
        """Upper bound on `regret`: the learner's certificate for the same operations."""
        best = self.best()[:, None]
        return float(self.learner.certificate(self.state).gather(-1, best).sum())

    def bound(self) -> float | None:
        """A-priori bound on `regret`.

        Summed over the edges; B is `span`, else the largest range of an edge's losses so far.

        - eta fixed: ln(1 / prior_k) / eta + eta T B**2 / 8 (`bounds.hedge`), and with exploration
          gamma T B more, as <q - p, l> <= gamma B;
        - AdaHedge: `bounds.adahedge`, B sqrt(T W) + B (4/3 W + 2), W = max_k ln(1 / prior_k), and
          with exploration 4 gamma T B more;
        - Tsallis-INF from the uniform prior: `bounds.tsallis_inf`, on the expected regret;
        - None for the others: their certificates speak.

        Proof for AdaHedge with exploration. Let M be the largest sum of gaps so far, at least 0:
        the scale is M / W, and the regret is at most 2 M. A gap is at most B, and at most d +
        gamma B, d the mixability gap, so that scale * d <= B**2 / 8. Where M grows, by h, M**2
        grows by 2 M h + h**2 <= W B**2 / 4 + 2 gamma B M + h B. Summed up, M**2 <= T W B**2 / 4 +
        (2 gamma T B + B) M, so that 2 M <= B sqrt(T W) + 2 B + 4 gamma T B.
        """
        rounds = self.ledger.rounds
        # A range of 0, as of an edge with one operation, is no argument of a bound.
        ranges: list[float] = self.range.clamp(min=sys.float_info.min).tolist()
        spans = ranges if self.span is None else [self.span] * len(ranges)
        explored = self.explored * rounds * (self.span or fmean(ranges)) * len(ranges)
        if self.scale is not None:
            return explored + self._fixed(rounds, spans)
        if self.learner == experts.adahedge():
            edges = zip(self._effective(), spans, strict=True)
            return sum(bounds.adahedge(k, rounds, b) for k, b in edges) + 4 * explored
        if self.even and self.learner == experts.tsallis_inf():
            return sum(bounds.tsallis_inf(k, rounds) for k in self.counts)
        return None

    def saved(self) -> float:
        """Sum over wipe-outs of ln(weight kept) / eta <= 0, which `bound` may be lowered by.

        0 where eta is not fixed. Source: `bounds.hedge_wipeout`.
        """
        return 0.0 if self.scale is None else float((self.log_kept * self.scale[:, 0]).sum())

    def _fixed(self, rounds: int, spans: list[float]) -> float:
        """Hedge's bound with the etas that the state holds."""
        scales: list[float] = self.state.clock.scale[:, 0].tolist()
        if self.even:
            rows = zip(self.counts, scales, spans, strict=True)
            return sum(bounds.hedge(k, rounds, 1 / scale, b) for k, scale, b in rows)
        chances = self.prior.gather(-1, self.best()[:, None])[:, 0].tolist()
        rows = zip(chances, scales, spans, strict=True)
        return sum(bounds.hedge_prior(p, rounds, 1 / scale, b) for p, scale, b in rows)

    def _effective(self) -> list[int]:
        """For each edge the K of a uniform prior that is as small as the smallest of `prior`."""
        if self.even:
            return self.counts
        return [math.ceil(1 / p) for p in self.prior.where(self.prior > 0, 1).amin(-1).tolist()]

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs, but for what the constructor was given."""
        return {
            "learner": to_arrays(self.state),
            "ledger": self.ledger._asdict(),
            "loss": self.loss,
            "range": self.range,
            "log_kept": self.log_kept,
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from `state_dict()`."""
        state, ledger = from_arrays(self.state, saved["learner"]), dict(saved["ledger"])
        sums = {name: self._placed(ledger[name]) for name in ("loss", "regret")}
        loss, widest, kept = (self._placed(saved[name]) for name in ("loss", "range", "log_kept"))
        self.state, self.ledger = state, Ledger(int(ledger["rounds"]), **sums)
        self.loss, self.range, self.log_kept = loss, widest, kept

    def _placed(self, saved: Any) -> Tensor:
        """A copy on the device of the problems."""
        return torch.as_tensor(saved, dtype=torch.float64).to(self.prior.device, copy=True)


def uniform(offered: Tensor) -> Tensor:
    """The uniform distributions over what is offered, float64 (E, K)."""
    return offered.double() / offered.sum(-1, keepdim=True)


def tuned(offered: Tensor, prior: Tensor, rounds: int, bound: float | None) -> FTRL:
    """XNAS's learner for rewards in [-L, L], `bound` = L: eta = sqrt(2 ln K / (T L**2)).

    None: AdaHedge, which needs no L. A prior does not change eta.
    """
    if bound is None:
        return experts.adahedge()
    if (prior == uniform(offered)).all():
        return experts.exponentiated_gradient(horizon=rounds, bound=bound)
    # Of an edge with one operation any eta will do.
    count = offered.sum(-1, keepdim=True).clamp(min=2).double()
    return experts.exponentiated_gradient((2 * count.log() / rounds).sqrt() / bound)
