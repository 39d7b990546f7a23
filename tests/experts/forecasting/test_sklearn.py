"""scikit-learn's own checks, its pipelines and its splits in time."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator

from experts.forecasting import OnlineAggregator
from tests.experts.forecasting.tables import walk

DIFFERENT = {
    "check_supervised_y_no_nan": "a missing observation changes nothing, it is no error",
    "check_supervised_y_2d": "y of the shape (n, 1) is taken without a warning",
    "check_array_api_input": "runs only with SCIPY_ARRAY_API set; numpy alone is promised",
}
CHECKS = "ignore:Estimator OnlineAggregator does not inherit:UserWarning"


@pytest.mark.filterwarnings(CHECKS)
def test_every_check_that_applies() -> None:
    names = set()
    for estimator, check in estimator_checks_generator(OnlineAggregator()):
        name = getattr(check, "func", check).__name__
        names.add(name)
        if name not in DIFFERENT:
            check(estimator)
    assert names > set(DIFFERENT)


def test_a_clone_has_the_parameters_alone() -> None:
    model = OnlineAggregator("boa", delay=3, levels=[0.5], loss="crps")
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert repr(copy) == "OnlineAggregator(learner='boa', loss='crps', levels=[0.5], delay=3)"
    assert copy.set_params(delay=4).delay == 4
    with pytest.raises(ValueError, match="Invalid parameter 'rate'"):
        copy.set_params(rate=1)


def test_before_fit() -> None:
    for name in ("weights_", "regret_", "certificate_", "history_", "mixture_regret_"):
        with pytest.raises(NotFittedError):
            getattr(OnlineAggregator(), name)
    with pytest.raises(NotFittedError):
        OnlineAggregator().predict([[1.0]])


def test_a_pipeline_and_splits_in_time() -> None:
    forecasts, observed = walk()
    pipeline = make_pipeline(FunctionTransformer(np.asarray), OnlineAggregator("boa"))
    scores = cross_val_score(pipeline, forecasts, observed, cv=TimeSeriesSplit(4))
    for score, (train, test) in zip(scores, TimeSeriesSplit(4).split(forecasts), strict=True):
        model = OnlineAggregator("boa").fit(forecasts[train], observed[train])
        loss = np.mean((model.predict(forecasts[test]) - observed[test]) ** 2)
        np.testing.assert_allclose(score, -loss)


def test_a_search_over_learners() -> None:
    forecasts, observed = walk()
    search = GridSearchCV(
        OnlineAggregator(), {"learner": ["boa", "adahedge"]}, cv=TimeSeriesSplit(3)
    ).fit(forecasts, observed)
    assert search.best_params_["learner"] in ("boa", "adahedge")
    assert search.best_estimator_.weights_.shape == (3,)
