"""Ledgers: regret to one expert, to sequences with switches, over intervals; unknown losses."""

from __future__ import annotations

import itertools
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from experts import IntervalLedger, Ledger, TrackingLedger
from experts.testing.games import as_numpy

SIXTYFOURTHS = st.integers(0, 64).map(lambda n: n / 64)


@st.composite
def books(draw: st.DrawFn, most_rounds: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distributions, losses and awake, (T, 2, K); distributions are 0 on the asleep."""
    shape = (draw(st.integers(1, most_rounds)), 2, draw(st.integers(1, 3)))
    awake = draw(hnp.arrays(bool, shape, elements=st.booleans()))
    awake[..., 0] = True
    weight = np.where(awake, draw(hnp.arrays(np.float64, shape, elements=SIXTYFOURTHS)) + 1, 0)
    losses = draw(hnp.arrays(np.float64, shape, elements=SIXTYFOURTHS))
    return weight / weight.sum(-1, keepdims=True), losses, awake


def instant(plays: np.ndarray, losses: np.ndarray, awake: np.ndarray) -> np.ndarray:
    """Each round's regret to each expert, from the definition."""
    return np.where(awake, (plays * losses).sum(-1, keepdims=True) - losses, 0)


@given(game=books(), switches=st.integers(0, 3))
def test_tracking_is_the_best_of_all_sequences(game: Any, switches: int) -> None:
    """Every one of the K**T sequences of experts, by its number of switches."""
    regret = instant(*game)
    rounds, _, count = regret.shape
    ledger = TrackingLedger.open(regret[0], switches)
    for play, loss, awake in zip(*game, strict=True):
        ledger = ledger.add(play, np.where(awake, loss, np.nan), awake)
    best = np.full((2, switches + 1), -np.inf)
    for sequence in itertools.product(range(count), repeat=rounds):
        used = sum(a != b for a, b in itertools.pairwise(sequence))
        total = regret[np.arange(rounds), :, sequence].sum(0)
        best[:, used:] = np.maximum(best[:, used:], total[:, None])
    np.testing.assert_allclose(ledger.worst(), best, atol=1e-12)


def test_tracking_never_uses_an_expert_whose_loss_is_unknown() -> None:
    ledger = TrackingLedger.open(np.zeros(2), switches=2)
    for loss in ([1.0, 0.0], [0.5, np.nan], [1.0, 0.0]):
        ledger = ledger.add(np.asarray([1.0, 0.0]), np.asarray(loss))
    np.testing.assert_allclose(ledger.worst(), [0, 1, 2])  # stays; joins once; twice


def test_tracking_without_switches_is_the_ledger() -> None:
    rng = np.random.default_rng(0)
    plain, tracking = Ledger.open(np.zeros((2, 4))), TrackingLedger.open(np.zeros((2, 4)), 0)
    for _ in range(50):
        play, loss = rng.dirichlet(np.ones(4), 2), rng.random((2, 4))
        plain, tracking = plain.add(play, loss), tracking.add(play, loss)
    alive = np.ones((2, 4), dtype=bool)
    np.testing.assert_allclose(tracking.worst(), plain.worst(alive), rtol=1e-12)


@given(game=books(most_rounds=9), data=st.data())
def test_intervals_are_sums_of_their_rounds(game: Any, data: st.DataObject) -> None:
    regret = instant(*game)
    plays, losses, awake = game
    ledger = IntervalLedger.of(plays, np.where(awake, losses, np.nan), awake)
    stop = data.draw(st.integers(0, ledger.rounds))
    start = data.draw(st.integers(0, stop))
    np.testing.assert_allclose(ledger.between(start, stop), regret[start:stop].sum(0), atol=1e-12)
    dyadic = ledger.dyadic()
    assert len(dyadic) == ledger.rounds.bit_length()
    for j, row in enumerate(dyadic):
        size = 2**j
        starts = range(0, ledger.rounds - size + 1, size)
        expected = np.max([regret[a : a + size].sum(0).max(-1) for a in starts], axis=0)
        np.testing.assert_allclose(row, expected, atol=1e-12)
        sliding = [regret[a : a + size].sum(0).max(-1) for a in range(ledger.rounds - size + 1)]
        np.testing.assert_allclose(ledger.worst(size), np.max(sliding, axis=0), atol=1e-12)


def test_an_unknown_loss_spoils_only_the_intervals_that_hold_it() -> None:
    losses = np.asarray([[0.0, 1.0], [0.0, np.nan], [1.0, 0.0]])
    ledger = IntervalLedger.of(np.asarray([[1.0, 0.0]] * 3), losses)
    np.testing.assert_array_equal(ledger.between(0, 3), [0, np.nan])
    np.testing.assert_array_equal(ledger.between(2, 3), [0, 1])
    np.testing.assert_array_equal(ledger.dyadic(), [1, 0])


@given(game=books(), seed=st.integers(0, 2**32 - 1))
def test_a_late_loss_is_booked_for_the_play_of_its_own_round(game: Any, seed: int) -> None:
    """In any order of arrival the ledger ends as if nothing had been late."""
    regret = instant(*game).sum(0)
    late = Ledger.open(regret)
    for then in np.random.default_rng(seed).permutation(len(game[0])):
        late = late.add(*(part[then] for part in game))
    np.testing.assert_allclose(late.regret, regret, atol=1e-12)
    np.testing.assert_allclose(late.loss[..., 0], (game[0] * game[1]).sum((0, -1)), atol=1e-12)


@pytest.mark.parametrize("xp", [torch, array_api_strict], ids=["torch", "strict"])
@given(game=books())
def test_books_are_the_same_in_every_library(xp: Any, game: Any) -> None:
    theirs = [xp.asarray(part) for part in game]
    pairs: list[tuple[Any, Any]] = [
        (TrackingLedger.open(game[0][0], 2), TrackingLedger.open(theirs[0][0, ...], 2)),
        (Ledger.open(game[0][0]), Ledger.open(theirs[0][0, ...])),
    ]
    for ledger, other in pairs:
        for t in range(len(game[0])):
            ledger = ledger.add(*(part[t] for part in game))  # noqa: PLW2901
            other = other.add(*(part[t, ...] for part in theirs))  # noqa: PLW2901
        np.testing.assert_allclose(as_numpy(other.regret), ledger.regret, atol=1e-12)
    ours, others = IntervalLedger.of(*game), IntervalLedger.of(*theirs)
    np.testing.assert_allclose(as_numpy(others.dyadic()), ours.dyadic(), atol=1e-12)


def test_bad_questions_are_refused() -> None:
    with pytest.raises(ValueError, match=r"switches must be a whole number .*, got None"):
        TrackingLedger.open(np.zeros(2), switches=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"switches must be a whole number .*, got -1"):
        TrackingLedger.open(np.zeros(2), -1)
    ledger = IntervalLedger.of(np.zeros((3, 2)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"0 <= start <= stop <= 3, got start=2, stop=4"):
        ledger.between(2, 4)
    with pytest.raises(ValueError, match=r"length must lie in \[1, 3\], got 4"):
        ledger.worst(4)


def test_ledger_keeps_unknown_losses_out_of_the_player_s_account() -> None:
    ledger = Ledger.open(np.zeros(3))
    ledger = ledger.add(np.asarray([0.25, 0.75, 0.0]), np.asarray([1.0, 0.0, np.nan]))
    assert ledger.loss.tolist() == [0.25]
    np.testing.assert_array_equal(ledger.regret, [-0.75, 0.25, np.nan])
    assert ledger.worst(np.asarray([True, True, False])).tolist() == [0.25]


@given(game=hnp.arrays(np.float64, (6, 3), elements=st.integers(0, 4)))
def test_ledger_is_the_definition_of_regret(game: np.ndarray) -> None:
    plays = np.random.default_rng(0).dirichlet(np.ones(3), size=6)
    ledger = Ledger.open(game[0])
    for play, loss in zip(plays, game, strict=True):
        ledger = ledger.add(play, loss)
    regret = (plays * game).sum() - game.sum(0)
    np.testing.assert_allclose(ledger.regret, regret, atol=1e-12)
    np.testing.assert_allclose(ledger.worst(np.ones(3, dtype=bool)), regret.max(), atol=1e-12)


def test_a_wiped_out_expert_has_no_say_in_the_regret() -> None:
    """Its loss is not known any more; `worst` is over the others."""
    ledger = Ledger.open(np.zeros(3)).add(np.asarray([0.5, 0.5, 0]), np.asarray([0, 1, np.nan]))
    assert ledger.worst(np.asarray([True, True, False])).tolist() == [0.5]
