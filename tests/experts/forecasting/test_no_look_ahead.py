"""The forecast of a row uses forecasts of that row, and observations that are available."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experts.forecasting import OnlineAggregator
from tests.experts.forecasting.tables import LEARNERS, gappy, walk

learners = pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)


@learners
@pytest.mark.parametrize("delay", [0, 3])
def test_later_rows_change_nothing(learner: Any, delay: int) -> None:
    """Forecasts from row t + 1 on, and observations from row t - delay on, are replaced."""
    forecasts, observed = gappy(rows=30)
    whole = OnlineAggregator(learner, delay=delay).fit_predict(forecasts, observed)
    for t in range(0, 30, 3):
        other, seen = forecasts.copy(), observed.copy()
        other[t + 1 :] = 1e3 - 7 * other[t + 1 :]
        seen[max(0, t - delay) :] = 5e3
        changed = OnlineAggregator(learner, delay=delay).fit_predict(other, seen)
        np.testing.assert_array_equal(changed[: t + 1], whole[: t + 1])


@learners
def test_an_observation_counts_as_soon_as_it_is_there(learner: Any) -> None:
    """Row t - delay - 1, the last one known in row t, matters."""
    forecasts, observed = walk(rows=30)
    whole = OnlineAggregator(learner, delay=3).fit_predict(forecasts, observed)
    seen = observed.copy()
    seen[9] += 50.0
    changed = OnlineAggregator(learner, delay=3).fit_predict(forecasts, seen)
    np.testing.assert_array_equal(changed[:13], whole[:13])
    assert not np.array_equal(changed[13:17], whole[13:17])


@pytest.mark.parametrize("learner", ["boa", "adahedge"])
def test_day_ahead(learner: str) -> None:
    """Observations of a day become known at 6 on the next one."""
    hours = np.arange(72)
    known = (hours // 24 + 1) * 24 + 6
    rng = np.random.default_rng(0)
    forecasts, observed = rng.normal(size=(72, 3)), rng.normal(size=72)
    model = OnlineAggregator(learner)
    whole = model.fit_predict(forecasts, observed, time=hours, available_at=known)
    for t in (5, 29, 30, 40, 53):
        seen = np.where(known <= t, observed, 99.0)
        changed = OnlineAggregator(learner).fit_predict(
            forecasts, seen, time=hours, available_at=known
        )
        np.testing.assert_array_equal(changed[: t + 1], whole[: t + 1])
        assert not np.array_equal(changed, whole)


@pytest.mark.parametrize("learner", ["boa", "fixed_share"])
@pytest.mark.parametrize("delay", [0, 1, 4])
def test_a_delay_is_a_time(learner: str, delay: int) -> None:
    forecasts, observed = gappy()
    rows = np.arange(len(observed))
    by_rows = OnlineAggregator(LEARNERS[learner], delay=delay)
    by_time = OnlineAggregator(LEARNERS[learner])
    np.testing.assert_array_equal(
        by_rows.fit_predict(forecasts, observed),
        by_time.fit_predict(forecasts, observed, time=rows, available_at=rows + delay + 1),
    )


def test_copies_are_learners_of_their_own() -> None:
    """With a delay of 2 rows, three learners see every third row each."""
    forecasts, observed = gappy()
    late = OnlineAggregator("boa", delay=2).fit_predict(forecasts, observed)
    for phase in range(3):
        alone = OnlineAggregator("boa").fit_predict(forecasts[phase::3], observed[phase::3])
        np.testing.assert_array_equal(late[phase::3], alone)


def test_as_many_copies_as_are_outstanding() -> None:
    forecasts, observed = gappy(rows=12)
    rows = np.arange(12)
    due = np.asarray([1, 2, 9, 9, 9, 9, 7, 9, 9, 10, 11, 12])
    model = OnlineAggregator("boa").fit(forecasts, observed, time=rows, available_at=due)
    waiting = [sum(due[s] > t for s in range(t)) for t in rows]
    game: Any = model._fitted.tracks[None].game
    assert len(game.copies) == max(waiting) + 1


@learners
@pytest.mark.parametrize("delay", [0, 3])
def test_predict_is_the_next_row(learner: Any, delay: int) -> None:
    """What `predict` says of the next rows is what `partial_fit` plays in them."""
    forecasts, observed = gappy()
    model = OnlineAggregator(learner, delay=delay).fit(forecasts[:40], observed[:40])
    ahead = model.predict(forecasts[40:])
    played = model.partial_fit(forecasts[40:], observed[40:]).combined_
    np.testing.assert_array_equal(ahead[: delay + 1], played[: delay + 1])
