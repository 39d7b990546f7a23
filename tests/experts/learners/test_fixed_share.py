"""Fixed Share: the rule as published, and its tracking bound by enumeration of all sequences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import experts
from experts import bounds
from experts.testing.games import OPPONENTS, Game, Opponent, games, rounds


@given(game=games(), eta=st.floats(0.1, 5), alpha=st.floats(0.01, 0.9))
def test_the_rule_as_published(game: Game, eta: float, alpha: float) -> None:
    game = Game(game.loss[:, :1], np.zeros_like(game.dead[:, :1]))
    count = game.loss.shape[-1]
    weight = np.full(count, 1 / count)
    for play, loss, _ in rounds(experts.fixed_share(eta, alpha), game):
        np.testing.assert_allclose(play[0], weight, rtol=1e-9)
        weight = weight * np.exp(-eta * loss[0])
        weight = (1 - alpha) * weight / weight.sum() + alpha / count


@pytest.mark.parametrize("opponent", OPPONENTS)
@given(
    game=games(most_rounds=7),
    eta=st.floats(0.1, 5),
    alpha=st.floats(0.01, 0.9),
    wiped=st.booleans(),
)
def test_tracking_bound_for_every_sequence(
    opponent: Opponent, game: Game, eta: float, alpha: float, wiped: bool
) -> None:
    loss, dead = game.loss[:, :1, :3], game.dead[:, :1, :3] & wiped
    learner = experts.fixed_share(eta, alpha)
    plays, met, states = zip(*rounds(learner, Game(loss, dead), opponent), strict=True)
    total, _, count = loss.shape
    suffered = sum(float(np.sum(p * x)) for p, x in zip(plays, met, strict=True))
    for path in itertools.product(range(count), repeat=total):
        if not all(s.alive[0, k] for s, k in zip(states, path, strict=True)):
            continue
        switches = sum(a != b for a, b in itertools.pairwise(path))
        regret = suffered - sum(float(x[0, k]) for x, k in zip(met, path, strict=True))
        certificate = float(learner.tracking(states[-1], switches)[0, 0])
        assert regret <= certificate + 1e-9
        if not wiped:
            assert certificate <= bounds.fixed_share(count, total, eta, alpha, switches) + 1e-9


@pytest.mark.parametrize(("eta", "alpha"), [(0, 0.1), (float("nan"), 0.1), (1, 0), (1, 1)])
def test_settings_out_of_range_are_refused(eta: float, alpha: float) -> None:
    with pytest.raises(ValueError, match=r"eta|alpha"):
        experts.fixed_share(eta, alpha)
