"""Mutants: `check_learner` finds each deliberate mistake in the code.

A law is tried on the code as it is, and has to hold; then on the mutant, and has to break.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from array_api_compat import array_namespace
from hypothesis import Phase, settings

import experts
from experts import Player, player, sleeping
from experts.analysis import bounds
from experts.ftrl import estimators, rates, regularizers
from experts.numerics import masks
from experts.testing import LawError, check_learner
from tests.profile import PROFILE

entropy_gap = regularizers.Entropy.gap
weights = regularizers.Entropy.weights
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


class Hunt(NamedTuple):
    """A mutant, and the law that catches it on a learner."""

    owner: Any
    attribute: str
    mutant: Any
    learner: Any
    law: str
    bound: Any = None


CERTIFIED = "regret_never_exceeds_the_certificate-oblivious"
BOUNDED = "regret_never_exceeds_the_bound-on_one_favourite"
OFTEN = "regret_never_exceeds_the_certificate_whatever_comes_in_between"

MUTANTS = {
    "a gap understated by 20 %": Hunt(
        regularizers.Entropy, "gap", understated_gap, experts.hedge(2e3), CERTIFIED
    ),
    "a minimum over the whole batch": Hunt(
        masks, "lowest", lowest_of_the_batch, experts.adahedge(), "batched_equals_looped"
    ),
    "a forgotten mask": Hunt(
        regularizers.Entropy, "weights", forgotten_mask,
        experts.hedge(0.5), "plays_are_on_the_simplex_and_the_dead_stay_at_exactly_zero",
    ),
    "a bool() in the loop": Hunt(
        experts.FTRL, "update", host_read, experts.hedge(0.5), "no_eager_read"
    ),
    "a frozen rate, AdaHedge": Hunt(
        rates.Gap, "update", frozen, experts.adahedge(), BOUNDED, bounds.adahedge
    ),
    "a frozen rate, anytime": Hunt(
        rates.Anytime, "update", frozen, experts.anytime_hedge(), BOUNDED, bounds.hedge_anytime
    ),
    "a scale that falls": Hunt(
        rates.Fixed, "update", shrinking_scale, experts.hedge(0.5), CERTIFIED
    ),
    "a state written in place": Hunt(
        experts.FTRL, "update", write_in_place, experts.hedge(0.5), "methods_are_pure"
    ),
    "the asleep profit from others": Hunt(
        player, "fill", free_naps,
        experts.hedge(2e3), "regret_over_the_awake_rounds_never_exceeds_the_certificate",
    ),
    "a wipe-out in the middle of a round": Hunt(
        Player, "wipe", wipe_at_once, experts.ml_poly(), OFTEN
    ),
    "a distribution that nobody used": Hunt(
        Player, "_learn", forgotten_distribution, experts.hedge(2e3), OFTEN
    ),
    "losses on their way that are nobody's": Hunt(
        player, "charge", pardon, experts.hedge(2e3), OFTEN
    ),
    "sleepers credited by what was seen": Hunt(
        player, "fill", free_naps, experts.exp3(10.0),
        "regret_in_estimated_losses_of_the_awake_never_exceeds_the_certificate",
    ),
    "importance weights forgotten": Hunt(
        estimators.Weighted, "estimate", blind_estimate,
        experts.exp3(), "estimates_make_up_for_what_is_not_seen",
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def without_shrinking() -> Iterator[None]:
    """Any case that breaks the law will do; the smallest takes much longer to find."""
    settings.register_profile("unshrunk", settings.default, phases=[Phase.generate])
    settings.load_profile("unshrunk")
    yield
    settings.load_profile(PROFILE)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_law_catches_the_mutant(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, attribute, mutant, learner, law, bound = MUTANTS[name]
    assert check_learner(learner, only=[law], bound=bound).held == (law,)
    monkeypatch.setattr(owner, attribute, mutant)
    with pytest.raises(LawError, match=f"^{law}: "):
        check_learner(learner, only=[law], bound=bound)
