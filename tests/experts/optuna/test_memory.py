"""What a search is told of trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from experts.optuna.dimensions import options
from experts.optuna.memory import Memory
from experts.structured import Search

SPACE: dict[str, BaseDistribution] = {
    "layers": IntDistribution(1, 3),
    "act": CategoricalDistribution(("relu", "tanh")),
    "width": IntDistribution(8, 32, step=8),
}


def trials(*found: tuple[dict[str, Any], float | None] | FrozenTrial) -> list[FrozenTrial]:
    """Complete trials of parameters and values, numbered; without a value, pruned ones."""
    made = [
        one
        if isinstance(one, FrozenTrial)
        else create_trial(
            params=one[0],
            distributions={name: SPACE[name] for name in one[0]},
            value=one[1],
            state=TrialState.PRUNED if one[1] is None else TrialState.COMPLETE,
        )
        for one in found
    ]
    for number, trial in enumerate(made):
        trial.number = number
    return made


def pruned(params: dict[str, Any], value: float) -> FrozenTrial:
    trial = trials((params, value))[0]
    trial.state = TrialState.PRUNED
    return trial


def told(memory: Memory) -> list[float | None]:
    """The values that a search was told, None: failed."""
    assert memory.search is not None
    state = memory.search.state_dict()["state"]
    return [
        None if failed else value
        for value, failed in zip(state["values"].tolist(), state["failed"].tolist(), strict=True)
    ]


STUDY = trials(
    ({"layers": 1}, 3.0),
    ({"layers": 2, "act": "relu"}, 2.0),
    ({"layers": 3, "act": "tanh"}, None),
    ({"layers": 2, "act": "tanh"}, 1.0),
    pruned({"layers": 3, "act": "relu"}, 0.5),
    ({"layers": 3}, None),
    ({"layers": 2, "act": "relu", "width": 16}, 4.0),
    ({"layers": 2, "act": "relu", "width": 8}, 5.0),
)


def test_a_memory_made_afterwards_is_one_that_followed() -> None:
    followed, afterwards = (Memory("study", 0, maximize=False, noisy=False) for _ in range(2))
    for count in range(1, len(STUDY) + 1):
        followed.catch_up(STUDY[:count])
    afterwards.catch_up(STUDY)
    assert followed.search is not None and afterwards.search is not None
    ours, theirs = followed.search.state_dict(), afterwards.search.state_dict()
    np.testing.assert_equal(ours, theirs)
    assert followed.ask(len(STUDY), STUDY) == afterwards.ask(len(STUDY), STUDY)


@pytest.mark.parametrize("maximize", [False, True])
def test_pruned_trials_are_no_better_than_the_median_before(maximize: bool) -> None:
    sign = -1.0 if maximize else 1.0
    memory = Memory("study", 0, maximize, noisy=False)
    memory.catch_up(
        trials(
            ({"layers": 1, "act": "relu"}, sign * 3),
            ({"layers": 2, "act": "relu"}, sign * 1),
            pruned({"layers": 3, "act": "relu"}, sign * 0.5),
            pruned({"layers": 1, "act": "tanh"}, sign * 9),
            ({"layers": 2, "act": "tanh"}, None),
        )
    )
    assert told(memory) == [sign * 3, sign * 1, sign * 2, sign * 9, None]


def test_violated_constraints_are_failures() -> None:
    found = trials(*(({"layers": layers}, 1.0) for layers in (1, 2, 3)))
    found[0].set_constraint("memory", 0.5)
    found[1].set_constraint("memory", 0.0)
    memory = Memory("study", 0, maximize=False, noisy=False)
    memory.catch_up(found)
    assert told(memory) == [None, 1.0, 1.0]


def test_running_trials_are_outstanding_and_failed_ones_barred() -> None:
    found = trials(*(({"layers": layers}, 1.0) for layers in (1, 2, 3)))
    found[0].state, found[1].state = TrialState.RUNNING, TrialState.FAIL
    memory = Memory("study", 0, maximize=False, noisy=False)
    memory.catch_up(found)
    assert memory.ask(3, found) is None
    assert memory.search is not None
    saved = memory.search.state_dict()
    state = saved["state"]
    assert [state[name].tolist() for name in ("outstanding", "barred", "codes")] == [
        [[0]], [[1]], [[2]],
    ]  # fmt: skip
    assert Search.from_state_dict(saved).exhausted


def test_asks_after_different_numbers_of_asks_differ() -> None:
    drawn = []
    for asked in range(40, 60):
        search = Search({name: range(4) for name in "abcdef"}, seed=0)
        search.tell(dict.fromkeys("abcdef", 0), 1.0)
        search.expect([], asked=asked)
        drawn.append(tuple(search.ask().values()))
    assert len(set(drawn)) > 10


@pytest.mark.parametrize(("noisy", "values"), [(False, [1.0]), (True, [1.0, 2.0])])
def test_a_point_that_was_told_before(noisy: bool, values: list[float]) -> None:
    memory = Memory("study", 0, maximize=False, noisy=noisy)
    memory.catch_up(trials(({"layers": 1}, 1.0), ({"layers": 1}, 2.0)))
    assert told(memory) == values


def test_what_is_no_dimension_and_why() -> None:
    other = {"layers": IntDistribution(1, 4)}
    memory = Memory("study", 0, maximize=False, noisy=False)
    memory.catch_up(
        trials(
            ({"layers": 1, "act": "relu", "width": 8}, 1.0),
            ({"layers": 1, "act": "relu"}, 1.0),
            create_trial(params={"layers": 4, "act": "tanh"}, value=1.0,
                         distributions=other | {"act": SPACE["act"]}),
        )
    )  # fmt: skip
    assert list(memory.dimensions) == ["act"]
    assert memory.others.keys() == {"layers", "width"}
    assert "changes" in memory.others["layers"]
    assert "no conditions" in memory.others["width"]


@pytest.mark.parametrize(
    ("low", "high", "step"), [(0, 1e-12, 1e-13), (1e7, 1e7 + 10, 1.0), (-1e300, 1e300, 1e299)]
)
def test_steps_of_every_size_are_told_apart(low: float, high: float, step: float) -> None:
    distribution = FloatDistribution(low, high, step=step)
    found = [
        create_trial(params={"x": x}, distributions={"x": distribution}, value=float(at))
        for at, x in enumerate(options(distribution))
    ]
    memory = Memory("study", 0, maximize=False, noisy=False)
    memory.catch_up(trials(*found))
    assert told(memory) == list(range(11 if low >= 0 else 21))


def test_steps_that_are_lost_in_rounding_are_no_dimension() -> None:
    distribution = FloatDistribution(1e9, 1e9 + 1, step=0.1)
    memory = Memory("study", 0, maximize=False, noisy=False)
    memory.catch_up(
        trials(create_trial(params={"x": 1e9}, distributions={"x": distribution}, value=1.0))
    )
    assert memory.search is None
    assert "told apart" in memory.others["x"]


def test_choices_that_are_nearly_equal_are_two() -> None:
    distribution = CategoricalDistribution((0.1, 0.1 + 1e-13))
    memory = Memory("study", 0, maximize=False, noisy=False)
    memory.catch_up(
        trials(
            *(
                create_trial(params={"x": x}, distributions={"x": distribution}, value=float(at))
                for at, x in enumerate(distribution.choices)
            )
        )
    )
    assert told(memory) == [0.0, 1.0]


def test_a_trial_without_dimensions_says_nothing() -> None:
    memory = Memory("study", 0, maximize=False, noisy=False)
    memory.catch_up(trials(({}, 1.0), ({}, None), ({"layers": 2}, 2.0), ({}, 0.0), ({}, None)))
    assert told(memory) == [2.0]
    assert memory.others == {}


def test_another_study_of_the_same_name_is_another() -> None:
    memory = Memory("study", 0, maximize=False, noisy=False)
    memory.catch_up(trials(({"layers": 1}, 1.0), ({"layers": 2}, 2.0)))
    memory.catch_up(trials(({"layers": 2}, 5.0), ({"layers": 1}, 4.0), ({"layers": 3}, 3.0)))
    assert told(memory) == [5.0, 4.0, 3.0]
