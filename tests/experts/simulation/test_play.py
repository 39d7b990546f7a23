"""`play`: its trace is right, bad input is refused, and memory does not grow with T."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, cast

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given

import experts
from experts import REGISTRY, Ledger, Trace, environments
from experts.environments import AgainstTheFavourite, Bernoulli, Given
from experts.testing.games import Game, games

LEARNERS = [
    pytest.param(entry.make(**example), id=f"{name}-{index}")
    for name, entry in REGISTRY.items()
    for index, example in enumerate(entry.examples)
]
BANDITS = [case for case in LEARNERS if cast(Any, case.values[0]).loss_interval is not None]
"""Those that state the losses that their bandit guarantee is for."""
COINS = Bernoulli(np.linspace(0.3, 0.7, 4))


def assert_same(one: Trace, other: Trace, atol: float = 0.0) -> None:
    """All fields but the engine's name are equal."""
    for f in fields(Trace):
        left, right = getattr(one, f.name), getattr(other, f.name)
        if f.name == "engine":
            continue
        if isinstance(left, np.ndarray) and left.dtype.kind == "f":
            np.testing.assert_allclose(left, right, err_msg=f.name, rtol=1e-9, atol=atol)
        else:
            np.testing.assert_array_equal(left, right, err_msg=f.name)


@pytest.mark.parametrize("learner", LEARNERS)
@given(game=games())
def test_a_trace_is_what_the_ledger_says(learner: Any, game: Game) -> None:
    trace = experts.play(learner, Given(game.loss), record_every=1, engine="plain")
    state, ledger = learner.init(game.loss[0]), Ledger.open(game.loss[0])
    everyone = np.ones(game.loss.shape[1:], dtype=bool)
    leaders = game.loss.cumsum(0).argmin(-1)
    for t, loss in enumerate(game.loss):
        play = learner.predict(state)
        state = learner.update(state, play, experts.Feedback(loss))
        ledger = ledger.add(play, loss)
        np.testing.assert_allclose(trace.loss[t, 0], ledger.loss[..., 0], atol=1e-12)
        np.testing.assert_allclose(trace.regret[t, 0], ledger.worst(everyone)[..., 0], atol=1e-12)
        np.testing.assert_array_equal(trace.best[t, 0], leaders[t])
        np.testing.assert_array_equal(trace.weights[t, 0], play)
    np.testing.assert_array_equal(trace.switches[-1, 0], (np.diff(leaders, axis=0) != 0).sum(0))
    np.testing.assert_allclose(trace.total[0], game.loss.sum(0), atol=1e-12)
    assert trace.certificate is not None
    assert np.all(trace.regret <= trace.certificate + 1e-9)


@pytest.mark.parametrize("feedback", ["full", "bandit"])
def test_a_seed_s_game_does_not_depend_on_its_company(feedback: str) -> None:
    learner = experts.exp3(0.1)
    many = experts.play(learner, COINS, rounds=300, seeds=5, feedback=feedback)
    alone = experts.play(learner, COINS, rounds=300, seeds=[3], feedback=feedback)
    np.testing.assert_allclose(many.loss[:, 3], alone.loss[:, 0])
    assert len(set(many.loss[-1])) > 1


def test_exp3_finds_the_best_arm() -> None:
    """eta = sqrt(2 ln K / (T K)): mean regret over seeds below Exp3's sqrt(2 T K ln K)."""
    arms, rounds = 4, 4000
    learner = experts.exp3((2 * np.log(arms) / (rounds * arms)) ** 0.5)
    trace = experts.play(learner, COINS, rounds=rounds, seeds=20, feedback="bandit")
    assert trace.certificate is None
    assert trace.regret[-1].mean() < (2 * rounds * arms * np.log(arms)) ** 0.5
    assert np.all(trace.weights[-1, :, 0] > 0.5)


def test_a_product_draws_one_expert_on_every_edge() -> None:
    """A drawn expert's loss is revealed on every edge: integer losses stay integers."""
    edges = Bernoulli(np.full((3, 4), 0.5))
    trace = experts.play(experts.exp3(0.1), edges, rounds=50, seeds=2, feedback="bandit")
    assert trace.loss.shape == (50, 2, 3)
    np.testing.assert_array_equal(trace.loss, np.round(trace.loss))
    assert trace.weights.shape == (50, 2, 3, 4)


def test_adaptive_losses_see_the_play() -> None:
    trace = experts.play(experts.hedge(0.1), AgainstTheFavourite(2), rounds=1, record_every=1)
    assert trace.loss.tolist() == [[1.0]]  # both are the favourite
    trace = experts.play(experts.hedge(0.1), AgainstTheFavourite(3), rounds=500, seeds=2)
    assert trace.certificate is not None
    assert np.all(trace.regret <= trace.certificate)
    assert np.all(trace.loss >= trace.rounds[:, None] / 3)


def test_memory_is_bounded_by_the_records() -> None:
    trace = experts.play(experts.hedge(0.1), COINS, rounds=20_001)
    assert len(trace.rounds) <= 1000
    assert trace.rounds[-1] == 20_001
    wide = Given(np.zeros((1000, 10_000)))
    assert experts.play(experts.hedge(0.1), wide).weights.size <= 2**22 + 10_000


