"""The ends of the number line: types, priors, sizes and levels of losses, orders of Tsallis."""

from __future__ import annotations

from typing import Any, NamedTuple

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import experts
from experts import (
    FTRL,
    Anytime,
    Euclidean,
    Feedback,
    Fixed,
    Gap,
    Ledger,
    LogBarrier,
    Player,
    Tsallis,
    Weighted,
)
from experts.environments import Given
from experts.simulation.engines.compiled import Numba
from experts.simulation.engines.scan import Scan
from tests.experts.test_laws import LEARNERS, every_learner

ENGINES: dict[str, Any] = {"scan": Scan, "numba": Numba}
DTYPES = [np.float32, np.float64]


class Hard(NamedTuple):
    """Losses (T, K) in one of the types, on a common level; the differences are exact."""

    loss: np.ndarray
    prior: np.ndarray  # (K,), down to the smallest normal number

    @property
    def above(self) -> np.ndarray:
        """Losses less each round's smallest, in float64."""
        exact = self.loss.astype(np.float64)
        return np.asarray(exact - exact.min(-1, keepdims=True))


@st.composite
def hard_games(draw: st.DrawFn, dtype: Any, most_rounds: int = 20) -> Hard:
    shape = draw(st.integers(1, most_rounds)), draw(st.integers(2, 5))
    info = np.finfo(dtype)
    unit = 2.0 ** draw(st.integers(-80, 60) if dtype is np.float32 else st.integers(-700, 700))
    level = 2.0 ** draw(st.sampled_from([0, info.nmant - 7]))
    often = st.sampled_from([0, 64]) if draw(st.booleans()) else st.integers(0, 64)
    count = draw(hnp.arrays(np.int64, shape, elements=often))
    low = draw(st.sampled_from([0, -7, -25, info.minexp * np.log10(2)]))
    powers = draw(hnp.arrays(np.float64, shape[1], elements=st.floats(low, 0)))
    powers[draw(st.integers(0, shape[1] - 1))] = 0
    prior = np.maximum(10.0**powers, info.smallest_normal * 2)
    prior = np.maximum(prior / prior.sum(), info.smallest_normal)
    return Hard(((count + level) * unit).astype(dtype), prior.astype(dtype))


def allowance(loss_range: float, certificate: np.ndarray, rounds: int, dtype: Any) -> np.ndarray:
    """What `Learner.certificate` allows for rounding: 64 eps T (B + certificate)."""
    return np.asarray(64 * np.finfo(dtype).eps * rounds * (loss_range + np.abs(certificate)))


def hold(learner: Any, game: Hard) -> None:
    """No certificate is nan or exceeded by more than the allowance."""
    dtype, count = game.loss.dtype.type, game.loss.shape[-1]
    rounds = min(len(game.loss), learner.horizon or len(game.loss))
    with np.errstate(over="ignore", under="ignore"):  # a certificate may be infinite
        state, regret = learner.init(game.loss[0], prior=game.prior), np.zeros(count)
        for t in range(rounds):
            play = learner.predict(state)
            assert play.dtype == dtype
            assert np.all(play >= 0)
            np.testing.assert_allclose(play.sum(-1), 1, rtol=64 * np.finfo(dtype).eps)
            state = learner.update(state, play, Feedback(game.loss[t]))
            above = game.above[t]
            regret = regret + (play.astype(np.float64) @ above / play.sum(dtype=float) - above)
            certificate = learner.certificate(state).astype(np.float64)
            size = game.above[: t + 1].max()
            assert np.all(regret <= certificate + allowance(size, certificate, t + 1, dtype))


@every_learner
@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_certificates_hold_for_priors_sizes_and_levels_of_any_order(
    learner: Any, dtype: Any, data: st.DataObject
) -> None:
    hold(learner, data.draw(hard_games(dtype)))


@st.composite
def orders(draw: st.DrawFn) -> float:
    """Orders of Tsallis in (0, 1), up to the last number before 1."""
    distance = draw(st.sampled_from([0.0]) | st.floats(1e-17, 0.5))
    near = float(np.nextafter(1 - distance, 0))
    return draw(st.sampled_from([near, max(1 - near, 1e-3)]))


