"""The best fixed mixture: no other is better."""

from __future__ import annotations

import numpy as np
import pytest

from experts.forecasting import OnlineAggregator, best_mixture
from experts.forecasting.losses import loss_of
from tests.experts.forecasting.tables import gappy, walk

LOSSES = ("squared", "absolute", "pinball:0.9")


@pytest.mark.parametrize("loss", LOSSES)
def test_no_other_mixture_is_better(loss: str) -> None:
    """Corners, and mixtures drawn at random and around the best."""
    forecasts, observed = walk()
    best = best_mixture(forecasts, observed, loss)
    value = loss_of(loss).value
    np.testing.assert_allclose(np.sum(value(forecasts @ best.weights, observed)), best.loss)
    assert best.advantage == -best.loss
    assert abs(best.gap) <= 1e-9 * best.loss
    rng = np.random.default_rng(0)
    near = best.weights + 0.01 * (rng.dirichlet(np.ones(3), 50) - best.weights)
    for weights in (*np.eye(3), *rng.dirichlet(np.ones(3), 50), *near):
        assert np.sum(value(forecasts @ weights, observed)) >= best.loss * (1 - 1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_no_other_has_a_larger_advantage_on_gaps(loss: str) -> None:
    forecasts, observed = gappy()
    combined = OnlineAggregator("boa", loss).fit_predict(forecasts, observed)
    best = best_mixture(forecasts, observed, loss, combined=combined)
    value = loss_of(loss).value
    counts = np.isfinite(observed) & np.isfinite(combined)
    x, y, ours = forecasts[counts], observed[counts], combined[counts]
    there = np.isfinite(x)
    rng = np.random.default_rng(0)
    for weights in (best.weights, *np.eye(3), *rng.dirichlet(np.ones(3), 100)):
        total = there @ weights
        mixed = np.where(there, x, 0.0) @ weights / np.where(total > 0, total, 1.0)
        advantage = np.sum(total * (value(ours, y) - value(mixed, y)), where=total > 0)
        if weights is best.weights:
            np.testing.assert_allclose(advantage, best.advantage)
        assert advantage <= best.advantage + 1e-6 * (1 + best.loss)


def test_log_loss() -> None:
    """The optimum's first-order condition: no forecast has a mean ratio above 1."""
    rng = np.random.default_rng(0)
    relatives = 1 + rng.normal(0, 0.1, size=(300, 4))
    best = best_mixture(relatives, np.ones(300), "log")
    ratios = (relatives / (relatives @ best.weights)[:, None]).mean(axis=0)
    assert (ratios <= 1 + 1e-6).all()
    np.testing.assert_allclose(ratios[best.weights > 1e-3], 1.0, atol=1e-5)
    assert best.gap < 1e-5


def test_quantiles_share_a_mixture() -> None:
    """One mixture for all levels is at best as good as one for each."""
    forecasts, observed = walk()
    levels = [0.2, 0.8]
    grid = np.stack([forecasts - 1, forecasts[:, ::-1] + 1], axis=-1)
    shared = best_mixture(grid, observed, "pinball", levels=levels)
    apart = [
        best_mixture(grid[..., q], observed, f"pinball:{level}").loss
        for q, level in enumerate(levels)
    ]
    assert shared.loss >= np.mean(apart) * (1 - 1e-9)
    mixed = np.einsum("tkq,k->tq", grid, shared.weights)
    value = loss_of("pinball", levels).value(mixed, observed[:, None])
    np.testing.assert_allclose(value.mean(axis=1).sum(), shared.loss)


@pytest.mark.parametrize("loss", ["squared", "absolute", "pinball:0.9"])
@pytest.mark.parametrize("unit", [2.0**-300, 2.0**-30, 2.0**30, 2.0**300])
def test_the_unit_of_the_data_is_irrelevant(loss: str, unit: float) -> None:
    forecasts, observed = walk()
    size = unit**2 if loss == "squared" else unit
    plain = best_mixture(forecasts, observed, loss)
    scaled = best_mixture(forecasts * unit, observed * unit, loss)
    assert scaled.loss / size == pytest.approx(plain.loss, rel=1e-6)
    assert scaled.gap / size <= 1e-6 * plain.loss


@pytest.mark.parametrize("loss", ["squared", "absolute", "log"])
def test_no_rows_that_count(loss: str) -> None:
    for forecasts, observed in (([[0.2, 0.5]], [np.nan]), ([[np.nan, np.nan]], [1.0])):
        model = OnlineAggregator(loss=loss).fit(forecasts, observed)
        assert model.mixture_regret_ == 0
        np.testing.assert_array_equal(best_mixture(forecasts, observed, loss).weights, 0.5)
    assert OnlineAggregator(combine="bounded").fit([[1.0]], [np.nan]).mixture_regret_ == 0
