"""The regret is at most the certificate: in every table, late or not, with newcomers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from experts.forecasting import OnlineAggregator, best_mixture
from tests.experts.forecasting.tables import LEARNERS, TABLES, allowance, walk

learners = pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
tables = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


def check(model: Any, *, mixtures: bool = True) -> None:
    assert (model.regret_ <= model.certificate_ + allowance(model)).all()
    if mixtures and model.gradient:
        rows = model.history_
        best = best_mixture(rows.forecasts, rows.observed, model.loss, combined=rows.combined)
        rounding = 1e-9 * (1 + abs(best.loss)) + best.gap
        assert best.advantage <= best.weights @ model.certificate_ + rounding


@learners
@tables
@pytest.mark.parametrize("loss", ["squared", "pinball:0.8"])
def test_regret_to_experts_and_mixtures(learner: Any, table: Any, loss: str) -> None:
    for seed in range(2):
        check(OnlineAggregator(learner, loss).fit(*table(seed=seed)))


@learners
@tables
def test_regret_without_the_gradient_trick(learner: Any, table: Any) -> None:
    check(OnlineAggregator(learner, "absolute", gradient=False).fit(*table()))


@learners
@tables
def test_regret_of_late_observations(learner: Any, table: Any) -> None:
    """The last rows have not come: what is not known counts nowhere."""
    forecasts, observed = table()
    model = OnlineAggregator(learner, "absolute", delay=4).fit(forecasts, observed)
    assert (model.regret_ <= model.certificate_ + allowance(model)).all()
    known = len(observed) - 4
    counts = np.isfinite(observed[:known]) & np.isfinite(model.combined_[:known])
    ours = np.abs(model.combined_ - observed)[:known]
    theirs = np.abs(forecasts - observed[:, None])[:known]
    there = np.isfinite(theirs) & counts[:, None]
    expected = np.where(there, ours[:, None] - theirs, 0.0).sum(axis=0)
    np.testing.assert_allclose(model.regret_, expected, rtol=1e-9, atol=1e-9)


@learners
@tables
@pytest.mark.parametrize("delay", [0, 4])
def test_regret_with_newcomers(learner: Any, table: Any, delay: int) -> None:
    """Columns come one after the other, and two at once; also while observations are late."""
    forecasts, observed = table(rows=80, count=5)
    frame = pd.DataFrame(forecasts, columns=list("abcde"))
    model = OnlineAggregator(learner, delay=delay)
    for rows, columns in ((20, "ab"), (25, "abc"), (50, "cab"), (80, "dabce")):
        done = model.history_.observed.size if model.__sklearn_is_fitted__() else 0
        model.partial_fit(frame[list(columns)][done:rows], observed[done:rows])
        check(model, mixtures=not delay)
    assert model.experts_ == ["a", "b", "c", "d", "e"]


@tables
@pytest.mark.parametrize("delay", [0, 4])
def test_regret_with_a_unit_that_is_learned(table: Any, delay: int) -> None:
    """With a newcomer in between; the unit is at least half of the largest range."""
    forecasts, observed = table(rows=80)
    frame = pd.DataFrame(1e3 * forecasts, columns=list("abc"))
    for learner in (LEARNERS["fixed_share"], "anytime_hedge", "boa"):
        model = OnlineAggregator(learner, unit="auto", delay=delay)
        model.fit(frame[["a", "b"]][:30], 1e3 * observed[:30])
        model.partial_fit(frame[30:], 1e3 * observed[30:])
        assert (model.regret_ <= model.certificate_ + allowance(model)).all()
        game: Any = model._fitted.tracks[None].game
        assert 1e3 < game.copies[0].unit.item() == 2 ** round(np.log2(game.copies[0].unit.item()))


def test_a_learned_unit_makes_the_unit_of_the_data_irrelevant() -> None:
    forecasts, observed = walk()
    one, other = (
        OnlineAggregator(LEARNERS["fixed_share"], unit="auto").fit(
            size * forecasts, size * observed
        )
        for size in (1.0, 2.0**10)
    )
    np.testing.assert_allclose(other.combined_, 2.0**10 * one.combined_)
    np.testing.assert_allclose(other.certificate_, 2.0**20 * one.certificate_)


@pytest.mark.parametrize("loss", ["log", "brier"])
@pytest.mark.parametrize("late", [0, 3])
def test_the_aggregating_algorithm_loses_a_constant(loss: str, late: int) -> None:
    """ln K / eta, whatever happens and who sleeps; late, the more the further it lags behind."""
    eta = {"log": 1.0, "brier": 2.0}[loss]
    for seed in range(5):
        rng = np.random.default_rng(seed)
        forecasts = rng.beta(0.5, 0.5, size=(200, 4)).clip(1e-6, 1 - 1e-6)
        observed = (rng.random(200) < forecasts[:, seed % 4]).astype(float)
        forecasts[rng.random(forecasts.shape) < 0.2] = np.nan
        model = OnlineAggregator("aggregating", loss, delay=late).fit(forecasts, observed)
        assert (model.regret_ <= model.certificate_ + 1e-9).all()
        if not late:
            assert (model.certificate_ <= np.log(4) / eta + 1e-9).all()
            assert model.regret_.max() > -np.log(4) / eta  # it competes


@pytest.mark.parametrize("combine", ["nonnegative", "bounded"])
def test_regret_in_other_hulls(combine: str) -> None:
    """Against random combinations in the hull, and against its corners."""
    forecasts, observed = walk(rows=80)
    size = 2.0 if combine == "bounded" else 0.0
    model = OnlineAggregator("boa", combine=combine, radius=3.0, intercept=size)
    model.fit(forecasts, observed)
    assert (model.regret_ <= model.certificate_ + allowance(model)).all()
    ours = np.sum((model.combined_ - observed) ** 2)
    signs = [1, -1] if combine == "bounded" else [1]
    rng = np.random.default_rng(0)
    for _ in range(200):
        mixture = rng.dirichlet(np.full(4, 0.5)) * rng.choice(signs, size=4) * 3 * rng.random()
        constant = mixture[3] * size
        theirs = np.sum((forecasts @ mixture[:3] + constant - observed) ** 2)
        assert ours - theirs <= model.certificate_.max() * (1 + 1e-9)
