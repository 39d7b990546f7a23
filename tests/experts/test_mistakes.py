"""Mistakes of published packages, each with a game that shows it, for every learner."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import experts
from experts import Feedback, Ledger, Player, TrackingLedger
from experts.numerics.state import to_arrays
from tests.experts.test_laws import LEARNERS
from tests.profile import IN_CI

# Leaves out what other threads of the test runner allocate meanwhile.
PACKAGE = tracemalloc.Filter(True, str(Path(experts.__file__).parent / "*"))
HERE = tracemalloc.Filter(True, __file__)
every_learner = pytest.mark.parametrize("learner", LEARNERS)


def capacity(learner: Any, rounds: int) -> int:
    """The smaller of `rounds` and the learner's horizon."""
    return min(rounds, learner.horizon or rounds)


@every_learner
def test_whole_numbered_losses_are_refused_rather_than_never_learned(learner: Any) -> None:
    with pytest.raises(ValueError, match="like must be of a floating point type"):
        Player(learner, np.zeros(3, dtype=np.int64))
    player = Player(learner, np.zeros(3))
    with pytest.raises(ValueError, match=r"loss must be of type .*float"):
        player.update(np.asarray([0, 1, 1]))
    for _ in range(capacity(learner, 100)):
        player.predict()
        player.update(np.asarray([0.0, 1.0, 1.0]))
    play = player.predict()
    assert play[0] > play[1], "nothing was learned"


@every_learner
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_neither_overflow_nor_vanish(learner: Any, dtype: Any) -> None:
    """Long games of losses up to 1 and 800: still a distribution, on the best expert."""
    rng = np.random.default_rng(0)
    size = np.asarray([[1.0], [800.0]])
    player = Player(learner, np.zeros((2, 5), dtype))
    drift = np.asarray([0, 0.2, 0.2, 0.2, 0.2])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        play = player.predict()
        for _ in range(capacity(learner, 3000 if IN_CI else 300) - 1):
            player.update((size * (0.8 * rng.random(5) + drift)).astype(dtype))
            play = player.predict()
            assert np.all(abs(play.sum(-1) - 1) < 1e-5)
    player.update((size * (drift > 0)).astype(dtype))  # for those that track the latest best
    play = player.predict()
    assert np.all(np.isfinite(player.certificate()))
    assert np.all(play.argmax(-1) == 0)


@every_learner
@pytest.mark.parametrize("shift", [800.0, -800.0, 1e6])
def test_a_level_that_all_experts_share_does_not_matter(learner: Any, shift: float) -> None:
    """exp(-eta L) itself would be 0 or infinite for everyone."""
    shifted, plain = Player(learner, np.zeros(2)), Player(learner, np.zeros(2))
    for _ in range(capacity(learner, 50)):
        shifted.predict()
        shifted.update(np.asarray([0.0, 0.25]) + shift)
        plain.predict()
        plain.update(np.asarray([0.0, 0.25]))
    np.testing.assert_allclose(shifted.predict(), plain.predict(), rtol=1e-9)


@every_learner
def test_predictions_are_normalised_at_every_moment(learner: Any) -> None:
    """Also before any loss, right after a wipe-out, and if only some experts are awake."""
    rng = np.random.default_rng(0)
    player = Player(learner, np.zeros((3, 4)), prior=np.tile([0.1, 0.2, 0.3, 0.4], (3, 1)))
    np.testing.assert_allclose(player.predict().sum(-1), 1, rtol=1e-12)
    for t in range(capacity(learner, 30)):
        player.predict()
        player.update(rng.random((3, 4)))
        if t == 10 and "wipeout" in learner.supports:
            player.wipe(np.asarray([[False, True, False, False]] * 3))
        np.testing.assert_allclose(player.predict().sum(-1), 1, rtol=1e-12)
        if "sleeping" in learner.supports:
            part = player.predict(np.asarray([[True, True, True, False]] * 3))
            np.testing.assert_allclose(part.sum(-1), 1, rtol=1e-12)


@every_learner
def test_no_certificate_is_exceeded_on_fair_coins(learner: Any) -> None:
    """K = 10, T = 5,000 in CI. A package claims 32.5 for AdaHedge here, and suffers 52.6."""
    rng = np.random.default_rng(0)
    state = learner.init(np.zeros((8, 10)))
    ledger = Ledger.open(np.zeros((8, 10)))
    for _ in range(5000 if IN_CI else 500):  # past a horizon as well: certificates do not need it
        play = learner.predict(state)
        loss = rng.integers(0, 2, (8, 10)).astype(float)
        state = learner.update(state, play, Feedback(loss))
        ledger = ledger.add(play, loss)
    slack = learner.certificate(state) - ledger.regret
    assert np.all(slack >= -1e-9)


@every_learner
def test_the_state_does_not_grow(learner: Any) -> None:
    """Nor does memory: no history is kept."""
    player = Player(learner, np.zeros((4, 10)), checks=False)
    tracking = TrackingLedger.open(np.zeros((4, 10)), switches=3)
    loss = np.random.default_rng(0).random((4, 10))

    def some_rounds(count: int) -> int:
        nonlocal tracking
        for _ in range(count):
            tracking = tracking.add(player.predict(), loss)
            player.update(loss)
        ours = tracemalloc.take_snapshot().filter_traces([PACKAGE, HERE])
        return sum(trace.size for trace in ours.traces)

    more = 400 if IN_CI else 100
    shapes = {name: array.shape for name, array in to_arrays(player.state).items()}
    tracemalloc.start()
    try:
        early = some_rounds(20)
        late = some_rounds(more)
    finally:
        tracemalloc.stop()
    assert late - early < 2000, f"{late - early} bytes more after {more} more rounds"
    assert shapes == {name: array.shape for name, array in to_arrays(player.state).items()}
