"""Every engine gives the plain engine's trace, for every registered learner that it runs."""

from __future__ import annotations

import importlib.util
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given
from scipy.optimize import brentq

import experts
from experts.environments import Bernoulli, Given
from experts.simulation.engines import compiled, kernels
from experts.simulation.engines.compiled import Numba
from experts.simulation.engines.scan import Scan
from experts.testing.games import Game, games
from tests.experts.simulation.test_play import BANDITS, LEARNERS, assert_same

ENGINES: dict[str, Any] = {"scan": Scan, "numba": Numba}


def pairs(bandit: bool) -> list[Any]:
    """All (learner, engine) that can be run."""
    return [
        pytest.param(case.values[0], name, id=f"{case.id}-{name}")
        for case in (BANDITS if bandit else LEARNERS)
        for name, engine in ENGINES.items()
        if engine().runs(case.values[0], adaptive=False, bandit=bandit)
    ]


@pytest.mark.parametrize(("learner", "engine"), pairs(bandit=False))
@given(game=games())
def test_full_information_gives_the_plain_trace(learner: Any, engine: str, game: Game) -> None:
    options: dict[str, Any] = {"seeds": 2, "record_every": 3}
    plain = experts.play(learner, Given(game.loss), engine="plain", **options)
    assert_same(experts.play(learner, Given(game.loss), engine=engine, **options), plain, atol=1e-9)


@pytest.mark.parametrize("count", [1, 3, 100])
@pytest.mark.parametrize(
    "learner", [experts.hedge(0.02), experts.anytime_hedge(), experts.hedge(horizon=7000)]
)
@pytest.mark.parametrize("engine", list(ENGINES))
def test_long_games_cross_every_seam(learner: Any, count: int, engine: str) -> None:
    """Chunks, stretches and records have different lengths; several edges; many experts."""
    coins = Bernoulli(np.random.default_rng(0).random((3, count)))
    options: dict[str, Any] = {"rounds": 2_000, "seeds": 2, "record_every": 7}
    plain = experts.play(learner, coins, engine="plain", **options)
    assert_same(experts.play(learner, coins, engine=engine, **options), plain, atol=1e-8)


@pytest.mark.parametrize("engine", list(ENGINES))
@pytest.mark.parametrize("size", [1e-6, 1e6, 1e30])
def test_extreme_losses(engine: str, size: float) -> None:
    losses = (np.random.default_rng(0).random((200, 2, 5)) - 0.5) * size
    plain = experts.play(experts.hedge(0.5), Given(losses), engine="plain")
    fast = experts.play(experts.hedge(0.5), Given(losses), engine=engine)
    assert_same(fast, plain, atol=1e-9 * max(size, 1))


@pytest.mark.parametrize(("learner", "engine"), pairs(bandit=True))
@given(game=games(most_rounds=9))
def test_short_bandit_games_give_the_plain_trace(learner: Any, engine: str, game: Game) -> None:
    """Short: importance weights make the game multiply a rounding error, by about 1 + eta / p
    whenever an expert of probability p is drawn. `test_long_bandit_games` looks further."""
    options: dict[str, Any] = {"seeds": 2, "record_every": 2, "feedback": "bandit"}
    plain = experts.play(learner, Given(game.loss), engine="plain", **options)
    fast = experts.play(learner, Given(game.loss), engine=engine, **options)
    same = np.isclose(fast.weights, plain.weights, atol=1e-6).all()
    # For a huge eta / p rounding makes the two games differ; then nothing is claimed.
    if same:
        assert_same(fast, plain, atol=1e-6)
    assert same or getattr(learner.rate, "eta", 0) > 100


