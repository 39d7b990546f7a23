"""DARTS: gradient descent on logits of the operations, in first or second order.

Source: Liu, Simonyan & Yang 2019, "DARTS: Differentiable Architecture Search", Section 2.3.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from nas_adapter.errors import positive
from nas_adapter.randomness import Stream, stream
from nas_adapter.ranks import averaged, mean
from nas_adapter.spaces import Architecture
from nas_adapter.strategies.base import READ_RULES, Context, MethodSettings, Step, checked, method
from nas_adapter.tasks import Batch


class Published(NamedTuple):
    """Constants that differ between the published searches for images and for texts."""

    betas: tuple[float, float]
    """of Adam on the logits"""
    clips: bool
    """whether the unrolled step clips like the weights' own step does"""


PUBLISHED = {"images": Published((0.5, 0.999), False), "text": Published((0.9, 0.999), True)}
"""Published constants by task. Source: Liu et al. 2019, Appendix A.1, and their code."""
WEIGHT_DECAY = 1e-3
"""Weight decay of Adam on the logits. Source: as above."""
EPSILON = 0.01
"""Length of the finite difference's step in the weights. Source: Liu et al. 2019, Section 2.3."""

Parameters = Mapping[str, Tensor]
Objective = Callable[[Parameters, Tensor], Tensor]
"""A loss of (weights w, logits alpha)."""


@dataclass(frozen=True, kw_only=True)
class DARTSSettings(MethodSettings, ABC):
    """Settings of DARTS."""

    rules: ClassVar = READ_RULES
    second_order: ClassVar[bool]
    architecture_rate: float | None = None
    """Learning rate of Adam on DARTS's logits. Default: as published for the space."""

    def __post_init__(self) -> None:
        positive(architecture_rate=self.architecture_rate)

    def start(self, context: Context) -> DARTS:
        """See `MethodSettings.start`."""
        return DARTS(self, context)


@method
class FirstOrder(DARTSSettings):
    """Settings of DARTS in first order."""

    name = "darts-first"
    second_order = False


@method
class SecondOrder(DARTSSettings):
    """Settings of DARTS in second order."""

    name = "darts-second"
    second_order = True


