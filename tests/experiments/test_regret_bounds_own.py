"""`regret_bounds.py --learner`: one's own learner plays as the registered ones do."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.image
import pytest
import regret_bounds
from studies.regret_bounds.matches import DETERMINED, DRAWN, Match, split, sweep
from studies.regret_bounds.own import own

from experts import REGISTRY, bounds

FILE = """
import experts

class Boaster:
    'Hedge with half of its certificate.'
    horizon, loss_interval, supports = None, None, frozenset()
    inner = experts.hedge(0.3)
    init, predict, update = inner.init, inner.predict, inner.update
    def certificate(self, state):
        return self.inner.certificate(state) / 2

@experts.register()
def tuned(horizon=10):
    return experts.hedge(horizon=horizon)

def bound(k, t):
    return experts.bounds.hedge_tuned(k, t)

def tight(k, t):
    return bound(k, t) / 9

hedge, number, fails = experts.hedge(0.5), 3, lambda: 1 / 0
"""
SIZES = ["--horizons", "8", "16", "--experts", "4", "--sweep", "2", "--sweep-horizon", "8"]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delitem(REGISTRY, "tuned", raising=False)
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


def run(learners: list[str], out: Path) -> list[dict[str, object]]:
    """Records of a tiny run."""
    options = ["--learner", *learners, *SIZES, "--budget", "1e-3", "--jobs", "1"]
    assert regret_bounds.command([*options, "--out", str(out)]) == 0
    records: list[dict[str, object]] = json.loads((out / "result.json").read_text())
    return records


def test_own_learners_play_every_opponent_beside_those_that_are_named(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run([f"{file}:tuned:bound", f"{file}:hedge", "adahedge"], tmp_path / "out")
    mine = [record for record in found if record["learner"] == "mine.py:tuned"]
    assert {record["learner"] for record in found} == {
        "mine.py:tuned", "mine.py:hedge", "adahedge()"
    }  # fmt: skip
    opponents = {name for group in (DRAWN, DETERMINED)
                 for name in Match(own(f"{file}:hedge"), group, 4, 8).opponents()}  # fmt: skip
    assert {record["opponent"] for record in mine} == opponents
    assert {record["horizon"] for record in mine} == {8, 16}
    for record in mine:
        k, t = record["experts"], record["horizon"]
        assert isinstance(k, int)
        assert isinstance(t, int)
        assert record["bound"] == bounds.hedge_tuned(k, t)
        assert record["violations"] == 0
    assert {r["holds"] for r in found if r["learner"] == "mine.py:hedge"} == {"certificate"}
    for name in ("growth", "tightness"):
        assert matplotlib.image.imread(tmp_path / "out" / f"{name}.png").std() > 0.05
    printed = capsys.readouterr().out
    assert "\nmine.py:tuned" in printed
    assert "worst losses for hedge" not in printed


@pytest.mark.parametrize("learner", ["Boaster", "tuned:tight"])
def test_a_wrong_certificate_or_bound_of_one_s_own_is_found_out(
    learner: str, file: Path, tmp_path: Path
) -> None:
    found = run([f"{file}:{learner}"], tmp_path / "out")
    assert any(record["violations"] for record in found)


def test_processes_load_the_file(file: Path) -> None:
    tasks = list(split(Match(own(f"{file}:tuned"), DRAWN, 3, 20), 300))
    (alone,) = sweep(tasks, None, 1).values()
    (others,) = sweep(tasks, "loky", 2).values()
    assert (others.regret == alone.regret).all()


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        ("nobody", "--learner must be FILE.py:NAME, FILE.py:NAME:BOUND or a name, got nobody"),
        ("nowhere.py:x", "--learner: there is no "),
        ("broken.py:x", "broken.py cannot be run: SyntaxError"),
        ("mine.py:nothing", "mine.py has no 'nothing'"),
        ("mine.py:number", "number of"),
        ("mine.py:number", "learner must be a learner, got int; it lacks certificate"),
        ("mine.py:fails", "division by zero"),
        ("mine.py:hedge:never", "mine.py has no 'never'"),
        ("mine.py:hedge:number", "number of"),
        ("mine.py:hedge:number", "must be a function (K, T)"),
    ],
)
def test_mistakes_are_explained(
    learner: str,
    message: str,
    file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "broken.py").write_text("1 +")
    monkeypatch.chdir(tmp_path)
    assert regret_bounds.command(["--learner", learner, "--out", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