@pytest.mark.parametrize(("learner", "engine"), pairs(bandit=True))
def test_long_bandit_games(learner: Any, engine: str) -> None:
    """Along the engine's own path, every prediction is the plain one."""
    rounds = learner.horizon or 3_000
    losses = np.random.default_rng(0).random((rounds, 3, 5))
    trace = experts.play(
        learner, Given(losses), record_every=1, seeds=2, feedback="bandit", engine=engine
    )
    suffered = np.diff(trace.loss, axis=0, prepend=0)[..., None]
    seen = np.abs(losses[:, None] - suffered) < 1e-9  # the losses are all different
    assert np.all(seen.sum(-1) == 1)
    state = learner.init(trace.weights[0])
    for loss, mask, play in zip(losses, seen, trace.weights, strict=True):
        np.testing.assert_allclose(learner.predict(state), play, atol=1e-9)
        revealed = np.where(mask, loss, np.nan)
        state = learner.update(state, play, experts.Feedback(revealed, mask, play))


@pytest.mark.parametrize("shift", [0.0, 0.5])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_tsallis_kernel_solves_its_equation(shift: float, count: int) -> None:
    """Zimmert & Seldin 2021: sum of 4 / (eta (L - x))**2 = 1, against bisection by scipy."""
    rounds = 500
    rng = np.random.default_rng(0)
    losses, uniforms = rng.random((rounds, 1, count)), rng.random((rounds, 1))
    t = np.arange(1.0, rounds + 1)
    scale = (np.sqrt(t) / (4 if shift else 2))[:, None]
    each = np.arange(rounds)
    kinds = (float, float, float, int, int, float)
    entries = [np.zeros((rounds, 1), dtype=kind) for kind in kinds]
    plays = np.zeros((rounds, 1, count))
    state = (np.zeros((1, count)), np.zeros((1, count)), np.zeros(1))
    number, whole = np.zeros(1), np.zeros(1, dtype=int)
    sums = (np.zeros((1, count)), number, number.copy(), whole - 1, whole)
    records = (each, each, *entries, plays)
    kernels.tsallis(losses, uniforms, scale, 0.0, shift, state, (0, 1), sums, records)
    estimate = np.zeros(count)
    for play, loss, uniform, s in zip(
        plays[:, 0], losses[:, 0], uniforms, scale[:, 0], strict=True
    ):
        np.testing.assert_allclose(play, tsallis_play(estimate, s), rtol=1e-9)
        base = np.where(play * s * s >= 1, shift, 0.0)
        seen = experts.draw(play, uniform)
        estimate += base + np.where(seen, (loss - base) / play, 0)


def tsallis_play(loss: np.ndarray, scale: float) -> np.ndarray:
    """By bisection on the multiplier."""
    low = loss.min()

    def excess(gap: float) -> float:
        return float(((2 * scale / (loss - low + gap)) ** 2).sum()) - 1

    most = 2 * scale * len(loss) ** 0.5
    gap = most if len(loss) == 1 else brentq(excess, 1.9 * scale, 1.1 * most, xtol=1e-14)
    return np.asarray((2 * scale / (loss - low + gap)) ** 2)


def test_the_kernels_exp_is_exp() -> None:
    x = np.concatenate([np.linspace(-708, 709, 20_001), -np.logspace(-300, 2, 2_000), [0.0]])
    np.testing.assert_array_max_ulp(np.asarray([kernels._exp(v) for v in x]), np.exp(x), 2)
    assert [kernels._exp(v) for v in (-709.0, -1e300)] == [0.0, 0.0]
    assert kernels._exp(1e300) > 1e307


def test_engines_agree_on_the_mean_over_many_bandit_games() -> None:
    coins = Bernoulli(np.linspace(0.3, 0.7, 5))
    options: dict[str, Any] = {"rounds": 2_000, "seeds": 200, "feedback": "bandit"}
    final = [
        experts.play(experts.exp3(0.05), coins, engine=engine, **options).regret[-1]
        for engine in ("plain", "numba")
    ]
    error = (final[0].var() / 200 + final[1].var() / 200) ** 0.5
    assert abs(final[0].mean() - final[1].mean()) < 3 * error


@pytest.mark.parametrize("sign", [-1, 1])
def test_bandit_weights_survive_losses_far_from_zero(sign: int) -> None:
    """Unchecked: no learner has a guarantee for such losses under bandit feedback."""
    losses = np.full((2_000, 3), 800.0 * sign) + np.random.default_rng(0).random((2_000, 3))
    options: dict[str, Any] = {"feedback": "bandit", "engine": "numba", "checks": False}
    trace = experts.play(experts.exp3(0.5), Given(losses), **options)
    np.testing.assert_allclose(trace.weights.sum(-1), 1, rtol=1e-9)
    assert np.isfinite(trace.regret).all()


