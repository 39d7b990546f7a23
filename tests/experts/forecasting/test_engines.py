"""The compiled engine plays what the plain loop plays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experts.forecasting import OnlineAggregator, game
from tests.experts.forecasting.tables import LEARNERS, TABLES

COMPILED = ("ml_poly", "ml_prod", "boa", "adahedge", "anytime_hedge", "hedge")
SETTINGS: dict[str, dict[str, Any]] = {
    "squared": {},
    "late": {"delay": 3, "loss": "absolute"},
    "levels": {"loss": "crps", "levels": [0.2, 0.7], "shared": True},
    "levels-apart": {"loss": "crps", "levels": [0.2, 0.7]},
    "losses": {"gradient": False},
    "hull": {"combine": "bounded", "intercept": 1.0},
}


def both(monkeypatch: Any, model: OnlineAggregator, *data: Any) -> tuple[Any, Any]:
    """Two fits in two parts each: by the plain loop, and compiled."""
    fits = []
    for worth in (10**9, 0):
        monkeypatch.setattr(game, "_WORTH_COMPILING", worth)
        copy = OnlineAggregator(**model.get_params())
        fits.append(copy.fit(*(x[:20] for x in data)).partial_fit(*(x[20:] for x in data)))
    return fits[0], fits[1]


def agree(plain: Any, fast: Any) -> None:
    for name in ("combined_", "weights_", "regret_", "certificate_"):
        np.testing.assert_allclose(
            getattr(fast, name), getattr(plain, name), rtol=1e-6, atol=1e-7, err_msg=name
        )
    assert [len(track.game.copies) for track in fast._fitted.tracks.values()] == [
        len(track.game.copies) for track in plain._fitted.tracks.values()
    ]


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("learner", COMPILED)
def test_the_same_game(learner: str, setting: dict[str, Any], monkeypatch: Any) -> None:
    for table in TABLES.values():
        forecasts, observed = table()
        if "levels" in setting:
            forecasts = np.stack([forecasts - 1, forecasts + 1], axis=-1)
        agree(
            *both(monkeypatch, OnlineAggregator(LEARNERS[learner], **setting), forecasts, observed)
        )


@pytest.mark.parametrize("loss", ["log", "brier"])
def test_the_same_probabilities(loss: str, monkeypatch: Any) -> None:
    rng = np.random.default_rng(0)
    forecasts = np.where(rng.random((60, 3)) < 0.2, np.nan, rng.uniform(0.01, 0.99, (60, 3)))
    observed = (rng.random(60) < 0.5).astype(float)
    for learner in ("aggregating", "boa"):
        agree(*both(monkeypatch, OnlineAggregator(learner, loss), forecasts, observed))


def test_the_same_series(monkeypatch: Any) -> None:
    tables = [table(seed=3) for table in TABLES.values()]
    forecasts, observed = (np.stack(part, axis=1) for part in zip(*tables, strict=True))
    agree(*both(monkeypatch, OnlineAggregator(delay=2), forecasts, observed))


@pytest.mark.parametrize("worth", [0, 10**9])
def test_an_infinite_loss_is_refused_as_well(worth: int, monkeypatch: Any) -> None:
    """Also if all forecasts are the same: inf - inf is no regret."""
    monkeypatch.setattr(game, "_WORTH_COMPILING", worth)
    with pytest.raises(ValueError, match="log is infinite"):
        OnlineAggregator(loss="log").fit([[0.5, 0.5], [0.0, 0.5]], [1.0, 1.0])
    for other in (1e160, 0.0, 1e160 * (1 + 1e-15)):
        with pytest.raises(ValueError, match="squared is infinite"):
            OnlineAggregator().fit([[1e160, other]], [0.0])


def test_most_games_are_worth_compiling() -> None:
    """Learners without a kernel are known by name."""
    engine = pytest.importorskip("experts.forecasting.compiled")
    made = {
        name: OnlineAggregator(learner).fit([[1.0]], [1.0])._fitted.setup.learner
        for name, learner in LEARNERS.items()
    }
    plain = {name for name, learner in made.items() if engine.code_of(learner) is None}
    assert plain == {"squint", "normal_hedge", "fixed_share", "optimistic_hedge"}
