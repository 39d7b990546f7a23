"""Every engine plays the games of the plain one, for every registered learner that it lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from games import Game, games
from hypothesis import given
from test_play import LEARNERS, assert_same

import experts
from experts.engines import Scan
from experts.environments import Bernoulli, Given

ENGINES = {"scan": Scan}


def pairs(bandit: bool) -> list[Any]:
    """(learner, engine) for all that an engine can run."""
    return [
        pytest.param(learner.values[0], name, id=f"{learner.id}-{name}")
        for learner in LEARNERS
        for name, engine in ENGINES.items()
        if engine().runs(learner.values[0], adaptive=False, bandit=bandit)
    ]


@pytest.mark.parametrize(("learner", "engine"), pairs(bandit=False))
@given(game=games())
def test_full_information_gives_the_plain_trace(learner: Any, engine: str, game: Game) -> None:
    options: dict[str, Any] = {"seeds": 2, "record_every": 3}
    plain = experts.play(learner, Given(game.loss), engine="plain", **options)
    assert_same(experts.play(learner, Given(game.loss), engine=engine, **options), plain, atol=1e-9)


@pytest.mark.parametrize("count", [1, 3, 100])
@pytest.mark.parametrize(
    "learner", [experts.hedge(0.02), experts.anytime_hedge(), experts.hedge(horizon=7000)]
)
@pytest.mark.parametrize("engine", list(ENGINES))
def test_long_games_cross_every_seam(learner: Any, count: int, engine: str) -> None:
    """Chunks, stretches and records have different lengths; several edges; many experts."""
    coins = Bernoulli(np.random.default_rng(0).random((3, count)))
    options: dict[str, Any] = {"rounds": 2_000, "seeds": 2, "record_every": 7}
    plain = experts.play(learner, coins, engine="plain", **options)
    assert_same(experts.play(learner, coins, engine=engine, **options), plain, atol=1e-8)


@pytest.mark.parametrize("engine", list(ENGINES))
@pytest.mark.parametrize("size", [1e-6, 1e6, 1e30])
def test_extreme_losses(engine: str, size: float) -> None:
    losses = (np.random.default_rng(0).random((200, 2, 5)) - 0.5) * size
    plain = experts.play(experts.hedge(0.5), Given(losses), engine="plain")
    fast = experts.play(experts.hedge(0.5), Given(losses), engine=engine)
    assert_same(fast, plain, atol=1e-9 * max(size, 1))


def test_auto_leaves_what_no_engine_lists_to_the_plain_one() -> None:
    assert experts.play(experts.adahedge(), Given(np.zeros((20_000, 2)))).engine == "plain"
    assert experts.play(experts.hedge(0.5), Given(np.zeros((9, 2)))).engine == "scan"
