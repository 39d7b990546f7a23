"""Rewards and losses of other intervals: mapped to what the learner is proved for, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import experts
from experts import Trace, bounds
from experts.environments import AgainstTheWeights, Bernoulli, Given, Scaled
from experts.simulation.units import ALLOWANCE
from tests.experts.simulation.test_play import LEARNERS, Broken

ENDS = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
INTERVALS = st.tuples(ENDS, ENDS).map(sorted).filter(lambda ends: ends[1] - ends[0] > 1e-2)


def play(learner: Any, numbers: Any, **options: Any) -> Trace:
    """Two seeds, every round recorded."""
    environment = numbers if hasattr(numbers, "start") else Given(numbers)
    return experts.play(learner, environment, seeds=2, record_every=1, **options)


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("wrong", [-1.0, -0.25, 1.5])
def test_no_learner_takes_losses_that_its_bandit_guarantee_is_not_for(
    learner: Any, wrong: float
) -> None:
    """Rewards given as losses -r are the usual case: the arms that were seen look good."""
    losses = np.zeros((9, 2))
    losses[3, 1] = wrong
    with pytest.raises(ValueError, match=r"bandit|must lie in"):
        play(learner, losses, feedback="bandit")
    with pytest.raises(ValueError, match="bandit"):
        play(learner, Given(losses, (-1.0, 2.0)), feedback="bandit")
    if learner.loss_interval is not None:
        hint = r"must lie in \[0.0, 1.0\], got .* in round 4.*pass loss_interval=.*rewards=True"
        with pytest.raises(ValueError, match=hint):
            play(learner, losses, feedback="bandit")
        sentence = r"has losses in \[-1.0, 2.0\]: pass loss_interval=\(-1.0, 2.0\) to map them"
        with pytest.raises(ValueError, match=sentence):
            play(learner, Given(losses, (-1.0, 2.0)), feedback="bandit")


@pytest.mark.parametrize("engine", ["plain", "numba"])
@pytest.mark.parametrize(
    "learner", [experts.exp3(), experts.exp3_ix(horizon=9), experts.tsallis_inf()]
)
@given(
    parts=hnp.arrays(np.float64, (9, 2, 3), elements=st.integers(0, 64).map(lambda n: n / 64)),
    interval=INTERVALS,
    rewards=st.booleans(),
    known=st.booleans(),
)
def test_a_bandit_game_is_that_in_0_1_and_its_trace_is_in_the_environment_s_units(
    learner: Any, engine: str, parts: Any, interval: list[float], rewards: bool, known: bool
) -> None:
    low, high = interval
    numbers = low + parts * (high - low)
    losses = (1 - parts) if rewards else parts
    inner = play(learner, losses, feedback="bandit", engine=engine)
    outer = play(
        learner,
        Given(numbers, (low, high) if known else None),
        feedback="bandit",
        engine=engine,
        rewards=rewards,
        loss_interval=(low, high),
    )
    # Of the map's rounding the importance weights make more, so that only its plays differ.
    np.testing.assert_allclose(outer.weights[:3], inner.weights[:3], rtol=1e-6)
    own = -numbers if rewards else numbers
    size = max(abs(low), abs(high))
    np.testing.assert_allclose(outer.total, [own.sum(0)] * 2, atol=1e-9 * size)
    if np.allclose(outer.weights, inner.weights, rtol=1e-6):
        width = high - low
        np.testing.assert_allclose(outer.regret, inner.regret * width, atol=1e-8 * size)


@pytest.mark.parametrize("engine", ["plain", "scan", "numba"])
@given(
    numbers=hnp.arrays(np.float64, (9, 3), elements=st.integers(-64, 64).map(lambda n: n / 16)),
    rewards=st.booleans(),
)
def test_under_full_information_nothing_is_scaled(engine: str, numbers: Any, rewards: bool) -> None:
    """A reward r is the loss -r, and the interval only checks."""
    learner, interval = experts.hedge(0.7), (-4.0, 4.0)
    outer = play(learner, numbers, engine=engine, rewards=rewards, loss_interval=interval)
    inner = play(learner, -numbers if rewards else numbers, engine=engine)
    for name in ("weights", "loss", "regret", "total", "best", "certificate"):
        np.testing.assert_array_equal(getattr(outer, name), getattr(inner, name))
    kind = "reward" if rewards else "loss"
    with pytest.raises(ValueError, match=rf"{kind} must lie in \[-4.0, 4.0\], got 5.0 in round 1"):
        play(learner, numbers * 0 + 5, engine=engine, rewards=rewards, loss_interval=interval)


def test_adaptive_environments_are_mapped_too() -> None:
    """Both keep the weights that the other's losses lead to."""
    wide = Scaled(AgainstTheWeights(3), -2.0, 6.0)
    options: dict[str, Any] = {"rounds": 50, "seeds": 3, "feedback": "bandit", "record_every": 1}
    inner = experts.play(experts.exp3(), AgainstTheWeights(3), **options)
    outer = experts.play(experts.exp3(), wide, loss_interval=(-2, 6), **options)
    np.testing.assert_allclose(outer.weights, inner.weights, rtol=1e-9)
    np.testing.assert_allclose(outer.regret, 8 * inner.regret, atol=1e-9)
    full = experts.play(experts.hedge(0.1), AgainstTheWeights(3), rounds=5, rewards=True)
    assert np.all(full.loss < 0)


