"""Environments: losses in their interval, reproducible for each seed, and arguments checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import experts
from experts import bounds
from experts.environments import (
    AgainstOneFavourite,
    AgainstTheBound,
    AgainstTheFavourite,
    AgainstTheWeights,
    Alternating,
    Bernoulli,
    BetaCoins,
    Corrupted,
    Gaussian,
    Given,
    NormalArms,
    OneGood,
    Scaled,
    SideBySide,
    Sleeping,
    Switching,
    random_signs,
    scaled_gap,
)

COINS = Bernoulli([0.4, 0.6])
ROUNDS = 12
OBLIVIOUS = [
    Given(np.linspace(0, 1, ROUNDS * 3).reshape(ROUNDS, 3), (0.0, 1.0)),
    Alternating(3),
    Bernoulli(np.linspace(0.3, 0.7, 3)),
    Bernoulli(np.full((2, 3), 0.5)),
    Gaussian(np.linspace(0.0, 0.7, 3), 0.3),
    OneGood(3, 0.5),
    scaled_gap(3, ROUNDS),
    Switching(3, ROUNDS, switches=4),
    BetaCoins(3, 1.0, 9.0),
    random_signs(3, 2.0),
    Corrupted(Bernoulli([0.1, 0.5, 0.9]), rounds=5),
    Corrupted(Gaussian([0.1, 0.5, 0.9]), rounds=5),
    Scaled(Alternating(3), -0.3, 0.1),
    SideBySide((OneGood(3), Switching(3, ROUNDS, 1), random_signs(3))),
]
ADAPTIVE = [
    AgainstTheFavourite(3),
    AgainstOneFavourite(3),
    AgainstTheWeights(3),
    AgainstTheBound(3, ROUNDS),
    Scaled(AgainstTheWeights(3), -2.0, 1.0),
]


def losses(environment: Any, seeds: list[int], portions: list[int]) -> np.ndarray:
    """(T, S, ..., K) of an oblivious environment, asked for in portions."""
    course = environment.start([np.random.default_rng(seed) for seed in seeds])
    return np.concatenate([course(portion) for portion in portions])


@pytest.mark.parametrize("environment", OBLIVIOUS, ids=repr)
@given(cut=st.integers(1, ROUNDS - 1), seed=st.integers(0, 99))
def test_losses_are_the_seed_s_own_and_in_range(environment: Any, cut: int, seed: int) -> None:
    whole = losses(environment, [seed, seed + 1], [ROUNDS])
    assert whole.shape == (ROUNDS, 2, *environment.shape)
    low, high = environment.loss_interval
    assert whole.min() >= low
    assert whole.max() <= high
    in_parts = losses(environment, [seed], [cut, ROUNDS - cut])
    np.testing.assert_array_equal(in_parts[:, 0], whole[:, 0])


@pytest.mark.parametrize("environment", ADAPTIVE, ids=repr)
@given(data=st.data())
def test_adaptive_losses_are_in_range_and_each_problem_s_own(
    environment: Any, data: st.DataObject
) -> None:
    weights = st.lists(st.integers(0, 5), min_size=3, max_size=3).filter(any)
    plays = [np.asarray(data.draw(st.tuples(weights, weights)), float) for _ in range(ROUNDS)]
    plays = [play / play.sum(-1, keepdims=True) for play in plays]
    generators = [np.random.default_rng(seed) for seed in range(2)]
    both, alone = environment.start(generators), environment.start(generators[:1])
    for play in plays:
        loss = both(play)
        assert loss.shape == (2, 3)
        assert loss.min() >= environment.loss_interval[0]
        assert loss.max() <= environment.loss_interval[1]
        np.testing.assert_array_equal(alone(play[:1]), loss[:1])


def test_alternating_ruins_the_leader() -> None:
    """Follow the leader loses T - 1 or more, either expert T / 2."""
    greedy = experts.play(experts.hedge(1e6), Alternating(2), rounds=1000)
    assert greedy.loss[-1, 0] >= 998
    assert greedy.best_loss[-1, 0] == pytest.approx(499.5)


def test_gaussian_has_its_means_and_deviation() -> None:
    drawn = losses(Gaussian([0.4, 0.6], 0.1), [0], [20_000])[:, 0]
    np.testing.assert_allclose(drawn.mean(0), [0.4, 0.6], atol=5 * 0.1 / 20_000**0.5)
    np.testing.assert_allclose(drawn.std(0), 0.1, rtol=0.03)


def test_one_good_expert_is_another_one_for_other_seeds() -> None:
    drawn = losses(OneGood(4, 0.5), list(range(50)), [100])
    assert np.all((drawn.sum(0) == 0).sum(-1) == 1)
    assert set(drawn.sum(0).argmin(-1)) == {0, 1, 2, 3}


def test_the_scaled_gap_is_that_of_the_literature() -> None:
    assert scaled_gap(4, 100).gap == pytest.approx(0.05)
    assert scaled_gap(100, 4).gap == 0.25


def test_switching_comparators_switch_as_often_as_said() -> None:
    """Losses of the good expert are 0, so the best sequence with S switches loses nothing."""
    drawn = losses(Switching(5, 200, switches=4, gap=0.5), list(range(20)), [200])
    books = experts.TrackingLedger.open(drawn[0], switches=4)
    for loss in drawn:
        books = books.add(np.full_like(loss, 0.2), loss)
    suffered = drawn.mean(-1).sum(0)
    np.testing.assert_allclose(books.worst()[..., 4], suffered)
    assert np.all(books.worst()[..., 3] < suffered - 1)


def test_corruption_turns_the_first_rounds_upside_down() -> None:
    coins = Bernoulli([0.1, 0.9])
    honest, corrupted = (losses(e, [7], [30]) for e in (coins, Corrupted(coins, 10)))
    np.testing.assert_array_equal(corrupted[:10], 1 - honest[:10])
    np.testing.assert_array_equal(corrupted[10:], honest[10:])
    assert np.abs(corrupted - honest).max(-1).sum() == 10


def test_side_by_side_is_what_each_is_alone() -> None:
    """The parts without randomness give the same game as alone."""
    parts: Any = (
        AgainstTheWeights(3),
        Alternating(3),
        AgainstTheBound(3, 40),
        Bernoulli([0.1, 0.5, 1]),
    )
    learner = experts.hedge(0.4)
    together = experts.play(learner, SideBySide(parts), rounds=40, seeds=2)
    assert together.regret.shape == (40, 2, 4)
    for e, part in enumerate(parts[:3]):
        alone = experts.play(learner, part, rounds=40, engine="plain")
        np.testing.assert_array_equal(together.loss[:, 1, e], alone.loss[:, 0])
        np.testing.assert_array_equal(together.total[1, e], alone.total[0])
    assert together.total[0, 3, 0] < together.total[0, 3, 2] == 40


def test_one_favourite_breaks_ties() -> None:
    answer = AgainstOneFavourite(3).start([np.random.default_rng(0)])
    np.testing.assert_array_equal(answer(np.asarray([[0.4, 0.4, 0.2]])), [[1, 0, 0]])
    answer = AgainstTheWeights(3).start([np.random.default_rng(0)])
    np.testing.assert_array_equal(answer(np.asarray([[0.5, 0.25, 0.25]])), [[1, 0.5, 0.5]])


@pytest.mark.parametrize(("k", "rounds", "ratio"), [(2, 1000, 0.9749), (10, 1000, 0.985)])
def test_the_bound_is_nearly_reached(k: int, rounds: int, ratio: float) -> None:
    opponent = AgainstTheBound(k, rounds)
    trace = experts.play(experts.hedge(horizon=rounds), opponent)
    bound = bounds.hedge_tuned(k, rounds)
    assert ratio * bound <= trace.regret[-1, 0] <= bound


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Alternating(0), "experts must be a whole number of at least 1, got 0"),
        (lambda: Gaussian([0.5, 2.0]), r"means must be numbers in \[0, 1\]"),
        (lambda: Gaussian([0.5], -1), r"deviation must be a number in \[0, 1e\+06\], got -1"),
        (lambda: OneGood(3, 0.6), r"gap must be a number in \[0, 0.5\], got 0.6"),
        (lambda: Switching(1, 10, 2), "experts must be a whole number of at least 2, got 1"),
        (lambda: Switching(2, 3, 3), "rounds must be a whole number of at least 4, got 3"),
        (lambda: Switching(2, 3, -1), "switches must be a whole number of at least 0, got -1"),
        (
            lambda: Corrupted(Given(np.zeros((2, 2))), 1),
            "base must have a finite loss_interval, got None",
        ),
        (lambda: Corrupted(AgainstTheWeights(2), 1), "base must be oblivious"),
        (
            lambda: Scaled(Given(np.ones((2, 2)), (1, 1)), 0.0, 1.0),
            "base must have more than one loss",
        ),
        (
            lambda: Given(np.ones((2, 2)), (1, 0)),
            r"loss_interval must be \(low, high\), two numbers with low <= high, got \(1, 0\)",
        ),
        (lambda: Scaled(Alternating(2), 1.0, 1.0), "low must be below high, got low=1.0, high=1.0"),
        (
            lambda: SideBySide((Alternating(2), Alternating(3))),
            r"one shape, got \[\(2,\), \(3,\)\]",
        ),
        (lambda: SideBySide(()), r"one shape, got \[\]"),
        (lambda: AgainstTheBound(2, 5, -1), "closing must be a whole number of at least 0, got -1"),
    ],
)
def test_settings_are_checked(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


ONES = np.ones((2, 2))
ASLEEP = Sleeping(COINS, 0.5)
WRONG_KINDS: list[tuple[Any, tuple[Any, ...], str]] = [
    (Given, (ONES, {0, 1}), "loss_interval must be .*, got {0, 1}"),
    (Given, (ONES, ("0", "1")), "loss_interval must be"),
    (Given, (ONES, None, "no"), "relatives must be True or False, got 'no'"),
    (Given, (ONES.astype(complex),), "losses must be an array of numbers: .* complex"),
    (Given, (ONES.astype("M8[D]"),), "losses must be an array of numbers: .* datetime"),
    (Given, (torch.ones((2, 2), requires_grad=True),), "losses must be an array of numbers"),
    (Bernoulli, ((mean for mean in (0.1, 0.2)),), "means must be an array of numbers"),
    (Bernoulli, (np.ma.masked_less([0.1, 0.2], 0.2),), "means must be .*nan"),
    (Gaussian, ([0.5], None), "deviation must be a number in .*, got None"),
    (OneGood, (3, True), "gap must be a number in"),
    (random_signs, (3, "1"), "bound must be a number in"),
    (Scaled, (COINS, "0", "1"), r"low and high must be .*, got \('0', '1'\)"),
    (Scaled, (Given(ONES, (0, np.inf)), 0, 1), "base must have a finite loss_interval"),
    (Scaled, (Bernoulli, 0, 1), r"base must be an .*; did you mean Bernoulli\(...\)\?"),
    (Corrupted, (ONES, 1), "base must be an environment, got ndarray; wrap a sequence"),
    (Sleeping, (ASLEEP, 0.5), "base must be .* that shows nothing before a round"),
    (Scaled, (ASLEEP, 0, 1), "base must be .* that shows nothing before a round"),
    (SideBySide, (COINS,), "parts must be environments, got Bernoulli"),
    (SideBySide, ((COINS, ASLEEP),), r"parts\[1\] must be .* that shows nothing before"),
]


@pytest.mark.parametrize(("make", "arguments", "message"), WRONG_KINDS)
def test_wrong_kinds_are_refused(make: Any, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(*arguments)


def test_an_environment_does_not_change_with_what_it_was_made_of() -> None:
    """Whoever made it may write into an array, or append to a list."""
    means, parts = np.asarray([0.25, 0.5]), [COINS, COINS]
    coins, both = Bernoulli(means), SideBySide(parts)
    means[:] = 0.0
    parts.append(COINS)
    assert coins.means.tolist() == [0.25, 0.5]
    assert both.shape == (2, 2)


TOLD = [
    Bernoulli(np.full((2, 3), 0.3)),
    Gaussian(np.asarray([0.0, 0.5, 0.9]), 0.3),
    OneGood(3, 0.5),
    Switching(3, ROUNDS, switches=4),
    BetaCoins(3, 1.0, 9.0),
    NormalArms(3, 0.5, 2.0, 0.1),
    random_signs(3, 2.0),
    Corrupted(Bernoulli([0.1, 0.5, 0.9]), rounds=5),
    SideBySide((OneGood(3), Switching(3, ROUNDS, 1), random_signs(3))),
]


@pytest.mark.parametrize("environment", TOLD, ids=repr)
def test_losses_are_what_is_expected_in_the_mean(environment: Any) -> None:
    """Over 1000 seeds, up to 4.5 standard errors, in every round; and whatever was expected."""
    generators = [np.random.default_rng(seed) for seed in range(1000)]
    losses, means = environment.start(generators).told(ROUNDS)
    surprise = losses - means
    for weighed in (surprise, surprise * means):
        error = weighed.std(axis=1) / 1000**0.5
        assert np.all(np.abs(weighed.mean(axis=1)) <= 4.5 * error + 1e-12)
    again = environment.start([np.random.default_rng(seed) for seed in range(1000)])
    np.testing.assert_array_equal(again(ROUNDS), losses)


def test_a_course_that_knows_no_means_does_not_tell() -> None:
    for environment in (Given(np.zeros((3, 2))), Corrupted(Alternating(2), 1), Alternating(2)):
        assert not hasattr(environment.start([np.random.default_rng(0)]), "told")