@pytest.mark.parametrize("dtype", DTYPES)
@given(order=orders() | st.integers(1, 16).map(lambda n: 1 - 10.0**-n), data=st.data())
def test_certificates_hold_for_tsallis_of_any_order(
    dtype: Any, order: float, data: st.DataObject
) -> None:
    rates: list[Any] = [Fixed(1.0), Fixed(1e-6), Fixed(1e5), Anytime(), Gap()]
    rate = data.draw(st.sampled_from(rates))
    hold(FTRL(Tsallis(order), rate, Weighted()), data.draw(hard_games(dtype)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", [np.nextafter(1, 0), 1 - 1e-12, 1 - 1e-7])
def test_tsallis_goes_over_into_the_entropy(dtype: Any, order: float) -> None:
    """Order 1 - 1e-16 certified 0.747 for a regret of 1.357."""
    losses = np.random.default_rng(0).random((30, 4)).astype(dtype)
    prior = np.asarray([0.1, 0.2, 0.3, 0.4], dtype)
    ends = []
    for learner in (FTRL(Tsallis(order), Fixed(1.0), Weighted()), experts.hedge(1.0)):
        state = learner.init(losses[0], prior=prior)
        for loss in losses:
            state = learner.update(state, learner.predict(state), Feedback(loss))
        ends.append((learner.predict(state), learner.certificate(state)))
    rtol = 1e-5 if dtype is np.float32 else 1e-5 * min(1, (1 - order) * 1e7) + 1e-12
    np.testing.assert_allclose(ends[0][0], ends[1][0], rtol=rtol)
    np.testing.assert_allclose(ends[0][1], ends[1][1], rtol=rtol)


def test_a_weight_that_was_subnormal_comes_back() -> None:
    """nan for good: `after / before` was infinite. The regret of (0, 1) is 3e5 * p_1 - 1.4e5."""
    learner = FTRL(Tsallis(0.99), Fixed(1.0), Weighted())
    game = Hard(np.asarray([[0, 1.4e5], [3e5, 0], [0, 1]]), np.full(2, 0.5))
    hold(learner, game)


@pytest.mark.parametrize("kind", ["improper", "uniform"])
@pytest.mark.parametrize(("dtype", "tiny"), [(np.float64, 1e-25), (np.float32, 1e-12)])
def test_squint_pays_for_a_rare_expert(kind: str, dtype: Any, tiny: float) -> None:
    """The other expert's regret of -tiny was rounded to 0: regret 40, certificate 7.9."""
    game = Hard(np.tile(np.asarray([1, 0], dtype), (40, 1)), np.asarray([1, tiny], dtype))
    hold(experts.squint(kind), game)
    hold(experts.squint(kind, loss_range=1.0), game)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("eta", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("regularizer", [Euclidean(), LogBarrier(), Tsallis(), Tsallis(0.999)])
def test_a_hundred_thousand_experts_in_both_types(regularizer: Any, eta: float, dtype: Any) -> None:
    """The projection's multiplier was a running sum: certificate -1110 in float32."""
    count = 10**5
    loss = np.random.default_rng(0).integers(0, 65, (4, count)).astype(dtype) / 64
    learner = FTRL(regularizer, Fixed(eta), Weighted())
    hold(learner, Hard(loss, np.full(count, 1 / count, dtype)))
    state = learner.init(loss[0])
    for row in loss:
        state = learner.update(state, learner.predict(state), Feedback(row))
    reference = learner.init(loss[0].astype(float))
    for row in loss.astype(float):
        reference = learner.update(reference, learner.predict(reference), Feedback(row))
    rtol = 5e-3 if dtype is np.float32 else 1e-9
    found, exact = learner.certificate(state), learner.certificate(reference)
    np.testing.assert_allclose(found, exact, rtol=rtol)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [10, 999, 1000, 10**5])
@pytest.mark.parametrize("rate", [Fixed(1e-4), Fixed(0.01), Fixed(1.0), Anytime(), Gap()], ids=repr)
def test_one_good_expert_among_many_that_are_tied(rate: Any, count: int, dtype: Any) -> None:
    """The running sum of their points was off by more than a weight: a certificate of -35."""
    loss = np.ones((8, count), dtype)
    loss[:, 0] = 0
    learner = FTRL(Euclidean(), rate, Weighted())
    hold(learner, Hard(loss, np.full(count, 1 / count, dtype)))
    state, exact = learner.init(loss[0]), learner.init(loss[0].astype(float))
    for row in loss:
        state = learner.update(state, learner.predict(state), Feedback(row))
        exact = learner.update(exact, learner.predict(exact), Feedback(row.astype(float)))
        off = count * np.finfo(dtype).eps  # as much as the rounding of the K points adds up to
        np.testing.assert_allclose(learner.predict(state), learner.predict(exact), atol=off)
        np.testing.assert_allclose(state.gap, exact.gap, rtol=1e-2, atol=1e-5)


@pytest.mark.parametrize("engine", ["plain", *ENGINES])
@pytest.mark.parametrize("level", [0.0, -1e15, 2.0**50])
@pytest.mark.parametrize("learner", [experts.hedge(0.5), experts.anytime_hedge()])
def test_a_trace_keeps_the_regret_apart_from_a_common_level(
    learner: Any, level: float, engine: str
) -> None:
    """At 1e15 the regret of a trace exceeded its certificate by 2.7."""
    losses = np.random.default_rng(0).integers(0, 3, (300, 2, 4)).astype(float)
    plain = experts.play(learner, Given(losses), engine="plain")
    trace = experts.play(learner, Given(losses + level), engine=engine)
    assert trace.certificate is not None
    assert np.all(trace.regret <= trace.certificate + 1e-9)
    np.testing.assert_allclose(trace.regret, plain.regret, atol=1e-9)
    np.testing.assert_array_equal(trace.best, plain.best)
    np.testing.assert_array_equal(trace.switches, plain.switches)


@pytest.mark.parametrize("engine", ["plain", "numba"])
@pytest.mark.parametrize("learner", [experts.hedge(0.01), experts.exp3(0.01)])
def test_engines_agree_on_bandits_at_a_level(learner: Any, engine: str) -> None:
    losses = np.random.default_rng(0).integers(0, 2, (200, 3)).astype(float)
    if learner.loss_interval is None:
        losses += 1e6
    trace = experts.play(learner, Given(losses), engine=engine, feedback="bandit")
    best = (losses - losses.min(-1, keepdims=True)).sum(0).argmin()
    assert trace.best[-1, 0] == best
    drawn = trace.loss[-1, 0] - losses[:, best].sum()
    np.testing.assert_allclose(trace.regret[-1, 0], drawn, atol=1e-6)


@pytest.mark.parametrize("engine", list(ENGINES))
@given(data=st.data())
def test_fast_engines_keep_the_certificate(engine: str, data: st.DataObject) -> None:
    game = data.draw(hard_games(np.float64))
    learner = data.draw(st.sampled_from([experts.hedge(0.5), experts.anytime_hedge()]))
    trace = experts.play(learner, Given(game.loss), engine=engine, record_every=1)
    plain = experts.play(learner, Given(game.loss), engine="plain", record_every=1)
    assert trace.certificate is not None
    size = game.above.max()
    allowed = allowance(size, trace.certificate, len(game.loss), np.float64)
    assert np.all(trace.regret <= trace.certificate + allowed)
    np.testing.assert_allclose(trace.regret, plain.regret, rtol=1e-9, atol=1e-9 * max(size, 1e-300))


@given(data=st.data(), dtype=st.sampled_from(DTYPES))
def test_a_ledger_keeps_the_regret_apart_from_a_common_level(
    data: st.DataObject, dtype: Any
) -> None:
    game = data.draw(hard_games(dtype))
    play, ledger = game.prior, Ledger.open(game.loss[0])
    for loss in game.loss:
        ledger = ledger.add(play, loss)
    weight = play.astype(float) / play.sum(dtype=float)
    exact = (game.above @ weight)[:, None] - game.above
    rounding = 16 * len(exact) ** 2 * np.finfo(dtype).eps * game.above.max()
    np.testing.assert_allclose(ledger.regret, exact.sum(0), rtol=0, atol=rounding)


@pytest.mark.parametrize("case", LEARNERS)
def test_gradients_of_the_distribution_are_those_of_finite_differences(case: Any) -> None:
    """In torch, by autograd, after one and after three rounds; squint's and boa's were nan."""
    learner: Any = case
    base = torch.as_tensor(np.random.default_rng(1).random((3, 3)))
    direction = torch.as_tensor([1.0, 2.0, 5.0], dtype=base.dtype)

    def value(losses: torch.Tensor) -> Any:
        state = learner.init(base[0])
        for loss in losses:
            state = learner.update(state, learner.predict(state), Feedback(loss))
        return learner.predict(state) @ direction

    for rounds in (1, 3):
        losses = base[:rounds].clone().requires_grad_()
        (found,) = torch.autograd.grad(value(losses), losses)
        steps = 1e-6 * torch.eye(3 * rounds, dtype=base.dtype).reshape(-1, rounds, 3)
        exact = [float(value(base[:rounds] + s) - value(base[:rounds] - s)) / 2e-6 for s in steps]
        np.testing.assert_allclose(found.reshape(-1), exact, atol=1e-7)


@pytest.mark.parametrize("xp", [np, torch, array_api_strict], ids=["numpy", "torch", "strict"])
@pytest.mark.parametrize(
    ("dtype", "prior"), [("float32", 1e-40), ("float32", 1e-50), ("float64", 1e-310)]
)
def test_a_prior_that_the_type_cannot_hold_is_refused(xp: Any, dtype: str, prior: float) -> None:
    like = xp.zeros(2, dtype=getattr(xp, dtype))
    given = xp.asarray([1.0, prior], dtype=xp.float64)
    with pytest.raises(ValueError, match=r"prior must be 0 or at least .*, got .* at index \(1,\)"):
        Player(experts.hedge(0.5), like, prior=given)
    Player(experts.hedge(0.5), like, prior=xp.asarray([1.0, 0.0], dtype=xp.float64))


@pytest.mark.parametrize(
    ("dtype", "loss", "chance", "message"),
    [
        (np.float64, 1.0, 1e-310, "chance must be at least 2e-308, got 1e-310"),
        (np.float64, 1.0, 1e-300, r"chance must be at least \|loss\| / 2e\+296, got 1e-300"),
        (np.float32, 1.0, 1e-40, "chance must be at least 1e-38"),
        (np.float64, 1e300, 1.0, r"loss must not exceed 2e\+296, got 1e\+300"),
        (np.float32, -1e30, 1.0, r"loss must not exceed 3e\+26, got -1"),
    ],
)
def test_what_would_overflow_is_refused(
    dtype: Any, loss: float, chance: float, message: str
) -> None:
    player = Player(experts.hedge(0.5), np.zeros(2, dtype))
    seen = np.asarray([True, False])
    losses, chances = np.asarray([loss, np.nan], dtype), np.asarray([chance, 0], dtype)
    with pytest.raises(ValueError, match=message):
        player.update(losses, seen=seen, chance=chances)
    if abs(loss) > 1:
        with pytest.raises(ValueError, match=message):
            player.update(np.asarray([loss, 0], dtype))


def test_losses_that_would_overflow_are_refused_in_play() -> None:
    with pytest.raises(ValueError, match=r"loss must lie in \[-1\.6\d+e\+296, 1\.6.*got 1e\+300"):
        experts.play(experts.hedge(0.5), Given(np.asarray([[0.0, 1e300]])))


@every_learner
def test_half_precision_is_refused(learner: Any) -> None:
    for like in (np.zeros(2, np.float16), torch.zeros(2, dtype=torch.bfloat16)):
        with pytest.raises(ValueError, match=r"like must be float32 or float64, got .*float16"):
            Player(learner, like)
        with pytest.raises(ValueError, match="like must be float32 or float64"):
            learner.init(like)