@pytest.mark.parametrize("learner", [experts.hedge(0.02), experts.exp3(), experts.tsallis_inf()])
def test_threads_and_blocks_do_not_change_a_game(
    learner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """37 problems as one block, and in blocks of at most 3 on four threads."""
    coins = Bernoulli(np.random.default_rng(0).random((37, 40)))
    options: dict[str, Any] = {
        "rounds": 300, "seeds": 1, "engine": "numba",
        "feedback": "bandit" if learner.rate.bandit else "full",
    }  # fmt: skip
    monkeypatch.setattr(numba, "get_num_threads", lambda: 1)
    alone = experts.play(learner, coins, **options)
    monkeypatch.setattr(numba, "get_num_threads", lambda: 4)
    monkeypatch.setattr(compiled, "_CACHE", 120)
    monkeypatch.setattr(compiled, "_WORTH_THREADS", 0)
    together = experts.play(learner, coins, **options)
    for name in ("loss", "regret", "best", "switches", "total", "weights"):
        np.testing.assert_array_equal(getattr(together, name), getattr(alone, name))


def test_many_experts_are_drawn_as_by_draw() -> None:
    """Sums by sixteens; some experts have no weight, first and last ones too."""
    rng = np.random.default_rng(0)
    for count in (1, 2, 15, 16, 17, 33, 100):
        for _ in range(300):
            weights = rng.random((1, count)) * (rng.random((1, count)) < 0.7)
            weights[0, rng.integers(count)] = 1.0
            uniform = rng.choice([0.0, rng.random(), 1 - 2**-53])
            arm, total = kernels._drawn(weights, 0, np.empty(7), uniform)
            assert total == pytest.approx(weights.sum(), rel=1e-14)
            assert experts.draw(weights[0], np.asarray([uniform]))[arm]


def test_auto_leaves_what_no_engine_lists_to_the_plain_one() -> None:
    assert experts.play(experts.adahedge(), Given(np.zeros((20_000, 2)))).engine == "plain"
    assert experts.play(experts.hedge(0.5), Given(np.zeros((9, 2)))).engine == "scan"
    long = Given(np.zeros((20_000, 2)))
    assert experts.play(experts.hedge(0.5), long).engine == "numba"
    assert experts.play(experts.exp3(0.5), long, feedback="bandit").engine == "numba"


def test_without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    long = Given(np.zeros((20_000, 2)))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert experts.play(experts.hedge(0.5), long).engine == "scan"
    with pytest.raises(ValueError, match=r"pip install 'experts-xnas\[fast\]'"):
        experts.play(experts.hedge(0.5), long, engine="numba")


@pytest.mark.parametrize(
    "learner",
    [
        experts.exp3(),
        experts.exp3_ix(horizon=9),
        experts.tsallis_inf(),
        experts.tsallis_inf("reduced"),
    ],
    ids=["exp3", "exp3_ix", "tsallis_inf", "tsallis_inf_reduced"],
)
def test_bandits_are_compiled(learner: Any) -> None:
    """An engine that does not know a learner leaves it to the plain one, which is slow."""
    assert Numba().runs(learner, adaptive=False, bandit=True)


@pytest.mark.parametrize("engine", list(ENGINES))
def test_a_level_that_all_losses_share_changes_no_play(engine: str) -> None:
    losses = np.random.default_rng(0).integers(0, 2, (300, 2, 5)).astype(float)
    low = experts.play(experts.hedge(0.5), Given(losses), engine="plain")
    high = experts.play(experts.hedge(0.5), Given(losses + 1e9), engine=engine)
    np.testing.assert_allclose(high.weights, low.weights, atol=1e-12)
    assert high.certificate is not None
    assert low.certificate is not None
    np.testing.assert_allclose(high.certificate, low.certificate, atol=1e-9)