@pytest.mark.parametrize("engine", ["plain", "numba"])
@pytest.mark.parametrize("learner", [experts.exp3(), experts.tsallis_inf()])
def test_no_seed_stays_with_the_worse_of_two_paying_arms(learner: Any, engine: str) -> None:
    """With -r for the loss some would: whatever is paid first then looks ever better."""
    rounds = 16_000 if engine == "numba" else 2_000
    paying = Bernoulli([0.4, 0.6])
    options: dict[str, Any] = {"rewards": True, "feedback": "bandit", "seeds": 20, "engine": engine}
    trace = experts.play(learner, paying, rounds=rounds, **options)
    assert trace.regret[-1].mean() <= bounds.exp3_anytime(2, rounds)
    assert np.all(trace.total < 0)
    assert np.all(trace.best[-1] == 1)
    assert np.all(trace.weights[-1, :, 1] > 0.5)


def test_a_millionth_beyond_the_interval_is_rounding() -> None:
    """And under bandit feedback it is taken for the end: a loss a little below 0, divided by a
    small chance, would not be small."""
    learner = experts.exp3()
    for low, high in ((0.0, 1.0), (-3.0, 5.0)):
        options: dict[str, Any] = {"feedback": "bandit", "loss_interval": (low, high)}
        inside, outside = (share * ALLOWANCE * (high - low) for share in (0.99, 1.01))
        ends = play(learner, np.asarray([[low, high]] * 5), **options)
        near = play(learner, np.asarray([[low - inside, high + inside]] * 5), **options)
        np.testing.assert_array_equal(near.weights, ends.weights)
        np.testing.assert_array_equal(near.total, ends.total)
        for wrong in ([low - outside, high], [low, high + outside]):
            with pytest.raises(ValueError, match="must lie in"):
                play(learner, np.asarray([wrong]), **options)
    single = np.asarray([[0.0, 1.0000001]], np.float32)
    assert play(learner, single, feedback="bandit").total.max() == 1
    assert play(experts.hedge(1.0), Given(single, (0.0, 1.0))).total.max() > 1
    assert ALLOWANCE == 1e-6
    assert "1e-6" in str(experts.play.__doc__)


def test_an_end_that_is_infinite_still_refuses_infinities() -> None:
    for value in (np.inf, np.nan):
        broken = Broken(value, loss_interval=(0.0, np.inf))
        with pytest.raises(ValueError, match="must be finite"):
            experts.play(experts.hedge(0.1), broken, rounds=9)
    with pytest.raises(ValueError, match=r"must lie in \[0.0, inf\], got -1.0"):
        experts.play(experts.hedge(0.1), Broken(-1.0, loss_interval=(0.0, np.inf)), rounds=9)


@pytest.mark.parametrize("feedback", ["full", "bandit"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss_interval": (1, 0)}, r"loss_interval must be \(low, high\), .*got \(1, 0\)"),
        ({"loss_interval": (0, np.inf)}, "loss_interval must be"),
        ({"loss_interval": (0, np.nan)}, "loss_interval must be"),
        ({"loss_interval": (-1e308, 1e308)}, "loss_interval must be"),
        ({"loss_interval": (1e15, 1e15 + 1)}, "loss_interval must be one that float64 can resolve"),
        ({"loss_interval": 1}, "loss_interval must be"),
        ({"loss_interval": "no"}, "loss_interval must be"),
        ({"loss_interval": "01"}, "loss_interval must be"),
        ({"loss_interval": {0, 1}}, "loss_interval must be"),
        ({"loss_interval": (False, True)}, "loss_interval must be"),
        ({"loss_interval": (0, 10**400)}, "loss_interval must be"),
        ({"loss_interval": (0.5, 2)}, r"\(0.5, 2.0\) does not hold the numbers of .*\[0.0, 1.0\]"),
        ({"rewards": 1}, "rewards must be True or False, got 1"),
    ],
)
def test_bad_units_are_refused(feedback: str, options: dict[str, Any], message: str) -> None:
    coins = Bernoulli([0.4, 0.6])
    with pytest.raises(ValueError, match=message):
        experts.play(experts.exp3(), coins, rounds=9, feedback=feedback, **options)


class Unproved:
    """Hedge, that supports bandit feedback and says of no losses that it is proved for them."""

    horizon = None
    loss_interval: Any = None
    supports = frozenset({"bandit"})
    init, predict, update, certificate = (
        getattr(experts.hedge(0.1), name) for name in ("init", "predict", "update", "certificate")
    )


def test_a_learner_that_states_no_interval_is_refused_as_a_bandit() -> None:
    with pytest.raises(ValueError, match="it states no loss_interval"):
        play(Unproved(), np.zeros((3, 2)), feedback="bandit")
    learner = Unproved()
    learner.loss_interval = (0.0, np.inf)
    with pytest.raises(ValueError, match="learner must have a finite loss_interval"):
        play(learner, np.zeros((3, 2)), feedback="bandit")


def test_a_learner_of_another_interval_gets_its_own() -> None:
    learner = Unproved()
    learner.loss_interval = (-1.0, 3.0)
    options: dict[str, Any] = {"feedback": "bandit", "engine": "plain"}
    inner = play(learner, np.asarray([[-1.0, 3.0], [0.0, 1.0]]), **options)
    outer = play(
        learner,
        np.asarray([[1.0, 0.0], [0.75, 0.5]]),
        rewards=True,
        loss_interval=(0, 1),
        **options,
    )
    np.testing.assert_allclose(outer.weights, inner.weights)
    np.testing.assert_allclose(outer.regret, inner.regret / 4)
    np.testing.assert_allclose(outer.total[0], [-1.75, -0.5])
