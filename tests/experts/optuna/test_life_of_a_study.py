"""Stopped and parallel studies, and trials that fail, are pruned, enqueued or fixed."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna import Trial, TrialPruned
from optuna.samplers import PartialFixedSampler
from optuna.trial import TrialState

from experts.optuna import ExpertsSampler
from experts.structured import Search
from tests.experts.optuna.studies import BEST, branches, distance, distinct, new_study, params


def test_a_resumed_study_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    whole = new_study()
    whole.optimize(branches, n_trials=15)
    for count in (1, 4, 10):
        part = optuna.create_study(
            storage=storage, study_name="s", load_if_exists=True, sampler=ExpertsSampler(seed=0)
        )
        part.optimize(branches, n_trials=count)
    assert params(part) == params(whole)


def test_a_pickled_sampler_goes_on() -> None:
    study, copied = new_study(), new_study()
    for each in (study, copied):
        each.optimize(distance, n_trials=6)
    copied.sampler = pickle.loads(pickle.dumps(copied.sampler))
    for each in (study, copied):
        each.optimize(distance, n_trials=6)
    assert params(study) == params(copied)


def test_one_sampler_for_two_studies() -> None:
    sampler = ExpertsSampler(seed=0)
    first, second, alone = new_study(sampler), new_study(sampler), new_study()
    alone.optimize(distance, n_trials=6)
    second.optimize(branches, n_trials=1)
    first.enqueue_trial(params(alone)[0])
    for _ in range(6):
        first.optimize(distance, n_trials=1)
        second.optimize(branches, n_trials=1)
    assert params(first) == params(alone)


def test_two_threads_do_not_ask_for_the_same() -> None:
    study = new_study()
    study.optimize(distance, n_trials=1)
    study.optimize(distance, n_trials=40, n_jobs=2)
    assert len(study.trials) == distinct(study) == 41


def test_running_trials_of_others_are_not_repeated() -> None:
    storage = optuna.storages.InMemoryStorage()
    first = new_study(storage=storage, study_name="s")
    first.optimize(distance, n_trials=2)
    second = optuna.load_study(storage=storage, study_name="s", sampler=ExpertsSampler(seed=0))
    for study in (first, second) * 10:
        distance(study.ask())
    assert distinct(first) == 22


def test_two_processes_on_one_file(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    study = new_study(storage=storage, study_name="s")
    study.optimize(lambda trial: trial.suggest_int("x", 0, 63), n_trials=1)
    script = (
        "import optuna; from experts.optuna import ExpertsSampler\n"
        f"study = optuna.load_study(storage={storage!r}, study_name='s',"
        " sampler=ExpertsSampler(seed=0))\n"
        "study.optimize(lambda trial: trial.suggest_int('x', 0, 63), n_trials=5)"
    )
    command = [sys.executable, "-W", "error", "-c", script]
    workers = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [worker.wait() for worker in workers] == [0, 0]
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 11
    assert distinct(study) > 6  # more than either has found alone


def test_enqueued_trials_are_run_and_learnt_from() -> None:
    study = new_study()
    study.optimize(distance, n_trials=3)
    study.enqueue_trial(BEST)
    study.enqueue_trial({"row": 0})
    study.optimize(distance, n_trials=20)
    assert study.trials[3].params == BEST
    assert study.trials[4].params["row"] == 0
    assert BEST not in params(study)[4:]


def test_an_enqueued_value_out_of_range_is_no_point_of_the_search() -> None:
    study = new_study()
    study.enqueue_trial({"x": 9})
    with pytest.warns(UserWarning, match="out of range"):
        study.optimize(lambda trial: trial.suggest_int("x", 0, 3), n_trials=1)
    study.optimize(lambda trial: trial.suggest_int("x", 0, 3), n_trials=4)
    assert sorted(found["x"] for found in params(study)[1:]) == [0, 1, 2, 3]


def test_failures_are_neither_fatal_nor_repeated() -> None:
    def objective(trial: Trial) -> float:
        x = trial.suggest_int("x", 0, 9)
        trial.suggest_int("y", 0, 1)
        if x == 7:
            raise FloatingPointError
        return math.nan if x == 8 else -float(x)

    study = new_study()
    study.optimize(objective, n_trials=20, catch=FloatingPointError)
    assert distinct(study) == 20
    assert study.best_value == -9
    failed = [trial.params["x"] for trial in study.trials if trial.state == TrialState.FAIL]
    assert sorted(failed) == [7, 7, 8, 8]


def test_infinite_values_are_the_worst_or_the_best() -> None:
    study = new_study()
    study.optimize(lambda t: t.suggest_int("x", 0, 9) * math.inf if t.number else 0.0, n_trials=0)
    study.optimize(
        lambda trial: math.inf if trial.suggest_int("x", 0, 9) else -math.inf, n_trials=10
    )
    assert distinct(study) == 10
    assert study.best_params == {"x": 0}


def test_pruned_trials() -> None:
    def objective(trial: Trial) -> float:
        value = distance(trial)
        trial.report(value + 1, step=0)
        if value > 4:
            raise TrialPruned
        return value

    study = new_study()
    study.optimize(objective, n_trials=70)
    assert distinct(study) == 70
    assert study.best_params == BEST


def test_trials_that_are_pruned_before_they_suggest_all(caplog: pytest.LogCaptureFixture) -> None:
    def objective(trial: Trial) -> float:
        a, b = trial.suggest_int("a", 0, 4), trial.suggest_int("b", 0, 4)
        if a + b > 5:
            raise TrialPruned  # without a value
        return trial.suggest_int("c", 0, 2) - a - b

    study = new_study()
    study.optimize(objective, n_trials=30)
    assert study.best_value == -5
    complete = [trial.params for trial in study.trials if trial.state == TrialState.COMPLETE]
    assert len({tuple(found.items()) for found in complete}) == len(complete) > 20
    assert "independently" not in caplog.text


@pytest.mark.parametrize(
    "pruner",
    [optuna.pruners.HyperbandPruner(), optuna.pruners.MedianPruner()],
    ids=["hyperband", "median"],
)
def test_pruners(pruner: optuna.pruners.BasePruner) -> None:
    def objective(trial: Trial) -> float:
        value = distance(trial)
        for step in range(9):
            trial.report(value + 9 - step, step)
            if trial.should_prune():
                raise TrialPruned
        return value

    study = new_study(pruner=pruner)
    study.optimize(objective, n_trials=20)
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE, TrialState.PRUNED}


def test_trials_that_violate_a_constraint_are_not_followed() -> None:
    def objective(trial: Trial) -> float:
        value = distance(trial)
        trial.set_constraint("row", trial.params["row"] - 3)
        return value

    study = new_study()
    study.optimize(objective, n_trials=60)
    assert study.best_params == BEST | {"row": 3}


def test_fixed_parameters() -> None:
    study = new_study()
    study.optimize(distance, n_trials=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.sampler = PartialFixedSampler({"row": 2}, study.sampler)
    study.optimize(distance, n_trials=4)
    assert [found["row"] for found in params(study)[4:]] == [2] * 4


def test_trials_that_were_added() -> None:
    study = new_study()
    source = new_study()
    source.optimize(distance, n_trials=5)
    study.add_trials(source.trials)
    study.optimize(distance, n_trials=10)
    assert distinct(study) == 15


def test_parameters_that_only_some_trials_have() -> None:
    """Where nothing says when: trials without them are not in the way."""

    def objective(trial: Trial) -> float:
        return float(trial.suggest_int("x", 0, 6)) if trial.number % 2 else 0.5

    study = new_study()
    study.optimize(objective, n_trials=14)
    assert sorted(found["x"] for found in params(study)[1::2]) == list(range(7))


def test_an_option_that_always_fails_does_not_stop_the_search() -> None:
    def objective(trial: Trial) -> float:
        kind, rate = trial.suggest_categorical("kind", "abcde"), trial.suggest_float("rate", 0, 1)
        if kind == "a":
            raise FloatingPointError
        return "bcde".index(kind) + rate

    study = new_study(ExpertsSampler(seed=0, warn_independent_sampling=False))
    study.optimize(objective, n_trials=60, catch=FloatingPointError)
    assert [found["kind"] for found in params(study)[20:]].count("b") > 15


def test_many_jobs_tell_of_every_trial_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though Optuna gives every job a seed of its own."""
    tell, count = Search.tell, []

    def counted(self: Search, *told: Any, **failed: Any) -> None:
        count.append(told)
        tell(self, *told, **failed)

    monkeypatch.setattr(Search, "tell", counted)
    study = new_study()
    study.optimize(distance, n_trials=20, n_jobs=2)
    assert len(count) <= 20
