"""Checks of `play`'s arguments; each returns the argument as the game needs it, or raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from experts.checks import check_learner, check_rounds
from experts.numerics.arguments import whole
from experts.simulation.environments.base import check_environment
from experts.types import Array, ContextualPolicy, Learner, Policy


def check_player(learner: Any, environment: Any) -> None:
    """Refuse what `play` cannot play, or not in this environment."""
    if not isinstance(learner, Policy | ContextualPolicy) or isinstance(learner, type):
        check_learner(learner)
    check_environment("environment", environment)
    contexts = getattr(environment, "context_shape", None)
    if isinstance(learner, ContextualPolicy) and contexts is None:
        raise ValueError(
            f"{learner!r} reads {learner.reads}, and {environment!r} shows no contexts: it has no "
            "context_shape; experts.contextual has environments that do"
        )
    if isinstance(learner, ContextualPolicy):
        check_context_shape(learner, contexts, environment.shape[-1])
    supported: frozenset[str] = getattr(learner, "supports", frozenset())
    if getattr(environment, "sleeping", False) and "sleeping" not in supported:
        raise ValueError(f"{learner!r} does not support sleeping experts, as in {environment!r}")


def check_context_shape(policy: ContextualPolicy[Any], shape: Any, arms: int) -> None:
    """Refuse contexts that cannot be what the policy reads."""
    advice = policy.reads == "advice"
    if len(shape) < 2 or shape[-1 if advice else -2] != arms:
        form = f"(..., N, {arms})" if advice else f"(..., {arms}, d)"
        raise ValueError(
            f"{policy!r} reads {policy.reads}: the environment's context_shape must be {form}, "
            f"got {tuple(shape)}"
        )


def check_advice(advice: Array) -> None:
    """Refuse advice (..., N, K) that is no distribution over the arms."""
    sums = advice.sum(axis=-1)
    if not (np.all(advice >= 0) and np.all(np.abs(sums - 1) <= 1e-6)):
        raise ValueError(
            "advice must be distributions over the arms, >= 0 with sum 1; the environment shows "
            f"numbers from {advice.min():.3g} to {advice.max():.3g}, with sums from "
            f"{sums.min():.3g} to {sums.max():.3g}"
        )


def rounds_of(rounds: int | None, learner: Any, environment: Any) -> int:
    """T."""
    if rounds is None:
        if environment.horizon is None:
            raise ValueError("rounds is needed: the environment has no end of its own")
        rounds = environment.horizon
    rounds = whole("rounds", rounds)
    check_rounds(rounds, environment=environment, learner=learner)
    return rounds


def seeds_of(seeds: int | Sequence[int]) -> Array:
    """The seeds, int (S,)."""
    if isinstance(seeds, int | np.integer):
        return np.arange(whole("seeds", seeds))
    which = np.asarray(seeds)
    if which.ndim != 1 or len(which) == 0 or which.dtype.kind not in "iu" or which.min() < 0:
        raise ValueError(f"seeds must be a number or a list of integers >= 0, got {seeds!r}")
    return which


def bandit_of(feedback: str, learner: Any) -> bool:
    """Whether an arm is drawn and only its loss revealed; of policies, always."""
    if feedback not in ("full", "bandit"):
        raise ValueError(f"feedback must be 'full' or 'bandit', got {feedback!r}")
    if not isinstance(learner, Learner):
        return True
    if feedback == "bandit" and "bandit" not in learner.supports:
        supports = ", ".join(["full", *sorted(learner.supports)])
        raise ValueError(f"feedback 'bandit' is not supported by {learner!r}, only: {supports}")
    if feedback == "bandit" and learner.loss_interval is None:
        raise ValueError(
            f"feedback 'bandit' is not for {learner!r}: it states no loss_interval that a bandit "
            "guarantee is proved for; use exp3, exp3_ix or tsallis_inf, say"
        )
    return feedback == "bandit"


def counts_wealth(wealth: bool, environment: Any, rewards: bool) -> bool:
    """`wealth`, refused where losses are no logarithms of price relatives."""
    if wealth and (rewards or not getattr(environment, "relatives", False)):
        raise ValueError(
            "wealth=True needs losses -ln x of price relatives x, as of from_csv(kind='relatives') "
            f"or Given(-np.log(x), relatives=True), got {environment!r} with rewards={rewards}"
        )
    return wealth


def delays_of(delay: int | Sequence[int], rounds: int) -> Array | None:
    """Delays of every round, int (T,); None where all losses arrive at once."""
    if np.ndim(delay) == 0:
        delays = np.full(rounds, whole("delay", delay, 0))
    else:
        delays = np.asarray(delay)
        fine = delays.dtype.kind in "iu" and delays.ndim == 1 and len(delays) >= rounds
        if not (fine and delays.min() >= 0):
            raise ValueError(
                f"delay must be a whole number of at least 0, or one for each of the {rounds} "
                f"rounds, got {delay!r}"
            )
        delays = delays[:rounds]
    return delays if delays.any() else None


def switches_of(switches: int | None, learner: Any) -> int | None:
    """Most switches of the sequences that the player is compared with; None: it is not."""
    if switches is not None and isinstance(learner, ContextualPolicy):
        raise ValueError(
            f"switches is for experts and arms; {learner!r} is compared with the best arm of every "
            "context (Trace.sequence_regret), if the environment knows it"
        )
    return None if switches is None else whole("switches", switches, 0)
