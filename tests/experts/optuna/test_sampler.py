"""What Optuna's users expect of a sampler, and of this one."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from optuna import Trial
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from experts.optuna import ExpertsSampler
from tests.experts.optuna.studies import BEST, branches, distance, distinct, new_study, params

SUGGEST: dict[str, Callable[[Trial, str], Any]] = {
    "categorical": lambda trial, name: trial.suggest_categorical(name, (3, None, "x", 0.5)),
    "boolean": lambda trial, name: trial.suggest_categorical(name, (False, True)),
    "equal choices": lambda trial, name: trial.suggest_categorical(name, (1, True, 1.0)),
    "integer": lambda trial, name: trial.suggest_int(name, -3, 4),
    "integer, step": lambda trial, name: trial.suggest_int(name, 1, 10, step=3),
    "integer, log": lambda trial, name: trial.suggest_int(name, 1, 100, log=True),
    "float": lambda trial, name: trial.suggest_float(name, -1, 1),
    "float, step": lambda trial, name: trial.suggest_float(name, -10.2, 10.2, step=0.6),
    "float, log": lambda trial, name: trial.suggest_float(name, 1e-7, 1, log=True),
    "single": lambda trial, name: trial.suggest_float(name, 0.5, 0.5),
}


PAIRS = list(itertools.combinations_with_replacement(SUGGEST, 2))


@pytest.mark.parametrize("both", PAIRS, ids=" and ".join)
def test_values_are_of_their_distributions(both: tuple[str, str]) -> None:
    study = new_study(ExpertsSampler(seed=0, warn_independent_sampling=False))

    def objective(trial: Trial) -> float:
        values = [SUGGEST[kind](trial, name) for kind, name in zip(both, "xy", strict=True)]
        return float(sum(isinstance(value, str) or bool(value) for value in values))

    study.optimize(objective, n_trials=6)
    for trial in study.trials:
        assert trial.state == TrialState.COMPLETE
        for name, distribution in trial.distributions.items():
            value = trial.params[name]
            assert distribution._contains(distribution.to_internal_repr(value))
            assert type(value) in (bool, int, float, str, type(None))


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_it_finds_the_best_point_early(direction: str) -> None:
    sign = 1 if direction == "minimize" else -1
    study = new_study(direction=direction)
    study.optimize(lambda trial: sign * distance(trial), n_trials=60)
    assert study.best_params == BEST
    assert distinct(study) == 60


def test_every_point_once_then_repeats_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    def objective(trial: Trial) -> float:
        return trial.suggest_int("a", 0, 3) - trial.suggest_float("b", 0, 1, step=0.1)

    study = new_study()
    study.optimize(objective, n_trials=44)
    assert distinct(study) == 44
    assert "all were tried" not in caplog.text
    study.optimize(objective, n_trials=2)
    assert "all were tried" in caplog.text
    assert len(study.trials) == 46


def test_points_of_a_noisy_objective_are_repeated() -> None:
    study = new_study(ExpertsSampler(seed=0, noisy=True))
    study.optimize(lambda trial: trial.suggest_int("a", 0, 3) + trial.number / 100, n_trials=30)
    assert [found["a"] for found in params(study)].count(0) > 7


def test_conditional_parameters_are_searched_without_repeats(
    caplog: pytest.LogCaptureFixture,
) -> None:
    study = new_study()
    study.optimize(branches, n_trials=21)
    assert distinct(study) == 21
    assert study.best_params == {"model": "net", "layers": 1, "width": 3} or study.best_value < 0.03
    assert not caplog.records or "independently" not in caplog.text


def test_a_parameter_of_no_explained_conditions_is_left_to_the_independent_sampler(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def objective(trial: Trial) -> float:
        a = trial.suggest_int("a", 0, 3)
        return a + (trial.suggest_int("b", 0, 1) if trial.number % 3 else 0)

    study = new_study()
    study.optimize(objective, n_trials=12)
    assert "`b`" in caplog.text
    assert "no conditions" in caplog.text
    assert "`a`" not in caplog.text


@pytest.mark.parametrize(("low", "high"), [(0, 5), (0, 20), (20, 30)])
def test_ranges_may_change(low: int, high: int, caplog: pytest.LogCaptureFixture) -> None:
    def objective(trial: Trial, low: int, high: int) -> float:
        return trial.suggest_int("x", low, high) + trial.suggest_int("y", 0, 3)

    study = new_study()
    study.optimize(lambda trial: objective(trial, 0, 10), n_trials=5)
    study.optimize(lambda trial: objective(trial, low, high), n_trials=6)
    assert all(low <= found["x"] <= high for found in params(study)[5:])
    assert "`x`" in caplog.text
    assert "changes" in caplog.text
    assert "`y`" not in caplog.text


@pytest.mark.parametrize("warn", [True, False])
def test_the_warning_of_independent_sampling(warn: bool, caplog: pytest.LogCaptureFixture) -> None:
    study = new_study(ExpertsSampler(seed=0, warn_independent_sampling=warn))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    assert "independently" not in caplog.text  # nothing was known of x
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    assert ("`x`" in caplog.text) == warn
    assert ("RandomSampler" in caplog.text) == warn


def test_another_independent_sampler() -> None:
    sampler = ExpertsSampler(
        seed=0,
        independent_sampler=TPESampler(seed=0, multivariate=False, n_startup_trials=5),
        warn_independent_sampling=False,
    )
    study = new_study(sampler)
    study.optimize(
        lambda trial: abs(trial.suggest_float("x", 0, 1) - 0.3) + trial.suggest_int("y", 0, 2),
        n_trials=40,
    )
    assert study.best_value < 0.05


def test_the_same_seed_the_same_trials() -> None:
    first, second, other = (new_study(ExpertsSampler(seed=seed)) for seed in (1, 1, 2))
    for study in (first, second, other):
        study.optimize(distance, n_trials=12)
    assert params(first) == params(second)
    assert params(first) != params(other)


def test_without_a_seed_every_sampler_is_another() -> None:
    first, second = new_study(ExpertsSampler()), new_study(ExpertsSampler())
    for study in (first, second):
        study.optimize(distance, n_trials=12)
    assert params(first) != params(second)


def test_reseeding_changes_the_samples() -> None:
    first, second = new_study(), new_study()
    for study in (first, second):
        study.optimize(distance, n_trials=3)
    second.sampler.reseed_rng()
    for study in (first, second):
        study.optimize(distance, n_trials=10)
    assert params(first)[:3] == params(second)[:3]
    assert params(first) != params(second)


def test_several_objectives_are_refused() -> None:
    study = new_study(directions=["minimize", "maximize"])
    with pytest.raises(ValueError, match=r"multi-objective.*ExpertsSampler"):
        study.ask().suggest_int("x", 0, 1)


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"seed": 1.5}, {"seed": "2"}, {"noisy": "no"}])
def test_arguments_of_the_wrong_kind_are_refused_at_once(wrong: Any) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name} must be "):
        ExpertsSampler(**wrong)