class DARTS:
    """Gradient descent on logits alpha; an edge's distribution is their softmax, "none" included.

    Each step: Adam on alpha with the gradient of the validation loss; then a step on the weights
    with a training batch. In second order that gradient is taken at, and through, the weights
    that one more training step would lead to (`unrolled_gradient`); in first order at the weights
    as they are.
    """

    def __init__(self, settings: DARTSSettings, context: Context) -> None:
        self._context, self._second_order = context, settings.second_order
        offered = context.prior > 0
        noise = torch.randn(offered.shape, generator=stream(context.seed, Stream.ARCHITECTURES))
        self._closed = ~offered
        # Softmax of the start is the prior, up to the published noise; a uniform one adds 0.
        lead = (context.prior.log() - context.prior.log().amax(-1, keepdim=True)).to(noise.dtype)
        self._logits = (1e-3 * noise).to(context.task.device)
        self._logits = (self._logits + lead.masked_fill(self._closed, 0.0)).requires_grad_()
        self._adam = torch.optim.Adam(
            [self._logits],
            lr=settings.architecture_rate or context.space.architecture_rate,
            betas=PUBLISHED[context.space.task].betas,
            weight_decay=WEIGHT_DECAY,
        )

    def step(self, train: Batch, valid: Batch) -> Step:
        """First the architecture, then the weights, as published."""
        loss, gradient = self.gradient(train, valid)
        self._logits.grad = gradient
        self._adam.step()
        play = self._play()
        train_loss = self._context.descend(train, play)
        return Step(train_loss, {"valid_loss": loss, "probabilities": play.tolist()})

    def finish(self) -> tuple[Architecture, Tensor]:
        """The architecture by the rule that was asked for, and the distributions."""
        play = self._play()
        return self._context.read(play), play

    def believes(self, architecture: Architecture) -> float:
        """See `Strategy.believes`: its log-probability."""
        return self._context.log_probability(self._play(), architecture)

    def report(self) -> dict[str, Any]:
        """Probabilities; there is no expert problem, so no regret."""
        return {"edge_probabilities": self._context.named(self._play())}

    def state_dict(self) -> dict[str, Any]:
        """See `Strategy.state_dict`."""
        return {"logits": self._logits.detach(), "adam": self._adam.state_dict()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See `Strategy.load_state_dict`."""
        with torch.no_grad():
            self._logits.copy_(saved["logits"])
        self._adam.load_state_dict(saved["adam"])

    def _play(self) -> Tensor:
        """The distributions (E, K)."""
        return self._softmax(self._logits).detach()

    def _softmax(self, logits: Tensor) -> Tensor:
        return logits.masked_fill(self._closed, -torch.inf).softmax(-1)

    def gradient(self, train: Batch, valid: Batch) -> tuple[Tensor, Tensor]:
        """Validation loss and its gradient in the logits."""
        context, logits = self._context, self._logits
        if self._second_order:
            leaf = logits.detach()
            loss, gradient = context.graphs.run(
                "the step on the logits", self._unrolled, train, valid, leaf
            )
            return checked(loss, "validation"), gradient
        play = self._softmax(logits)
        loss, rewards = context.rewards(valid, play.detach())
        return loss, torch.autograd.grad(play, logits, -rewards)[0]

    def _unrolled(self, train: Batch, valid: Batch, logits: Tensor) -> tuple[Tensor, Tensor]:
        context = self._context
        clips = PUBLISHED[context.space.task].clips
        return unrolled_gradient(
            lambda w, alpha: context.loss(train, self._softmax(alpha), w),
            lambda w, alpha: context.loss(valid, self._softmax(alpha), w),
            dict(context.net.named_parameters()),
            logits.detach().requires_grad_(),
            lambda w, g: next_weights(context.optimizer, w, g),
            rate=context.optimizer.param_groups[0]["lr"],
            clip=context.space.search_tuning.clip if clips else None,
        )


def unrolled_gradient(
    train: Objective,
    valid: Objective,
    weights: Parameters,
    logits: Tensor,
    move: Callable[[Parameters, Parameters], Parameters],
    *,
    rate: float | Tensor,
    epsilon: float = EPSILON,
    clip: float | None = None,
) -> tuple[Tensor, Tensor]:
    """DARTS's second-order gradient: L_valid(w', alpha), and its derivative in alpha (E, K).

    w' = move(w, d L_train(w, alpha) / d w) are the weights after one more training step. As w'
    moves by -rate times the training gradient, the derivative is ::

        d_alpha L_valid(w', alpha) - rate * d2_{alpha,w} L_train(w, alpha) v,
        v = d_w' L_valid(w', alpha)

    and the second-order product is taken by central differences, of error O(epsilon**2)::

        [d_alpha L_train(w + h v, alpha) - d_alpha L_train(w - h v, alpha)] / 2h,  h = epsilon / |v|

    Parameters
    ----------
    train, valid
        The two losses.
    weights
        w.
    logits
        alpha, a leaf that requires a gradient.
    move
        From w and a gradient to w': one step of the optimizer, linear in the gradient.
    rate
        Minus the derivative of w' in the gradient.
    clip
        Norm that the training gradient and v are clipped to; the factors are taken as constants,
        as in the published code for recurrent cells. None: neither is clipped.

    Source: Liu et al. 2019, Equations 7 and 8.
    """
    gradient = _gradients(train(weights, logits), weights)
    kept = _kept(gradient.values(), clip)
    clipped = {name: kept * part for name, part in gradient.items()}
    unrolled = {
        name: weight.detach().requires_grad_() for name, weight in move(weights, clipped).items()
    }
    loss = valid(unrolled, logits)
    direct, *v = mean(
        torch.autograd.grad(
            loss, (logits, *unrolled.values()), allow_unused=True, materialize_grads=True
        )
    )
    kept_v = _kept(v, clip)
    v = [kept_v * part for part in v]
    h = epsilon / _norm(v)
    ends: list[Tensor] = []
    for sign in (1, -1):
        shifted = {
            name: (weight + sign * h * part).detach()
            for (name, weight), part in zip(weights.items(), v, strict=True)
        }
        ends += mean(torch.autograd.grad(train(shifted, logits), logits))
    return averaged(loss.detach()), direct - rate * kept * (ends[0] - ends[1]) / (2 * h)


def _norm(parts: Iterable[Tensor]) -> Tensor:
    """Norm of all parts together, at least the smallest positive number."""
    norm = torch.stack([part.square().sum() for part in parts]).sum().sqrt()
    return norm.clamp(min=torch.finfo(norm.dtype).tiny)


def _kept(parts: Iterable[Tensor], clip: float | None) -> Tensor | float:
    """Factor, at most 1, that clips the norm of the parts to `clip`."""
    return 1.0 if clip is None else (clip / _norm(parts)).clamp(max=1.0)


def _gradients(loss: Tensor, weights: Parameters) -> dict[str, Tensor]:
    found = torch.autograd.grad(
        loss, tuple(weights.values()), allow_unused=True, materialize_grads=True
    )
    return dict(zip(weights, mean(found), strict=True))


@torch.no_grad()
def next_weights(
    optimizer: torch.optim.Optimizer, weights: Parameters, gradient: Parameters
) -> dict[str, Tensor]:
    """The weights after one step of SGD with momentum and weight decay; changes no state.

    w' = w - rate (momentum b + g + decay w), b the momentum's buffer.
    """
    (group,) = optimizer.param_groups
    moved = {}
    for name, weight in weights.items():
        buffer = (
            optimizer.state[weight].get("momentum_buffer") if weight in optimizer.state else None
        )
        push = gradient[name] + group["weight_decay"] * weight
        if buffer is not None:
            push = push + group["momentum"] * buffer
        moved[name] = weight - group["lr"] * push
    return moved
