"""A mistake is an error that names the argument, and leaves the model as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import experts
from experts.forecasting import OnlineAggregator, best_mixture
from tests.experts.forecasting.tables import gappy, walk

DATES = np.arange("2026-01-01", "2026-03-02", dtype="datetime64[D]")


@pytest.mark.parametrize(
    "parameters, problem",
    [
        ({"learner": "best"}, "learner must be a learner or one of"),
        ({"learner": "hedge"}, "pass experts.hedge"),
        ({"learner": "fixed_share"}, "pass experts.fixed_share"),
        ({"learner": "aggregating"}, "needs a loss of known mixability"),
        ({"learner": experts.boa}, "did you mean boa"),
        ({"loss": "rmse"}, "loss must be one of"),
        ({"loss": "pinball"}, "loss must be one of"),
        ({"loss": "pinball:90%"}, "must be pinball:LEVEL with a number"),
        ({"loss": "pinball:1.5"}, r"levels must lie in \(0, 1\)"),
        ({"levels": [0.5]}, "levels go with loss"),
        ({"combine": "affine"}, "combine must be one of"),
        ({"combine": "bounded", "radius": 1.0}, "radius must be a number above 1"),
        ({"combine": "nonnegative", "loss": "brier"}, "combine must be 'convex' for the loss"),
        ({"combine": "bounded", "loss": "log"}, "combine must be 'convex' for the loss 'log'"),
        ({"intercept": 1.0}, "intercept goes with combine='bounded'"),
        ({"unit": 2.0}, "unit must be None or 'auto'"),
        ({"classes": 3}, "classes go with loss 'log' or 'brier'"),
        ({"classes": 1, "loss": "log"}, "classes must be a whole number of at least 2"),
        ({"classes": 3, "levels": [0.5]}, "exclude each other"),
        ({"delay": -1}, "delay must be a whole number"),
        ({"classes": "3", "loss": "log"}, "classes must be a whole number of at least 2"),
        ({"classes": [2], "loss": "log"}, "classes must be a whole number of at least 2"),
        ({"classes": np.nan, "loss": "log"}, "classes must be a whole number of at least 2"),
        ({"levels": 0.5, "loss": "crps"}, "levels must be a list of numbers in"),
        ({"levels": "0.5", "loss": "crps"}, "levels must be a list of numbers in"),
        ({"levels": [None], "loss": "crps"}, "levels must be a list of numbers in"),
        ({"levels": [0.9, 0.1], "loss": "crps"}, "levels must rise"),
        ({"radius": "2"}, "radius must be a number, got '2'"),
        ({"combine": "bounded", "intercept": None}, "intercept must be a number, got None"),
        ({"combine": "bounded", "intercept": True}, "intercept must be a number, got True"),
        ({"gradient": "no"}, "gradient must be True or False, got 'no'"),
        ({"shared": 1}, "shared must be True or False"),
        ({"keep_history": None}, "keep_history must be True or False"),
        ({"delay": 10**30}, "delay must be a whole number"),
        ({"delay": 1.5}, "delay must be a whole number"),
        ({"group": "place"}, "group='place': there is no such column"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_mistakes_in_parameters(parameters: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        OnlineAggregator(**parameters).fit(*walk())


@pytest.mark.parametrize(
    "loss, forecast, observed, problem",
    [
        ("squared", np.inf, 1.0, "forecasts contains infinity at index"),
        ("squared", 1.0, np.inf, "y contains infinity at index"),
        ("log", -0.1, 1.0, "forecasts must be at least 0"),
        ("log", 0.5, 2.0, r"observed must lie in \[0, 1\]"),
        ("log", 1.5, 0.0, "log is not defined"),
        ("log", 0.0, 1.0, "log is infinite"),
        ("brier", 1.5, 0.0, r"forecasts must lie in \[0, 1\]"),
    ],
)
def test_mistakes_in_values(loss: str, forecast: float, observed: float, problem: str) -> None:
    """The model is as before."""
    model = OnlineAggregator(loss=loss).fit([[0.25, 0.5]], [1.0])
    before = model.weights_
    with pytest.raises(ValueError, match=problem):
        model.partial_fit([[0.5, 0.5], [0.5, forecast]], [1.0, observed])
    np.testing.assert_array_equal(model.weights_, before)
    assert model.history_.observed.tolist() == [1.0]


@pytest.mark.parametrize(
    "change, problem",
    [
        ({"X": np.zeros(3)}, "Reshape your data"),
        ({"X": np.zeros((0, 3))}, "0 sample"),
        ({"y": np.zeros(59)}, "inconsistent numbers of samples: 59 observations, 60 rows"),
        ({"y": np.zeros((60, 2))}, r"y must have the shape \(60,\)"),
        ({"y": None}, "y must be given"),
        ({"time": np.arange(60) % 7}, "time must not go back, but does after row 6"),
        ({"time": np.arange(59)}, "time has 59 rows, the forecasts have 60"),
        ({"time": np.arange(60), "available_at": DATES}, "both hold dates, or both numbers"),
        ({"available_at": DATES}, "both hold dates, or both numbers"),
        ({"time": np.full(60, np.nan)}, "time is missing in row 0"),
        ({"time": ["soon"] * 60}, "time must hold dates or numbers"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_mistakes_in_tables(change: dict[str, Any], problem: str) -> None:
    forecasts, observed = walk()
    with pytest.raises(ValueError, match=problem):
        OnlineAggregator().fit(**({"X": forecasts, "y": observed} | change))


def test_mistakes_in_frames() -> None:
    frame = pd.DataFrame({"when": ["1 May", "2 May"], "a": [1.0, 2.0], "b": [1.0, 3.0]})
    with pytest.raises(ValueError, match="column 'when' must hold numbers"):
        OnlineAggregator().fit(frame, [1.0, 2.0])
    dated = frame.assign(when=pd.date_range("2026-05-01", periods=2))
    with pytest.raises(ValueError, match="column 'when' holds dates: pass time='when'"):
        OnlineAggregator().fit(dated, [1.0, 2.0])
    with pytest.raises(ValueError, match="two columns called 'a'"):
        OnlineAggregator().fit(dated[["a", "a"]], [1.0, 2.0])
    model = OnlineAggregator(time="when").fit(dated, [1.0, 2.0])
    with pytest.raises(ValueError, match="column 'c' is no expert of this model"):
        model.predict(dated.assign(c=1.0))
    with pytest.raises(ValueError, match="older than what was fitted"):
        model.partial_fit(dated[:1], [1.0])
    with pytest.raises(ValueError, match="group 'south' was not fitted"):
        OnlineAggregator(group="g").fit(frame[["a"]].assign(g="north"), [1.0, 2.0]).predict(
            frame[["a"]].assign(g="south")
        )


def test_mistakes_between_calls() -> None:
    forecasts, observed = walk()
    model = OnlineAggregator().fit(forecasts, observed)
    with pytest.raises(ValueError, match="X has 2 features"):
        model.predict(forecasts[:, :2])
    with pytest.raises(ValueError, match="1 series and 1 levels as before, got 2 and 1"):
        model.partial_fit(np.stack([forecasts, forecasts], axis=1), np.zeros((60, 2)))
    rows = np.arange(60)
    with pytest.raises(ValueError, match="available_at must be given to all fits or to none"):
        model.partial_fit(forecasts, observed, available_at=rows)
    with pytest.raises(ValueError, match="group must be given in all calls or in none"):
        model.predict(forecasts, group=rows)
    timed = OnlineAggregator().fit(forecasts, observed, time=rows, available_at=rows)
    with pytest.raises(ValueError, match="available_at must be given to all fits or to none"):
        timed.partial_fit(forecasts, observed, time=rows + 60)
    with pytest.raises(ValueError, match="time must be given, as it was before"):
        timed.predict(forecasts)
    with pytest.raises(ValueError, match="time must be given to all fits or to none"):
        model.partial_fit(forecasts, observed, time=rows)
    dated = OnlineAggregator().fit(forecasts, observed, time=rows)
    with pytest.raises(ValueError, match="time must be given to all fits or to none"):
        dated.partial_fit(forecasts, observed)
    with pytest.raises(ValueError, match="no row with an observation and a forecast"):
        model.score(forecasts, np.full(60, np.nan))
    with pytest.raises(TypeError, match="sample_weight is no argument"):
        model.fit(forecasts, observed, sample_weight=observed)
    with pytest.raises(ValueError, match="available_at and delay=2 both say"):
        OnlineAggregator(delay=2).fit(forecasts, observed, available_at=np.arange(60))
    with pytest.raises(AttributeError, match="keep_history=True"):
        OnlineAggregator(keep_history=False).fit(forecasts, observed).history_  # noqa: B018
    with pytest.raises(ValueError, match="levels has 2, the forecasts' last axis has 1"):
        OnlineAggregator(loss="crps", levels=[0.1, 0.9]).fit(forecasts[..., None], observed)


@pytest.mark.parametrize(
    "loss, problem",
    [
        (lambda f, y: np.mean((f - y) ** 2), "loss must return a number for each forecast"),
        (lambda f, y: np.mean((f - y) ** 2, axis=1), "and not its mean, got float64"),
        (lambda f, y: None, "got object"),
        (((lambda f, y: (f - y) ** 2), (lambda f, y: 1.0)), "loss must return a number"),
        (lambda f, y: np.where(f > y, np.nan, (f - y) ** 2), "or no number, for forecasts"),
        (((lambda f, y: f * np.nan), (lambda f, y: f - y)), "or no number, for forecasts"),
    ],
    ids=["mean", "axis", "none", "slope", "nan", "nan-with-slope"],
)
def test_mistakes_in_losses_of_your_own(loss: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        OnlineAggregator(loss=loss).fit(*walk())


def test_mistakes_in_classes() -> None:
    forecasts = np.full((2, 3, 4), 0.25)
    model = OnlineAggregator(loss="brier", classes=4).fit(forecasts, [0.0, 3.0])
    with pytest.raises(ValueError, match="must add up to 1 over the classes"):
        model.partial_fit(forecasts * [1, 1, 1, 0.5], [0.0, 3.0])
    with pytest.raises(ValueError, match="observed must be numbers of classes, got"):
        model.partial_fit(forecasts, [0.0, 1.5])
    with pytest.raises(ValueError, match=r"observed must lie in \[0, 3\]"):
        model.partial_fit(forecasts, [0.0, 4.0])
    with pytest.raises(ValueError, match="classes are 3, the forecasts' last axis has 4"):
        OnlineAggregator(loss="log", classes=3).fit(forecasts, [0.0, 1.0])


def test_learners_for_which_newcomers_have_no_proof() -> None:
    forecasts, observed = walk()
    frame = pd.DataFrame(forecasts, columns=list("abc"))
    model = OnlineAggregator(experts.tsallis_inf()).fit(frame[["a", "b"]], observed)
    with pytest.raises(ValueError, match="give all columns to the first fit"):
        model.partial_fit(frame, observed)


def test_the_best_mixture_of_gaps_needs_a_rival() -> None:
    with pytest.raises(ValueError, match="pass combined"):
        best_mixture(*gappy())
