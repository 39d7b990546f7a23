"""`OnlineAggregator`: gaps, series, levels, hulls, state, and figures that are known."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import experts
from experts.forecasting import OnlineAggregator
from tests.experts.forecasting.tables import LEARNERS, gappy, walk

learners = pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)


@learners
@pytest.mark.parametrize("loss", ["squared", "absolute", "pinball:0.9"])
def test_it_is_the_loop_that_a_user_would_write(learner: Any, loss: str) -> None:
    forecasts, observed = walk()
    made = learner if not isinstance(learner, str) else experts.REGISTRY[learner].make()
    slopes: dict[str, Any] = {
        "squared": lambda f, y: 2 * (f - y),
        "absolute": lambda f, y: np.sign(f - y),
        "pinball:0.9": lambda f, y: float(y < f) - 0.9,
    }
    player, expected = experts.Player(made, like=forecasts[0]), []
    for x, y in zip(forecasts, observed, strict=True):
        combined = player.predict() @ x
        expected.append(combined)
        player.update(slopes[loss](combined, y) * x)
    ours = OnlineAggregator(learner, loss).fit_predict(forecasts, observed)
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-9)


@learners
def test_a_gap_leaves_the_others_alone(learner: Any) -> None:
    """An expert that never speaks changes no combination, and has no regret."""
    forecasts, observed = walk()
    silent = np.concatenate([forecasts, np.full((len(observed), 1), np.nan)], axis=1)
    if learner == "ml_poly":  # the others count experts in their rates
        np.testing.assert_allclose(
            OnlineAggregator(learner).fit_predict(silent, observed),
            OnlineAggregator(learner).fit_predict(forecasts, observed),
        )
    model = OnlineAggregator(learner).fit(silent, observed)
    assert model.regret_[-1] == 0
    assert np.isfinite(model.weights_).all()


@learners
def test_nothing_known_changes_nothing(learner: Any) -> None:
    """Rows without an observation, or without a forecast, leave weights, regret and bound."""
    forecasts, observed = walk()
    model = OnlineAggregator(learner).fit(forecasts, observed)
    before = model.weights_, model.regret_, model.certificate_
    model.partial_fit(forecasts[:5], np.full(5, np.nan))
    assert np.isfinite(model.combined_).all()
    model.partial_fit(np.full((5, 3), np.nan), observed[:5])
    assert np.isnan(model.combined_).all()
    after = model.weights_, model.regret_, model.certificate_
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


@learners
@pytest.mark.parametrize("delay", [0, 3])
def test_parts_are_the_whole(learner: Any, delay: int) -> None:
    """Row by row, through pickle, as in one call."""
    forecasts, observed = gappy()
    whole = OnlineAggregator(learner, delay=delay).fit(forecasts, observed)
    parts = OnlineAggregator(learner, delay=delay)
    combined = []
    for first in range(0, 60, 7):
        rows = slice(first, first + 7)
        parts = pickle.loads(pickle.dumps(parts.partial_fit(forecasts[rows], observed[rows])))
        combined.append(parts.combined_)
    np.testing.assert_array_equal(np.concatenate(combined), whole.combined_)
    for name in ("weights_", "regret_", "certificate_"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    for one, other in zip(parts.history_, whole.history_, strict=True):
        np.testing.assert_array_equal(one, other)


@learners
@pytest.mark.parametrize("delay", [0, 3])
def test_series_side_by_side_are_as_alone(learner: Any, delay: int) -> None:
    one, two = gappy(seed=1), gappy(seed=2)
    forecasts, observed = (np.stack(pair, axis=1) for pair in zip(one, two, strict=True))
    model = OnlineAggregator(learner, delay=delay).fit(forecasts, observed)
    assert model.combined_.shape == (60, 2)
    for s, (x, y) in enumerate((one, two)):
        alone = OnlineAggregator(learner, delay=delay).fit(x, y)
        np.testing.assert_allclose(model.combined_[:, s], alone.combined_, rtol=1e-12)
        np.testing.assert_allclose(model.weights_[s], alone.weights_, rtol=1e-9)
        np.testing.assert_allclose(model.mixture_regret_[s], alone.mixture_regret_, rtol=1e-6)


@pytest.mark.parametrize("learner", ["ml_poly", "adahedge"])
def test_groups_in_one_table_are_as_alone(learner: str) -> None:
    """Rows of two places, mixed; one of them has fewer."""
    (x, y), (u, v) = gappy(seed=1), gappy(rows=40, seed=2)
    place = np.random.default_rng(0).permutation(np.repeat([0, 1], [60, 40]))
    forecasts, observed = np.empty((100, 3)), np.empty(100)
    for key, part in ((0, (x, y)), (1, (u, v))):
        forecasts[place == key], observed[place == key] = part
    model = OnlineAggregator(learner, delay=2)
    for rows in (slice(30), slice(30, 100)):
        model.partial_fit(forecasts[rows], observed[rows], group=place[rows])
    for key, part in enumerate(((x, y), (u, v))):
        alone = OnlineAggregator(learner, delay=2).fit(*part)
        own = model.history_.group == key
        np.testing.assert_array_equal(model.history_.combined[own], alone.combined_)
        np.testing.assert_array_equal(model.weights_[key], alone.weights_)
        np.testing.assert_allclose(model.mixture_regret_[key], alone.mixture_regret_)


@pytest.mark.parametrize("shared", [False, True])
def test_quantiles(shared: bool) -> None:
    """Sorting costs nothing: the total loss is at most that of the levels on their own."""
    levels = [0.1, 0.5, 0.9]
    forecasts, observed = gappy()
    grid = forecasts[..., None] + np.asarray([-1.0, 0.0, 1.0])
    model = OnlineAggregator("boa", "crps", levels=levels, shared=shared).fit(grid, observed)
    assert model.weights_.shape == ((3,) if shared else (3, 3))
    assert model.predict(grid[:2]).shape == (2, 3)
    combined = model.combined_[np.isfinite(model.combined_).all(axis=1)]
    assert (np.diff(combined, axis=1) >= 0).all()
    assert (model.regret_ <= model.certificate_).all()
    if shared:
        assert model.mixture_regret_ <= model.certificate_.max()
        return
    assert model.mixture_regret_ <= model.certificate_.max(axis=1).mean()
    alone = [
        OnlineAggregator("boa", f"pinball:{level}").fit_predict(grid[..., q], observed)
        for q, level in enumerate(levels)
    ]
    np.testing.assert_allclose(model.combined_, np.sort(np.stack(alone, axis=1), axis=1))


@pytest.mark.parametrize("combine", ["nonnegative", "bounded"])
@pytest.mark.parametrize("learner", ["ml_poly", "boa", "adahedge"])
def test_beyond_the_convex_hull(combine: str, learner: str) -> None:
    """All forecasts say 10 where 19 is right; the first combination is their mean."""
    forecasts = np.full((600, 2), 10.0)
    model = OnlineAggregator(learner, combine=combine).fit(forecasts, np.full(600, 19.0))
    np.testing.assert_allclose(model.combined_[0], 10.0)
    np.testing.assert_allclose(model.combined_[-1], 19.0, atol=0.2)
    np.testing.assert_allclose(model.weights_.sum() * 10, model.predict(forecasts[:1])[0])


def test_an_intercept_moves_what_no_multiple_can() -> None:
    """Forecasts of 0 where 3 is right."""
    zeros = np.zeros((800, 2))
    model = OnlineAggregator("boa", combine="bounded", intercept=4.0).fit(zeros, zeros[:, 0] + 3.0)
    np.testing.assert_allclose(model.combined_[0], 0.0, atol=1e-12)
    np.testing.assert_allclose(model.predict(zeros[:1]), 3.0, atol=0.1)
    np.testing.assert_allclose(model.intercept_, 3.0, atol=0.1)


def test_a_missing_forecast_does_not_shrink_a_linear_combination() -> None:
    forecasts = np.full((600, 2), 10.0)
    model = OnlineAggregator("boa", combine="nonnegative").fit(forecasts, np.full(600, 19.0))
    np.testing.assert_allclose(model.predict([[10.0, np.nan]]), model.predict([[10.0, 10.0]]))


def test_parameters_count_from_the_next_fit() -> None:
    """Those of the fit go on: what is changed in between leaves no hole in the history."""
    forecasts, observed = walk()
    model = OnlineAggregator("boa").fit(forecasts[:20], observed[:20])
    model.set_params(keep_history=False, loss="log", classes=3, time="t", delay=5)
    model.partial_fit(forecasts[20:], observed[20:])
    whole = OnlineAggregator("boa").fit(forecasts, observed)
    np.testing.assert_array_equal(model.predict(forecasts), whole.predict(forecasts))
    np.testing.assert_array_equal(model.history_.observed, observed)
    assert model.score(forecasts, observed) == whole.score(forecasts, observed)


def test_groups_have_names() -> None:
    forecasts, observed = walk(rows=4)
    model = OnlineAggregator().fit(forecasts, observed, group=["s", "n", "s", "n"])
    model.partial_fit(forecasts, observed, group=["e", "s", "s", "e"])
    assert model.groups_ == ["n", "s", "e"]
    alone = OnlineAggregator().fit(forecasts[[1, 3]], observed[[1, 3]])
    np.testing.assert_allclose(model.weights_[0], alone.weights_)
    assert alone.groups_ == []


def test_a_late_newcomer_takes_over() -> None:
    """It is right, the others are not: half way it comes, and has the weight soon."""
    pd = pytest.importorskip("pandas")
    forecasts, observed = walk(rows=300)
    frame = pd.DataFrame(forecasts, columns=["a", "b", "c"])
    model = OnlineAggregator("boa").fit(frame[:150], observed[:150])
    share = OnlineAggregator("boa").fit(frame[:1], observed[:1]).weights_[0]
    model.partial_fit(frame[150:].assign(new=observed[150:]), observed[150:])
    assert share < 0.5 < model.weights_[3]


def test_the_learner_that_is_chosen() -> None:
    """Late observations: one that takes them as they come; probabilities: Vovk's."""
    forecasts, observed = np.full((3, 2), 0.5), np.ones(3)
    for model, learner in (
        (OnlineAggregator(), experts.ml_poly()),
        (OnlineAggregator(delay=1), experts.adahedge()),
        (OnlineAggregator(loss="brier"), experts.hedge(eta=2.0)),
        (OnlineAggregator(loss="log", delay=1), experts.hedge(eta=1.0)),
        (OnlineAggregator(loss="log", classes=2), experts.hedge(eta=1.0)),
    ):
        table = np.full((3, 2, 2), 0.5) if model.classes else forecasts
        assert model.fit(table, observed)._fitted.setup.learner == learner


