"""The comparison with Optuna's samplers: its studies, its figures, the command."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import black_box
import numpy as np
import pytest
from optuna.samplers import RandomSampler
from optuna.trial import FixedTrial
from scipy.stats import binom
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from studies.black_box.pictures import median_interval
from studies.black_box.problems import PIPELINES, features, operations, pipelines
from studies.black_box.searches import SAMPLERS, saved_search, search
from studies.nasbench201.table import ARCHITECTURES, CHOICES, EDGES, SIZE

from tests.experiments.programs import check_refused


def test_the_operations_are_those_of_the_table() -> None:
    problem = operations(np.arange(SIZE), -np.arange(SIZE), EDGES, CHOICES)
    for code in (0, 1, 7777, SIZE - 1):
        trial = FixedTrial({f"edge{e}": int(o) for e, o in enumerate(ARCHITECTURES[code])})
        assert problem(trial) == (code, -code)


def test_every_pipeline_of_the_table_is_a_point_of_its_study() -> None:
    with gzip.open(PIPELINES, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1932
    options = {
        name: list(dict.fromkeys(row[name] for row in rows if row[name])) for name in rows[0]
    }
    problem = pipelines()
    for row in rows:
        outcome = float(row.pop("valid")), float(row.pop("test"))
        params = {
            name: options[name].index(text) if text[0].isdigit() else text
            for name, text in row.items()
            if text
        }
        trial = FixedTrial(params)
        assert problem(trial) == outcome
        assert trial.params == params


def test_the_variance_that_features_explain() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    x = ((x - x.mean(0)) / x.std(0))[:, [2, 20, 27]]
    predicted = cross_val_predict(Ridge(1.0), x, y, cv=LeaveOneOut())
    expected = 100 * (1 - np.mean((y - predicted) ** 2) / y.var())
    value, score = features()(FixedTrial({f"feature{i}": i in (2, 20, 27) for i in range(30)}))
    assert value == score == pytest.approx(expected)


@pytest.mark.parametrize("games", [6, 20, 100])
def test_the_interval_of_the_median_is_sure_and_no_wider_than_it_must_be(games: int) -> None:
    def chance(low: int, high: int) -> float:
        """That the median of a continuous distribution is between two order statistics."""
        return float(binom.cdf(high, games, 0.5) - binom.cdf(low, games, 0.5))

    low, high = (int(end) for end in median_interval(np.arange(games)))
    assert low + high == games - 1
    assert chance(low, high) >= 0.95 > chance(low + 1, high - 1)


def test_a_search_that_is_there_is_not_run_again(tmp_path: Path) -> None:
    path = tmp_path / "random-3-5.json"
    done = saved_search(tmp_path, features(), "random", seed=3, queries=5)
    assert done["values"] == search(features(), RandomSampler(3), 5)["values"]
    path.write_text(json.dumps({"values": [1.0]}))
    assert saved_search(tmp_path, features(), "random", seed=3, queries=5) == {"values": [1.0]}


def test_the_command_writes_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["--problem", "pipelines", "--sampler", "experts,random,tpe-group"]
    assert black_box.command([*chosen, "--smoke", "--out", str(tmp_path)]) == 0
    records = json.loads((tmp_path / "result.json").read_text())
    assert [(r["problem"], r["sampler"], r["queries"], r["seeds"]) for r in records] == [
        ("pipelines", "experts", 20, 2),
        ("pipelines", "random", 20, 2),
        ("pipelines", "tpe-group", 20, 2),
    ]
    best, scores = [], []
    for seed in range(2):
        found = search(pipelines(), RandomSampler(seed), 20)
        best.append(max(found["values"]))
        scores.append(found["scores"][found["values"].index(best[-1])])
    ours, other, _ = records
    assert other["median"] == pytest.approx(np.mean(best))
    assert other["stderr"] == pytest.approx(abs(best[0] - best[1]) / 2)
    assert other["score"] == pytest.approx(np.mean(scores))
    assert other["behind"] == pytest.approx(ours["mean"] - other["mean"])
    assert {path.name for path in tmp_path.iterdir()} == {
        "result.json",
        "black-box.png",
        "searches",
    }
    assert "behind_stderr" in capsys.readouterr().out


def test_what_samplers_are_not_run_on() -> None:
    limits = black_box.LIMITS["gp"]
    config = black_box.Config(problem="features,pipelines", sampler="random,gp,tpe-group")
    tasks = black_box.tasks(config)
    assert {task.queries for task in tasks if task.sampler == "gp"} == {limits.queries}
    assert sum(task.sampler == "gp" for task in tasks) == 2 * limits.seeds
    assert sum(task.sampler == "random" for task in tasks) == 2 * config.seeds
    assert {task.problem for task in tasks if task.sampler == "tpe-group"} == {"pipelines"}


@pytest.mark.parametrize("name", ["tpe", "random"])
def test_without_conditions_tpe_of_groups_is_tpe(name: str) -> None:
    grouped, other = (
        search(features(), SAMPLERS[sampler](0), 14)["values"] for sampler in ("tpe-group", name)
    )
    assert (grouped == other) == (name == "tpe")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--sampler magic", "unknown sampler 'magic': choose one of experts, "),
        ("--seeds 1", "--seeds must be at least 2"),
        ("--problem features --sampler tpe-group", "--sampler tpe-group needs --problem pipelines"),
        ("--problem cifar10", "--table is needed for 'cifar10'"),
    ],
)
def test_mistakes_at_the_terminal(
    arguments: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_refused("black_box", arguments, message, tmp_path, capsys)
