"""The options of run_xnas.py: each method and task brings its own, under one name everywhere."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from studies.xnas.options import Config, defaults, given, parse

from nas_adapter.errors import dashed
from nas_adapter.front.options import options, with_options
from nas_adapter.front.settings import OF_TASKS, TEXT, Settings
from nas_adapter.runs.choose import ChoiceSettings
from nas_adapter.runs.retrain import RetrainSettings
from nas_adapter.runs.search import SearchSettings
from nas_adapter.spaces import SPACES, find_space
from nas_adapter.strategies import METHODS
from nas_adapter.tasks import TASKS


@pytest.mark.parametrize(("method", "space"), list(itertools.product(METHODS, SPACES)))
def test_help_lists_what_config_json_holds(
    method: str, space: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--method", method, "--space", space]
    with pytest.raises(SystemExit) as ended:
        parse([*arguments, "--help"])
    assert ended.value.code == 0
    listed = set(re.findall(r"^\W*?(--[a-z][a-z-]*)", capsys.readouterr().out, flags=re.MULTILINE))
    assert listed == {dashed(name) for name in options(defaults(arguments))}


def test_options_reach_their_settings_under_their_names() -> None:
    arguments = ["--reward-bound", "0.1", "--retrain-epochs", "3", "--cells=2", "--no-wipeout"]
    config = parse(arguments)
    assert (config.settings.retrain.epochs, config.settings.search.epochs) == (3, 20)
    changes = {"reward_bound": 0.1, "retrain_epochs": 3, "cells": 2, "wipeout": False}
    assert changes.keys() == set(given(arguments))
    assert config == with_options(defaults([]), changes | {"candidates": 7})
    assert options(config) == options(defaults([])) | changes


def test_a_tiny_run_and_a_space_have_defaults_of_their_own() -> None:
    rnn = options(defaults(["--space", "darts-rnn"]))
    assert (rnn["data"], rnn["epochs"], rnn["reward_bound"]) == ("pydoc", 2, 0.02)
    tiny = options(parse(["--space", "darts-rnn", "--smoke", "--channels", "8"]))
    assert (tiny["epochs"], tiny["channels"], tiny["reward_bound"]) == (1, 8, 0.02)
    assert options(defaults(["--smoke", "--method", "random"]))["candidates"] == 5


@pytest.mark.parametrize(("method", "space"), list(itertools.product(METHODS, SPACES)))
def test_the_published_preset_is_what_the_settings_say(method: str, space: str) -> None:
    """Nothing is changed: no operation left out, the uniform prior, mixtures, L, the own cell."""
    words = ["--method", method, "--space", space, "--preset", "published"]
    own = Config(
        space=space, method=method,
        settings=Settings(
            preset="published", search=SearchSettings(method=METHODS[method]()),
            choice=ChoiceSettings(), retrain=RetrainSettings(),
            task=TASKS[find_space(space).task](),
        ),
    )  # fmt: skip
    of_the_task = OF_TASKS.get(find_space(space).task, {})
    assert defaults(words) == with_options(own, of_the_task)
    assert (options(own)["prior"], options(own)["without"], options(own)["decide"]) == (
        "uniform",
        (),
        "search",
    )
    if method == "xnas":
        assert options(own)["weights"] == "mixture"
        assert options(own)["reward_bound"] == 0.05


def test_the_default_preset_is_for_xnas() -> None:
    changed = options(defaults([]))
    assert changed["without"] == ("none",)
    assert (changed["prior"], changed["weights"]) == ("scores", "single-path")
    assert (changed["reward_bound"], changed["warmup"], changed["decide"]) == ("auto", 4, "auto")
    text = defaults(["--space", "darts-rnn"])
    assert text.settings.choice.decide == "trained"
    published = defaults(["--space", "darts-rnn", "--preset", "published"])
    assert text == with_options(published, TEXT | {"preset": "default"})
    for words in (["--method", "random"], ["--method", "darts-first"]):
        published = defaults([*words, "--preset", "published"])
        assert defaults(words) == with_options(published, {"preset": "default"})


@pytest.mark.parametrize(
    ("words", "warmup", "reward_bound"),
    [
        (["--epochs", "50"], 10, "auto"),
        (["--epochs=5"], 1, "auto"),
        (["--epochs", "2"], 1, "auto"),
        (["--epochs", "1"], 0, 0.05),  # no epoch to find L in
        (["--warmup", "0"], 0, 0.05),
        (["--warmup", "7"], 7, "auto"),
        (["--reward-bound", "0.3"], 4, 0.3),
        (["--smoke"], 1, "auto"),
    ],
)
def test_the_warm_up_follows_the_epochs(words: list[str], warmup: int, reward_bound: Any) -> None:
    config = options(parse(words))
    assert (config["warmup"], config["reward_bound"]) == (warmup, reward_bound)


def test_what_is_given_wins_over_the_preset(tmp_path: Path) -> None:
    words = ["--prior", str(tmp_path / "prior.json"), "--decide", "search", "--looks", "9"]
    words += ["--weights", "mixture", "--fidelity-cells", "15", "--fidelity-epochs", "2"]
    config = options(parse([*words, "--without", "skip_connect"]))
    assert config["prior"] == str(tmp_path / "prior.json")
    assert (config["decide"], config["looks"], config["weights"]) == ("search", 9, "mixture")
    assert (config["fidelity_cells"], config["fidelity_epochs"]) == (15, 2)
    assert config["without"] == ("skip_connect",)
