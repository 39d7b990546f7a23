"""From a supernet's validation loss to `experts.Feedback`: the one place where signs are decided.

Here, and nowhere else, a *reward* is a gain: larger is better. `experts` speaks of losses.
"""

from __future__ import annotations

import torch
from torch import Tensor

from experts import Feedback


def gradient_rewards(loss: Tensor, weights: Tensor) -> Tensor:
    """Reward of every operation on every edge, R = -d loss / d p, (E, K).

    For one mixed output ``y = sum_i p_i f_i(x)`` this is -<d loss / d y, f_i(x)>: XNAS's reward
    of expert i. It is the gradient in p itself, not in the logits of a softmax, so an operation
    of small weight is not starved of it.

    **Shared edges.** All C cells of a stack share one p, so autograd adds up the cells' rewards:
    R = sum_c R_c. If every cell's reward lay in [-L0, L0], the sum would lie in [-C L0, C L0].
    The L of the regret bound and of the wipeout threshold is a bound on this *sum*, and the sum
    is what `clip` cuts to [-L, L]. Growing the stack at the same L makes clipping bite more.

    Parameters
    ----------
    loss
        Scalar validation loss of the supernet with these weights, e.g. cross-entropy in nats.
    weights : (E, K)
        The leaf that requires a gradient.

    Source: Nayman et al. 2019, Algorithm 1.
    """
    if not loss.requires_grad:  # nothing but "none" is left between input and output
        return torch.zeros_like(weights)
    (gradient,) = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
    return -gradient


def clip(rewards: Tensor, bound: float) -> Tensor:
    """Rewards cut to [-L, L], as the theory needs."""
    return rewards.clamp(-bound, bound)


def from_rewards(rewards: Tensor) -> Feedback:
    """Full-information feedback: the loss is minus the reward."""
    return Feedback(loss=-rewards)
