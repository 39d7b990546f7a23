"""The bounds experiment: it would find a bound that is wrong, and it plays the same everywhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
import regret_bounds
from studies.regret_bounds.claims import BOUNDS, DELTA, Contender, contenders
from studies.regret_bounds.matches import (
    COMPILED,
    DETERMINED,
    DRAWN,
    LEAST,
    Match,
    Outcomes,
    RealSequence,
    plan,
    split,
    sweep,
)
from studies.regret_bounds.verdicts import judge, records, summary
from studies.regret_bounds.worst_sequence import improve, played, search

import experts
from experts import REGISTRY, bounds
from experts.analysis.worst_case import two_experts
from experts.registry import Entry

HEDGE = Contender("hedge", (("horizon", 50),))
EXP3, IX = Contender("exp3", ()), Contender("exp3_ix", (("horizon", 50),))


def found(*matches: Match, seeds: int = 20, jobs: int = 1, backend: str | None = None) -> list[Any]:
    tasks = [task for match in matches for task in split(match, seeds)]
    results = sweep(tasks, backend, jobs)
    return [record for match, outcomes in results.items() for record in records(match, outcomes)]


def test_a_run_writes_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prices = np.exp(np.random.default_rng(0).normal(0, 0.01, (30, 3)))
    np.savetxt(tmp_path / "prices.csv", prices, delimiter=",")
    table = "day,y,a,b\n" + "\n".join(f"d{t},{t % 3},1,{t % 2}" for t in range(25))
    (tmp_path / "table.csv").write_text(table)
    sizes = ["--horizons", "8", "16", "--experts", "4", "--sweep", "2", "--sweep-horizon", "8"]
    sizes += ["--worst-horizon", "6", "--worst-experts", "3", "--steps", "3", "--budget", "1e-3"]
    real = ["--relatives", str(tmp_path / "prices.csv"), "--predictions"]
    real += [str(tmp_path / "table.csv"), "--target", "y", "--columns", "a", "b"]
    out = ["--jobs", "1", "--out", str(tmp_path / "out")]
    assert regret_bounds.command([*sizes, *real, *out]) == 0
    written = json.loads((tmp_path / "out" / "result.json").read_text())
    fixed = {"learner", "opponent", "horizon", "games", "violations", "worst_ratio"}
    assert all(fixed <= record.keys() for record in written)
    assert {record["learner"] for record in written} == {c.label for c in contenders()}
    assert {"price relatives", "predictions", "against the bound"} < {
        r["opponent"] for r in written
    }
    assert sum(record["violations"] for record in written) == 0
    assert max(record["worst_ratio"] for record in written) <= 1
    for name in ("growth", "tightness", "worst_sequence"):
        assert matplotlib.image.imread(tmp_path / "out" / f"{name}.png").std() > 0.05
    printed = capsys.readouterr().out
    assert "0 violations" in printed
    assert "K=2 exact 0." in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--experts", "1"], "numbers of experts must be at least 2"),
        (["--horizons", "0"], "at least 1"),
        (["--budget", "0"], "--budget must be a positive number, got 0"),
        (["--relatives", "nowhere.csv"], "nowhere.csv"),
        (["--relatives", "ragged.csv"], "line 2: 1 cells, expected 2"),
        (["--predictions", "ragged.csv"], "ragged.csv"),
    ],
)
def test_mistakes_are_explained(
    options: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ragged.csv").write_text("1,2\n3\n")
    assert regret_bounds.command([*options, "--out", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


def test_processes_play_the_same_games() -> None:
    matches = [Match(HEDGE, DRAWN, 3, 40), Match(EXP3, DETERMINED, 3, 20), Match(IX, DRAWN, 2, 300)]
    alone = found(*matches, seeds=300)
    assert found(*matches, seeds=300, backend="loky", jobs=2) == alone
    assert {record["games"] for record in alone} == {300}


def test_a_bound_that_is_too_small_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    match = Match(HEDGE, DETERMINED, 10, 200)
    assert sum(record["violations"] for record in found(match, seeds=1)) == 0
    right = bounds.hedge_tuned
    monkeypatch.setattr(bounds, "hedge_tuned", lambda k, t, b: 0.95 * right(k, t, b))
    wrong = {record["opponent"]: record["violations"] for record in found(match, seeds=1)}
    assert wrong["against the bound"] == 1
    assert sum(wrong.values()) == 1


@dataclass(frozen=True, slots=True)
class Boaster:
    """Hedge with a certificate that is half of the true one."""

    inner: Any
    horizon: None = None
    loss_interval: None = None
    supports: frozenset[str] = frozenset()

    def init(self, like: Any, *, prior: Any = None) -> Any:
        return self.inner.init(like, prior=prior)

    def predict(self, state: Any) -> Any:
        return self.inner.predict(state)

    def update(self, state: Any, play: Any, feedback: Any) -> Any:
        return self.inner.update(state, play, feedback)

    def certificate(self, state: Any) -> Any:
        return self.inner.certificate(state) / 2


def test_a_learner_without_an_entry_has_its_certificate_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = Entry("boaster", lambda: Boaster(experts.hedge(0.3)), ({},))
    monkeypatch.setitem(REGISTRY, "boaster", entry)
    new = [c for c in contenders() if c.name == "boaster"]
    assert [c.label for c in new] == ["boaster()"]
    assert new[0].bound(3, 10) is None
    judged = found(Match(new[0], DETERMINED, 3, 60), seeds=1)
    assert all(record["holds"] == "certificate" for record in judged)
    assert sum(record["violations"] for record in judged) > 0
    row = summary(judged, 3)[0]
    assert row["violations"] > 0
    assert row["worst_ratio"] > 1


def test_verdicts_count_what_they_say() -> None:
    full, bandit = Match(HEDGE, DRAWN, 2, 50), Match(IX, DRAWN, 2, 50)
    bound = bounds.hedge_tuned(2, 50)
    regret = np.asarray([0.5, 1.0, 1.1]) * bound
    record = judge(full, False, regret, np.full(3, 2 * bound), np.zeros((3, 2)))
    assert (record["games"], record["violations"]) == (3, 1)
    assert record["worst_ratio"] == pytest.approx(1.1)
    assert record["certificate_ratio"] == pytest.approx(0.55)
    assert judge(full, False, regret, regret - 1e-3, np.zeros((3, 2)))["violations"] == 3

    over = np.where(np.arange(1000) < 1000 * DELTA, 2.0, 0.5) * bounds.exp3_ix(2, 50, DELTA)
    as_said = judge(bandit, False, over, None, np.zeros((1000, 2)))
    assert as_said["violations"] == 50
    assert as_said["p_value"] > 0.4
    over[:100] = over[0]
    assert judge(bandit, False, over, None, np.zeros((1000, 2)))["p_value"] < 1e-6


def test_means_are_held_against_bounds_in_expectation() -> None:
    """Single games may exceed the bound; against an adaptive opponent one expert is compared."""
    match, bound = Match(EXP3, DRAWN, 2, 50), bounds.exp3_anytime(2, 50)
    noise = np.random.default_rng(0).normal(0, 0.5 * bound, 400)
    below = judge(match, False, 0.5 * bound + noise, None, np.zeros((400, 2)))
    assert below["violations"] == 0
    assert below["worst_ratio"] == pytest.approx(0.5, abs=0.1)
    assert below["worst_ratio"] < below["upper_ratio"] < 1
    assert judge(match, False, 1.2 * bound + noise, None, np.zeros((400, 2)))["violations"] == 1
    behind = np.stack([noise, 2 * bound + noise], axis=1)
    assert judge(match, True, 0 * noise, None, behind)["violations"] == 1
    assert judge(match, True, 9 * bound + noise, None, 0 * behind)["violations"] == 0


def test_every_entry_is_a_preset_and_reads_its_settings() -> None:
    assert BOUNDS.keys() <= REGISTRY.keys()
    labels = [c.label for c in contenders()]
    assert "hedge(horizon=T)" in labels
    assert len(set(labels)) == len(labels)
    assert Contender("anytime_hedge", (("loss_range", 4.0),)).losses == (0, 4)
    assert Contender("exponentiated_gradient", (("eta", 0.5),)).losses == (-1, 1)
    assert Contender("exponentiated_gradient", (("eta", 0.5),)).bound(2, 8) == bounds.hedge(
        2, 8, 0.5, 2
    )
    assert Contender("squint", ()).bound(2, 8) is None
    assert IX.bandit
    assert not HEDGE.bandit


def test_the_plan_is_what_the_options_say(tmp_path: Path) -> None:
    squint = Contender("squint", ())
    assert plan(Match(HEDGE, DRAWN, 10, 100)) == COMPILED // 100
    assert plan(Match(HEDGE, DRAWN, 10, 100_000)) == LEAST
    assert plan(Match(squint, DRAWN, 10, 100)) == 1000
    assert plan(Match(squint, DRAWN, 10, 100_000)) == 0
    assert plan(Match(squint, DETERMINED, 10, 100)) == 1
    assert plan(Match(EXP3, DETERMINED, 10, 1000)) == LEAST
    (tmp_path / "a.csv").write_text("\n".join("1,2" for _ in range(10)))
    source = RealSequence("twos", tmp_path / "a.csv", {"kind": "relatives"})
    assert source.windows(8).shape == (3, 2)
    record = found(Match(HEDGE, source, 2, 8), seeds=1)[0]
    assert record["games"] == 3


def test_the_search_comes_close_to_the_exact_worst_case() -> None:
    learner = experts.hedge(horizon=12)
    exact = two_experts(learner, 12)
    best = search(learner, 12, 2, restarts=8, steps=20)
    assert 0.97 * exact.value <= best.regret <= exact.value + 1e-9
    assert best.ascended <= best.regret
    assert best.regret == pytest.approx(float(played(learner, best.losses[None])[0]))
    losses, regret = improve(learner, exact.losses)
    assert regret == pytest.approx(exact.value)
    np.testing.assert_array_equal(losses, exact.losses)


def test_growth_is_fitted_on_the_worst_opponent() -> None:
    rows = [
        {"learner": "a", "opponent": name, "horizon": t, "experts": 2, "games": 1, "violations": 0,
         "worst_ratio": 0.5, "holds": "always", "mean_regret": c * t**power, "bound": 3 * t**0.5}
        for name, c, power in (("weak", 0.1, 0.9), ("strong", 2.0, 0.4))
        for t in (10, 100, 1000)
    ]  # fmt: skip
    row = summary(rows, 2)[0]
    assert row["regret ~ T^"] == pytest.approx(0.9)
    assert row["bound ~ T^"] == pytest.approx(0.5)
    assert summary([r | {"mean_regret": 0.0} for r in rows], 2)[0]["regret ~ T^"] is None


def test_games_are_put_together_in_the_order_of_their_seeds() -> None:
    match = Match(HEDGE, DRAWN, 2, 30)
    many = sweep(list(split(match, 260)), None, 1)[match]
    few = sweep(list(split(match, 3)), None, 1)[match]
    assert isinstance(many, Outcomes)
    assert many.regret.shape == (260, 7)
    np.testing.assert_allclose(many.regret[:3], few.regret)