def test_a_users_loss_and_its_derivative() -> None:
    forecasts, observed = walk()
    known = OnlineAggregator("boa", "squared").fit_predict(forecasts, observed)
    given = OnlineAggregator("boa", (square, slope)).fit_predict(forecasts, observed)
    numeric = OnlineAggregator("boa", square).fit_predict(forecasts, observed)
    np.testing.assert_allclose(given, known)
    np.testing.assert_allclose(numeric, known, rtol=1e-5, atol=1e-6)


def square(f: Any, y: Any) -> Any:
    return (f - y) ** 2


def slope(f: Any, y: Any) -> Any:
    return 2 * (f - y)


def test_probabilities_of_the_log_loss_are_bayes_rule() -> None:
    """The aggregating algorithm with eta = 1 multiplies likelihoods."""
    rng = np.random.default_rng(0)
    forecasts = rng.random((50, 3))
    observed = (rng.random(50) < 0.5).astype(float)
    model = OnlineAggregator(loss="log").fit(forecasts, observed)
    happened = np.where(observed[:, None] == 1, forecasts, 1 - forecasts)
    likelihood = happened.prod(axis=0)
    np.testing.assert_allclose(model.weights_, likelihood / likelihood.sum(), rtol=1e-9)


def test_the_universal_portfolio_s_rival() -> None:
    """Exponentiated gradient on price relatives: its wealth, by a loop of one's own."""
    relatives = 1 + np.random.default_rng(0).normal(0, 0.05, size=(200, 5))
    weights, wealth = np.full(5, 0.2), 1.0
    for x in relatives:
        growth = weights @ x
        wealth *= growth
        weights = weights * np.exp(0.05 * x / growth)
        weights /= weights.sum()
    model = OnlineAggregator(experts.exponentiated_gradient(eta=0.05), "log")
    growths = model.fit_predict(relatives, np.ones(200))
    np.testing.assert_allclose(np.prod(growths), wealth)
