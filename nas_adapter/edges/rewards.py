"""Rewards of operations: minus the gradient of a validation loss in p; clipped and counted."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from nas_adapter.errors import UserError
from nas_adapter.ranks import averaged

QUANTILE = 0.99
"""Quantile of the rewards' sizes that a warm-up takes for L, so that 1 in 100 is clipped."""
SCALED = 1000
"""Rewards look as if the loss had been scaled if more than half of the first exceed so many L."""


def gradient_rewards(loss: Tensor, weights: Tensor) -> Tensor:
    """Rewards of every operation on every edge, R = -d loss / d p, (E, K).

    For one mixed output ``y = sum_i p_i f_i(x)`` this is -<d loss / d y, f_i(x)>: XNAS's reward
    of expert i. It is the gradient in p itself, not in the logits of a softmax, so it does not
    shrink with an operation's probability.

    **Shared edges.** All C cells of a stack share one p, so autograd adds up the cells' rewards:
    R = sum_c R_c. If every cell's reward lies in [-L0, L0], the sum lies in [-C L0, C L0].
    The L of the regret bound and of the wipeout threshold is a bound on this *sum*, and the sum
    is what is clipped to [-L, L]. At the same L, a deeper stack has more of its rewards clipped.

    Parameters
    ----------
    loss
        Scalar validation loss of the supernet with these weights, e.g. cross-entropy in nats.
    weights : (E, K)
        The leaf that requires a gradient.

    Source: Nayman et al. 2019, Algorithm 1.
    """
    if not loss.requires_grad:  # only "none" is left between input and output
        return torch.zeros_like(weights)
    (gradient,) = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
    return -gradient


class Rewards:
    """Rewards as the learner takes them: averaged over the ranks, clipped to [-L, L], counted.

    Sampled architectures have losses instead, mapped from `interval` to [0, 1], and clipped too.

    Parameters
    ----------
    bound
        L; None: not clipped. "auto": not clipped until `settle` has found it.
    interval
        (low, high) of the losses of sampled architectures; None: there are none.
    ranks
        Over whom to average, see `averaged`.
    """

    def __init__(
        self,
        bound: float | Literal["auto"] | None,
        interval: tuple[float, float] | None,
        ranks: Any,
        device: torch.device,
    ) -> None:
        self.auto, self.bound = bound == "auto", None if bound == "auto" else bound
        self.interval, self._ranks = interval, ranks
        none = torch.zeros((), dtype=torch.float64, device=device)
        self.clipped = self.given = self.skipped = none
        """how many rewards were cut, were not 0, and in how many rounds they were not finite"""
        self.flaws = (none > 0, none > 0)
        """whether there were, without a scale, rewards that are not finite; that look scaled"""
        self._seen: list[Tensor] = []

    @property
    def unit(self) -> float:
        """What a regret of 1 of the learner's is for the user."""
        return 1.0 if self.interval is None else self.interval[1] - self.interval[0]

    def of_gradient(self, gradient: Tensor, divisor: Tensor | float, *, scaled: bool) -> Tensor:
        """Rewards (E, K) before they are clipped, float64: minus the gradient over `divisor`.

        All 0 if one is not finite, which is a mistake unless `scaled`: as a GradScaler looks for
        its scale such steps occur, and it skips them too.
        """
        rewards = averaged(-gradient.double() / divisor, self._ranks)
        rewards = self._finite(rewards, excused=scaled)
        if self.bound is not None and not scaled:
            # Judged by the first round: later on, few operations may be left.
            first, large = self.given == 0, (rewards.abs() > SCALED * self.bound).sum()
            broken, looks_scaled = self.flaws
            self.flaws = broken, looks_scaled | first & (2 * large > (rewards != 0).sum())
        return rewards

    def of_loss(self, loss: Tensor | float) -> Tensor:
        """The loss of a sampled architecture, in [0, 1], no axes."""
        assert self.interval is not None
        value = torch.as_tensor(loss, dtype=torch.float64, device=self.clipped.device).detach()
        value = self._finite(averaged(value, self._ranks), excused=False)
        value = (value - self.interval[0]) / self.unit
        return self._counted(value, value.clamp(0, 1), torch.ones_like(value))

    def clip(self, rewards: Tensor) -> Tensor:
        """`rewards` (E, K) clipped to [-L, L]."""
        if self.bound is None:
            return rewards
        return self._counted(rewards, rewards.clamp(-self.bound, self.bound), rewards)

    def look(self, rewards: Tensor) -> None:
        """Remember the sizes of a warm-up's rewards."""
        self._seen.append(rewards.abs())

    def settle(self) -> None:
        """Set L to the 0.99 quantile of what was remembered, without zeros; synchronises."""
        sizes = torch.cat([seen.flatten() for seen in self._seen])
        sizes = sizes[sizes > 0]
        if not len(sizes):
            raise UserError(
                'reward_bound="auto" saw no reward but 0 in the warm-up: does the network use p?'
            )
        self.bound, self._seen = float(sizes.quantile(QUANTILE)), []

    def complain(self, flaws: list[bool]) -> None:
        """Raise `UserError` if one of `flaws`, which were read on the host, is set."""
        if flaws[0]:
            raise UserError(
                "rewards are nan or infinite: the search has diverged. (With a GradScaler, pass "
                "update its scale: then such rounds are skipped)"
            )
        if flaws[1]:
            raise UserError(
                f"most of the first rewards exceed {SCALED} times reward_bound = {self.bound}: if "
                "the loss was multiplied by a GradScaler's scale, pass update(p, "
                "scale=scaler.get_scale()); if not, reward_bound is far too small"
            )

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs."""
        seen = torch.stack(self._seen) if self._seen else self.clipped.new_zeros(0)
        counts = torch.stack([self.clipped, self.given, self.skipped])
        return {
            "bound": self.bound,
            "counts": counts,
            "flaws": torch.stack(self.flaws),
            "seen": seen,
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from `state_dict()`."""
        device = self.clipped.device
        self.bound = saved["bound"]
        self.clipped, self.given, self.skipped = saved["counts"].to(device)
        broken, looks_scaled = saved["flaws"].to(device)
        self.flaws = broken, looks_scaled
        self._seen = list(saved["seen"].to(device))

    def _finite(self, values: Tensor, *, excused: bool) -> Tensor:
        fine = values.isfinite().all()
        self.skipped = self.skipped + ~fine
        if not excused:
            broken, looks_scaled = self.flaws
            self.flaws = broken | ~fine, looks_scaled
        return values.where(fine, 0.0)

    def _counted(self, before: Tensor, after: Tensor, nonzero: Tensor) -> Tensor:
        self.clipped = self.clipped + (before != after).sum()
        self.given = self.given + (nonzero != 0).sum()
        return after
