"""Log wealth: what a trace counts where losses are -ln of price relatives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import experts
from experts.environments import Given, Scaled, from_csv


def test_log_wealth_of_two_stocks(tmp_path: Path) -> None:
    """Loss -ln x and eta = 1: weights in proportion to wealth. (2, 1) twice: 1/2, then 2/3 of all
    in the first; 3/2 times 5/3 = 5/2, the mean of 4 and 1."""
    (tmp_path / "a.csv").write_text("2,1\n2,1\n")
    table = from_csv(tmp_path / "a.csv", kind="relatives")
    trace = experts.play(experts.hedge(eta=1), table, wealth=True)
    np.testing.assert_allclose(trace.weights[1, 0], [2 / 3, 1 / 3], rtol=1e-15)
    assert trace.log_wealth is not None
    np.testing.assert_allclose(np.exp(trace.log_wealth[:, 0]), [1.5, 2.5], rtol=1e-15)
    np.testing.assert_allclose(np.exp(-trace.best_loss[:, 0]), [2, 4], rtol=1e-15)
    scaled = experts.play(experts.hedge(eta=1), Scaled(table, 0.0, 1.0))
    np.testing.assert_allclose(scaled.weights[1, 0, 0], 1 / (1 + np.exp(-1)))


@given(
    data=st.lists(st.tuples(*[st.floats(-30, 30)] * 3), min_size=1, max_size=9),
    level=st.sampled_from([0.0, 2000.0, -2000.0]),
)
def test_hedge_with_eta_1_is_buy_and_hold(data: Any, level: float) -> None:
    """Its wealth is the mean of the experts': the factors sum_k X_{t,k} / sum_k X_{t-1,k}
    telescope. So it is behind by at most ln K, and by less than in linear losses. (No lead is over
    708 here: beyond, a weight is 0 or has few digits.)
    """
    losses = np.asarray(data) + level
    environment = Given(losses, relatives=True)
    trace = experts.play(experts.hedge(eta=1), environment, wealth=True, record_every=1)
    path = -losses.cumsum(0)
    wanted = np.logaddexp.reduce(path, axis=1) - np.log(3)
    assert trace.log_wealth is not None
    assert trace.certificate is not None
    np.testing.assert_allclose(trace.log_wealth[:, 0], wanted, rtol=1e-9, atol=1e-9)
    behind = -trace.best_loss - trace.log_wealth
    assert np.all(behind <= np.log(3) + 1e-8)
    assert np.all(behind <= trace.regret + 1e-8)


@given(data=st.lists(st.tuples(*[st.floats(-5, 5)] * 3), min_size=1, max_size=9))
def test_any_learner_s_log_wealth_is_that_of_its_weights(data: Any) -> None:
    environment = Given(np.asarray(data), relatives=True)
    trace = experts.play(experts.adahedge(), environment, wealth=True, seeds=2, record_every=1)
    growth = np.log((trace.weights * np.exp(-environment.losses)[:, None]).sum(-1))
    assert trace.log_wealth is not None
    np.testing.assert_allclose(trace.log_wealth, growth.cumsum(0), rtol=1e-9, atol=1e-12)


def test_log_wealth_of_a_bandit_and_of_a_saved_trace(tmp_path: Path) -> None:
    """All that one has is in the stock that was drawn."""
    losses = np.random.default_rng(0).normal(0, 0.01, (30, 3))
    environment = Given(losses, (-1.0, 1.0), relatives=True)
    options: dict[str, Any] = {"feedback": "bandit", "loss_interval": (-1, 1)}
    for engine in ("plain", "numba"):
        trace = experts.play(experts.exp3(), environment, wealth=True, engine=engine, **options)
        np.testing.assert_array_equal(trace.log_wealth, -trace.loss)
    trace.save(tmp_path / "trace")
    loaded = experts.Trace.load(tmp_path / "trace")
    np.testing.assert_array_equal(loaded.log_wealth, trace.log_wealth)
    assert "log_wealth" in loaded.to_pandas()
    assert experts.play(experts.exp3(), environment, **options).log_wealth is None


def test_log_wealth_is_counted_of_price_relatives_only() -> None:
    relatives = Given(np.zeros((3, 2)), (0.0, 1.0), relatives=True)
    for environment in (Given(np.zeros((3, 2))), Scaled(relatives, 0.0, 2.0)):
        with pytest.raises(ValueError, match="wealth=True needs losses -ln x of price relatives"):
            experts.play(experts.hedge(1.0), environment, wealth=True)
    with pytest.raises(ValueError, match=r"wealth=True needs .* with rewards=True"):
        experts.play(experts.hedge(1.0), relatives, wealth=True, rewards=True)
    for engine in ("scan", "numba"):
        with pytest.raises(ValueError, match=f"engine '{engine}' does not count log wealth"):
            experts.play(experts.hedge(1.0), relatives, wealth=True, engine=engine)