def test_a_saved_trace_loads_and_becomes_a_data_frame(tmp_path: Path) -> None:
    for feedback in ("full", "bandit"):
        trace = experts.play(experts.exp3(0.1), COINS, rounds=30, seeds=3, feedback=feedback)
        trace.save(tmp_path / "game")
        loaded = Trace.load(tmp_path / "game")
        assert_same(loaded, trace)
        assert loaded.engine == trace.engine
        frame = loaded.to_pandas()
        assert len(frame) == 90
        assert ("certificate" in frame) == (feedback == "full")
        at = frame[(frame["round"] == 17) & (frame["seed"] == 2)]
        assert at["regret"].item() == trace.regret[16, 2]
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match="not a saved Trace"):
        Trace.load(tmp_path / "other.npz")


def test_missing_extras_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = experts.play(experts.hedge(0.1), COINS, rounds=3)
    for module in ("pandas", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match="pip install pandas"):
        trace.to_pandas()
    with pytest.raises(ImportError, match="pip install matplotlib"):
        trace.plot()


@pytest.mark.parametrize("feedback", ["full", "bandit"])
def test_a_plot_draws(feedback: str, tmp_path: Path) -> None:
    coins = Bernoulli(np.full((2, 14), 0.5))
    trace = experts.play(experts.exp3(0.1), coins, rounds=50, seeds=3, feedback=feedback)
    trace.plot(lambda t: experts.bounds.hedge(14, t, 0.1)).savefig(tmp_path / "plot.png")
    assert matplotlib.image.imread(tmp_path / "plot.png").std() > 0.05


@dataclass(frozen=True)
class Broken:
    """An environment with bad losses from the fourth round on."""

    value: float
    shape: tuple[int, ...] = (2,)
    actual: tuple[int, ...] = (2,)
    adaptive: bool = False
    horizon: ClassVar[int | None] = None
    loss_interval: tuple[float, float] | None = (0.0, 1.0)

    def start(self, generators: Any) -> Any:
        count = 0

        def following(rounds: int) -> Any:
            losses = np.zeros((rounds, len(generators), *self.actual))
            losses[3:, -1, -1] = self.value
            return losses

        def answer(play: Any) -> Any:
            nonlocal count
            count += 1
            loss = np.zeros((len(generators), *self.actual))
            loss[-1, -1] = self.value if count > 3 else 0.0
            return loss

        return answer if self.adaptive else following


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "must be finite, got nan"),
        (-float("inf"), "must be finite, got -inf"),
        (1.5, r"must lie in \[0.0, 1.0\], got 1.5"),
    ],
)
def test_bad_losses_are_refused(adaptive: bool, value: float, message: str) -> None:
    broken = Broken(value, adaptive=adaptive)
    with pytest.raises(ValueError, match=message + r" in round 4, at index \(1, 1\)"):
        experts.play(experts.hedge(0.1), broken, rounds=9, seeds=2)
    if np.isfinite(value):
        experts.play(experts.hedge(0.1), broken, rounds=9, seeds=2, checks=False)


@pytest.mark.parametrize("adaptive", [False, True])
def test_losses_of_another_shape_are_refused(adaptive: bool) -> None:
    broken = Broken(0.0, actual=(3,), adaptive=adaptive)
    with pytest.raises(ValueError, match=r"shape \(1, 3\), expected \(1, 2\)"):
        experts.play(experts.hedge(0.1), broken, rounds=9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rounds": 0}, "rounds must be a whole number of at least 1, got 0"),
        ({"rounds": None}, "rounds is needed"),
        ({"seeds": 2.5}, r"seeds must be a number or a list of integers >= 0, got 2.5"),
        ({"seeds": [-1]}, r"seeds must be a number or a list of integers >= 0, got \[-1\]"),
        ({"seeds": 0}, "seeds must be a whole number of at least 1, got 0"),
        ({"feedback": "semi"}, "feedback must be 'full' or 'bandit', got 'semi'"),
        ({"engine": "warp"}, "engine must be one of auto, plain, scan, numba, turns; got 'warp'"),
        (
            {"learner": experts.exp3(), "engine": "scan", "feedback": "bandit"},
            "engine 'scan' cannot run .* bandit feedback",
        ),
        ({"record_every": 0}, "record_every must be a whole number of at least 1, got 0"),
        ({"learner": experts.hedge(horizon=5)}, "rounds = 9 exceeds the learner's horizon of 5"),
        ({"environment": Given(np.zeros((5, 2)))}, "rounds = 9 exceeds the environment's horizon"),
        ({"learner": experts.ml_poly(), "feedback": "bandit"}, "only: full, sleeping"),
    ],
)
def test_bad_arguments_are_refused(options: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"learner": experts.hedge(0.1), "environment": COINS, "rounds": 9}
    with pytest.raises(ValueError, match=message):
        experts.play(**(good | options))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Given(np.zeros(3)), r"losses must have shape \(T, ..., K\).*got \(3,\)"),
        (lambda: Bernoulli([0.5, 1.5]), r"means must be numbers in \[0, 1\].*1.5"),
        (lambda: AgainstTheFavourite(0), "experts must be a whole number of at least 1, got 0"),
    ],
)
def test_environments_are_checked(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_progress_bar_on_long_games_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["experts.simulation.play"], "_BAR_DELAY", 0.0)
    losses = Given(np.zeros((300_000, 20)))
    quick = experts.hedge(0.1)
    experts.play(quick, losses, progress=False)
    experts.play(quick, losses, rounds=100)
    assert not capsys.readouterr().err
    experts.play(quick, losses)
    assert "300k" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tqdm", None)
    experts.play(quick, losses)
    assert not capsys.readouterr().err


def test_environments_are_public() -> None:
    assert experts.environments is environments
