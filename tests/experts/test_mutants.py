"""Mutants: each deliberate mistake in the code makes a law fail.

A law is called on the code as it is, and has to pass; then on the mutant, and has to fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from array_api_compat import array_namespace

import experts
from experts import Player, player, sleeping
from experts.analysis import bounds
from experts.ftrl import estimators, rates, regularizers
from experts.numerics import masks
from tests.experts import test_feedback_laws, test_laws, test_player_laws
from tests.experts.analysis import test_theorems
from tests.experts.games import oblivious, on_one_favourite

Law = Callable[[], object]
Mutate = Callable[[pytest.MonkeyPatch], object]

entropy_gap = regularizers.Entropy.gap
weights = regularizers.Entropy._weights
ftrl_update = experts.FTRL.update
weighted = estimators.Weighted.estimate
player_learn = Player._learn
charge = sleeping.charge


def understated_gap(self: Any, *arguments: Any) -> Any:
    """20 % too small."""
    return 0.8 * entropy_gap(self, *arguments)


def lowest_of_the_batch(loss: Any, alive: Any) -> Any:
    """The minimum over everything, not over the last axis."""
    xp = array_namespace(loss)
    whole = xp.min(xp.where(alive, loss, xp.inf), keepdims=True)
    return xp.broadcast_to(whole, (*loss.shape[:-1], 1))


def forgotten_mask(self: Any, lead: Any, scale: Any, alive: Any, dual: Any) -> Any:
    """Weights for the removed as well."""
    return weights(self, lead, scale, alive | ~alive, dual)


def host_read(self: Any, state: Any, play: Any, feedback: Any) -> Any:
    """Looks at a value on the host, to save work when nothing is lost."""
    if not bool(array_namespace(play).any(feedback.loss != 0)):
        return state
    return ftrl_update(self, state, play, feedback)


def frozen(self: Any, clock: Any, gap: Any) -> Any:
    """Counts the rounds and leaves the rate alone."""
    return clock._replace(rounds=clock.rounds + 1)


def write_in_place(self: Any, state: Any, play: Any, feedback: Any) -> Any:
    """Saves an allocation, and changes the caller's state."""
    state.loss[...] += feedback.loss
    return ftrl_update(self, state, play, feedback)


def shrinking_scale(self: Any, clock: Any, gap: Any) -> Any:
    """Learns faster and faster."""
    return clock._replace(rounds=clock.rounds + 1, scale=clock.scale * 0.5)


def free_naps(loss: Any, play: Any, awake: Any) -> Any:
    """The asleep lose nothing, so that they profit from the others' losses."""
    return array_namespace(loss).where(awake, loss, 0.0)


def wipe_at_once(self: Any, dead: Any) -> None:
    """Between `predict` and `update`, too."""
    self.state = masks.wipe(self.state, dead)


def forgotten_distribution(self: Any, used: Any, *arguments: Any, **options: Any) -> None:
    """Charges what would be predicted now."""
    player_learn(self, self.learner.predict(self.state), *arguments, **options)


def pardon(play: Any, loss: Any, alive: Any) -> Any:
    """The losses of experts removed since are nobody's."""
    told, debt = charge(play, loss, alive)
    return told, 0.0 * debt


def blind_estimate(self: Any, feedback: Any, scale: Any) -> Any:
    """Not divided by the chance of being seen."""
    chance = None if feedback.chance is None else 0.0 * feedback.chance + 1.0
    return weighted(self, feedback._replace(chance=chance), scale)


def in_strict_arrays(learner: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        test_laws.test_no_eager_read(learner, patch)


def a_priori(learner: Any, bound: Any) -> None:
    test_theorems.test_a_priori_bounds_of_long_games(learner, bound, on_one_favourite)


def certified(learner: Any, opponent: Any = oblivious) -> None:
    test_laws.test_regret_never_exceeds_the_certificate(learner=learner, opponent=opponent)


def faced(learner: Any) -> None:
    test_player_laws.test_regret_never_exceeds_the_certificate_whatever_comes_in_between(
        learner=learner
    )


def unbiased() -> None:
    """The law of ftrl/test_estimators.py for one distribution, by enumeration."""
    play, loss = np.asarray([0.2, 0.3, 0.5]), np.asarray([1.0, 0.5, 0.25])
    mean = np.zeros(3)
    for arm, seen in enumerate(np.eye(3, dtype=bool)):
        mean += play[arm] * experts.Weighted().estimate(
            experts.Feedback(loss, seen, play), np.ones(1)
        )
    np.testing.assert_allclose(mean, loss)


MUTANTS: dict[str, tuple[Any, str, Any, Law]] = {
    "a gap understated by 20 %": (
        regularizers.Entropy, "gap", understated_gap, lambda: certified(experts.hedge(2e3))
    ),
    "a minimum over the whole batch": (
        masks, "lowest", lowest_of_the_batch,
        lambda: test_laws.test_batched_equals_looped(learner=experts.adahedge()),
    ),
    "a forgotten mask": (
        regularizers.Entropy, "_weights", forgotten_mask,
        lambda: test_laws.test_plays_are_on_the_simplex_and_the_dead_stay_at_exactly_zero(
            learner=experts.hedge(0.5)
        ),
    ),
    "a bool() in the loop": (
        experts.FTRL, "update", host_read, lambda: in_strict_arrays(experts.hedge(0.5))
    ),
    "a frozen rate, AdaHedge": (
        rates.Gap, "update", frozen, lambda: a_priori(experts.adahedge(), bounds.adahedge)
    ),
    "a frozen rate, anytime": (
        rates.Anytime, "update", frozen,
        lambda: a_priori(experts.anytime_hedge(), bounds.hedge_anytime),
    ),
    "a scale that falls": (
        rates.Fixed, "update", shrinking_scale, lambda: certified(experts.hedge(0.5))
    ),
    "a state written in place": (
        experts.FTRL, "update", write_in_place,
        lambda: test_laws.test_arguments_are_left_untouched_and_may_be_read_only(
            learner=experts.hedge(0.5)
        ),
    ),
    "the asleep profit from others": (
        player, "fill", free_naps,
        lambda: test_feedback_laws.test_regret_over_the_awake_rounds_never_exceeds_the_certificate(
            learner=experts.hedge(2e3)
        ),
    ),
    "a wipe-out in the middle of a round": (
        Player, "wipe", wipe_at_once, lambda: faced(experts.ml_poly())
    ),
    "a distribution that nobody used": (
        Player, "_learn", forgotten_distribution, lambda: faced(experts.hedge(2e3))
    ),
    "losses on their way that are nobody's": (
        player, "charge", pardon, lambda: faced(experts.hedge(2e3))
    ),
    "sleepers credited by what was seen": (
        player, "fill", free_naps, lambda: faced(experts.exp3(10.0))
    ),
    "importance weights forgotten": (estimators.Weighted, "estimate", blind_estimate, unbiased),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_a_law_catches_the_mutant(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, attribute, mutant, law = MUTANTS[name]
    law()
    monkeypatch.setattr(owner, attribute, mutant)
    # ValueError: numpy's, for writing to a read-only array. The group: several at once.
    caught = (AssertionError, test_laws.HostReadError, ValueError, ExceptionGroup)
    with pytest.raises(caught):
        law()
