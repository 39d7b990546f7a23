"""Probabilities of several classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experts.forecasting import OnlineAggregator
from experts.forecasting.losses import loss_of


def forecasters(seed: int, count: int = 3) -> tuple[Any, Any]:
    """Four forecasters of `count` classes, the first of which knows most; some are silent."""
    rng = np.random.default_rng(seed)
    observed = rng.integers(count, size=150).astype(float)
    concentration = np.full((150, 4, count), 0.5)
    concentration[np.arange(150), 0, observed.astype(int)] += 2.0
    forecasts = rng.gamma(concentration) + 1e-6
    forecasts /= forecasts.sum(axis=-1, keepdims=True)
    forecasts[rng.random((150, 4)) < 0.2] = np.nan
    observed[::11] = np.nan
    return forecasts, observed


@pytest.mark.parametrize("loss", ["log", "brier"])
@pytest.mark.parametrize("seed", range(4))
def test_the_aggregating_algorithm_loses_at_most_ln_k(loss: str, seed: int) -> None:
    """Both losses are 1-mixable; the forecasts are distributions."""
    forecasts, observed = forecasters(seed)
    model = OnlineAggregator(loss=loss, classes=3).fit(forecasts, observed)
    assert (model.regret_ <= model.certificate_ + 1e-9).all()
    assert (model.certificate_ <= np.log(4) + 1e-9).all()
    assert model.regret_[0] > -np.log(4)
    spoken = model.combined_[np.isfinite(model.combined_[:, 0])]
    assert (spoken >= 0).all()
    np.testing.assert_allclose(spoken.sum(axis=1), 1.0)


@pytest.mark.parametrize("loss", ["log", "brier"])
def test_two_classes_are_an_event(loss: str) -> None:
    """The Brier loss of two classes is twice that of the event, with half its rate."""
    forecasts, observed = forecasters(0, count=2)
    both = OnlineAggregator(loss=loss, classes=2).fit(forecasts, observed)
    event = OnlineAggregator(loss=loss).fit(forecasts[..., 1], observed)
    np.testing.assert_allclose(both.combined_[:, 1], event.combined_, rtol=1e-9)
    times = 2.0 if loss == "brier" else 1.0
    np.testing.assert_allclose(both.regret_, times * event.regret_, rtol=1e-9)


@pytest.mark.parametrize("loss", ["log", "brier"])
def test_mixtures_of_distributions(loss: str) -> None:
    forecasts, observed = forecasters(1)
    model = OnlineAggregator("boa", loss, classes=3).fit(forecasts, observed)
    assert model.mixture_regret_ <= model.certificate_.max()
    assert model.weights_.shape == (4,)
    assert model.mixture_regret_ >= model.regret_.max() - 1e-6


def test_the_loss_is_what_it_is_called() -> None:
    forecasts, observed = forecasters(2)
    model = OnlineAggregator("boa", "log", classes=3).fit(forecasts, observed)
    counts = np.isfinite(observed) & np.isfinite(forecasts[:, 0, 0])
    rows, classes = np.flatnonzero(counts), observed[counts].astype(int)
    ours = -np.log(model.combined_[rows, classes])
    theirs = -np.log(forecasts[rows, 0, classes])
    np.testing.assert_allclose(model.regret_[0], np.sum(ours - theirs))
    assert loss_of("log").value(np.asarray(0.5), np.asarray(1.0)) == np.log(2)
