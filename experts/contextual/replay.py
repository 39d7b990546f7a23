"""`replay`: what a learner would have earned, from a log whose actions were drawn uniformly."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from experts.contextual.features import disjoint
from experts.contextual.logs import Log
from experts.contextual.off_policy import Value, checked_outcomes, within
from experts.numerics.arguments import floats
from experts.numerics.parameters import number
from experts.numerics.sampling import draw
from experts.numerics.units import Interval, Units
from experts.types import Array, ContextualPolicy, Feedback, Learner, Policy


def replay(
    policy: Any,
    log: Log,
    *,
    show: Callable[[Array], Array] | None = None,
    interval: Interval = (0.0, 1.0),
    seed: int = 0,
    delta: float = 0.05,
) -> Value:
    """Value of a learner on a log whose actions were drawn uniformly: rows on which they agree.

    The learner chooses an action in every row. Where it is the one of the log, the row is a round:
    it is told the outcome, and learns; other rows are skipped.

    Parameters
    ----------
    policy
        A `ContextualPolicy`, a `Policy`, or a learner that takes bandit feedback.
    log
        Its propensities are 1 / K, up to rounding.
    show
        From a row's context (d,) to what a contextual policy is shown. Default, for features:
        `disjoint`, a parameter for each action.
    interval
        (low, high), which holds all outcomes. They are mapped to the learner's own losses.
    seed
        Of the learner's draws.
    delta
        In (0, 1).

    Notes
    -----
    The rounds are distributed as if the learner had played them. With T of them, the mean of its
    rounds' expected outcomes, each given the rounds before, lies within value +- (high - low)
    sqrt(ln(2/delta) / (2 T)) with probability at least 1 - delta: T does not depend on the
    outcomes, as a row agrees with chance 1 / K. This is of the one run: another `seed` or log makes
    the learner learn otherwise. A learner's `horizon` is about n / K.

    Source: Li, Chu, Langford & Wang 2011, Theorem 1; Cesa-Bianchi & Lugosi 2006, Lemma A.7
    (Hoeffding and Azuma's inequality).
    """
    _check(policy)
    low, high = checked_outcomes(log, interval)
    count, log_term = len(log.actions), math.log(2 / number("delta", delta, below=1))
    for row in np.flatnonzero(abs(log.propensity * count - 1) > 2e-3)[:1]:
        raise ValueError(
            f"log must be of actions drawn uniformly, with propensity 1 / {count}, got "
            f"{log.propensity[row]} in row {row}: use ips or doubly_robust"
        )
    units = Units(policy.loss_interval, (low, high), log.rewards)
    generator = np.random.default_rng(seed)
    outcomes = list(_rounds(policy, log, _shown(policy, log, show), units, generator))
    if not outcomes:
        raise ValueError("the learner and the log agree on no row: it has no value")
    half = (high - low) * math.sqrt(log_term / (2 * len(outcomes)))
    return within(float(np.mean(outcomes)), half, (low, high), len(outcomes))


def _check(policy: Any) -> None:
    """ValueError for what does not learn from the loss of one arm."""
    bandit = isinstance(policy, Learner) and "bandit" in policy.supports
    if isinstance(policy, type) or not (bandit or isinstance(policy, ContextualPolicy | Policy)):
        raise ValueError(
            "policy must be a ContextualPolicy, a Policy, or a learner that supports bandit "
            f"feedback, got {policy!r}"
        )


def _shown(policy: Any, log: Log, show: Callable[[Array], Array] | None) -> list[Array]:
    """What the policy is shown in every row; for those without context the shape of the losses."""
    if not isinstance(policy, ContextualPolicy):
        return [np.zeros(len(log.actions))] * len(log)
    if log.context is None:
        raise ValueError(f"log must have a context for {policy!r}, it has none")
    if show is None and policy.reads != "features":
        raise ValueError(f"show is needed: from a row's context to the advice for {policy!r}")
    arms = len(log.actions)
    shown = [disjoint(row, arms) if show is None else show(row) for row in log.context]
    contexts = [_read(policy, arms, row, context) for row, context in enumerate(shown)]
    for row, context in enumerate(contexts):
        if context.shape != contexts[0].shape:
            raise ValueError(
                f"show must give one shape for all rows, got {contexts[0].shape} in row 0 and "
                f"{context.shape} in row {row}"
            )
    return contexts


def _read(policy: Any, arms: int, row: int, shown: Any) -> Array:
    """What a row shows, as floats; ValueError if the policy cannot read it."""
    context = floats("show", shown)
    advice = policy.reads == "advice"
    fine = context.ndim == 2 and 0 not in context.shape and np.isfinite(context).all()
    if not fine or context.shape[-1 if advice else -2] != arms:
        rule = f"advice (N, {arms})" if advice else f"features ({arms}, d)"
        raise ValueError(
            f"show must give finite numbers, {rule}, got shape {context.shape} in row {row}"
        )
    if advice and not (np.all(context >= 0) and np.all(abs(context.sum(-1) - 1) < 1e-6)):
        raise ValueError(f"show must give distributions as advice, got {shown!r} in row {row}")
    return context


def _rounds(
    policy: Any, log: Log, shown: list[Array], units: Units, generator: np.random.Generator
) -> Iterator[float]:
    """Play through the log; yields the outcomes of the rows on which both agree."""
    state = policy.init(shown[0])
    arms = np.arange(len(log.actions))
    for context, action, outcome in zip(shown, log.action, log.outcome, strict=True):
        uniforms = generator.random(len(arms) + 1)
        if isinstance(policy, ContextualPolicy):
            play = policy.predict(state, context, uniforms[:-1])
        elif isinstance(policy, Policy):
            play = policy.choose(state, uniforms[:-1]) * 1.0
        else:
            play = policy.predict(state)
        seen = arms == action
        if not draw(play, uniforms[-1:])[action]:
            continue
        loss = units.losses(np.where(seen, outcome, np.nan), bandit=True)
        if isinstance(policy, ContextualPolicy):
            state = policy.update(state, context, play, Feedback(loss, seen, play))
        elif isinstance(policy, Policy):
            state = policy.update(state, seen, loss)
        else:
            state = policy.update(state, play, Feedback(loss, seen, play))
        yield outcome
