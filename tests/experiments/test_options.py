"""The options of run_xnas.py: one name everywhere, help, files, presets."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from studies.xnas.options import Config, everything, idle, parse

from nas_adapter.errors import UserError, dashed
from nas_adapter.front.options import options, with_options
from nas_adapter.front.presets import OF_TASKS, PAYS, PRESETS
from nas_adapter.front.settings import Settings
from nas_adapter.runs.choose import ChoiceSettings
from nas_adapter.runs.retrain import RetrainSettings
from nas_adapter.runs.search import SearchSettings
from nas_adapter.spaces import SPACES, find_space
from nas_adapter.strategies import METHODS
from nas_adapter.tasks import TASKS

EVERYWHERE = list(itertools.product(METHODS, SPACES))
PROGRAM = {"--help", "--config", "--print-config"}


def shown(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command line prints that ends in order."""
    with pytest.raises(SystemExit) as ended:
        parse(words)
    assert ended.value.code == 0
    return capsys.readouterr().out


def listed(text: str) -> set[str]:
    return set(re.findall(r"^  (?:-h \[all\], )?(--[a-z][a-z-]*)", text, flags=re.MULTILINE))


@pytest.mark.parametrize(("method", "space"), EVERYWHERE)
def test_help_lists_what_has_an_effect_here(
    method: str, space: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """That is what config.json holds, but for what `idle` refuses."""
    words = ["--method", method, "--space", space]
    config = parse(words)
    here = options(config).keys() - idle(config).keys()
    if space == "nasbench201":
        here -= {"auxiliary"}
    text = shown([*words, "--help"], capsys)
    assert listed(text) == {dashed(name) for name in here} | PROGRAM
    hidden = everything().keys() - here
    assert f"\n{len(hidden)} more options have no effect here: --help all\n" in text
    assert listed(shown([*words, "--help", "all"], capsys)) == PROGRAM | set(
        map(dashed, everything())
    )


def test_help_begins_with_four_and_shows_the_defaults_that_hold(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["--preset", "quick", "--epochs", "30", "--help"]
    text = " ".join(shown(words, capsys).split())
    first = text.partition("first of all:")[2].partition(" what holds")[0]
    assert re.findall(r" (--[a-z]+) NAME| (--[a-z]+) N ", first) == [
        ("--data", ""), ("--space", ""), ("--method", ""), ("", "--epochs"),
    ]  # fmt: skip
    assert "The preset quick stands for --channels 8 --max-minutes 2 " in text
    assert "Passes over the training data while searching. (default: 30)" in text
    assert "part of --epochs. (default: 6)" in text, "the warm-up follows the epochs"
    assert "Passes over all training data while retraining. (default: 10)" in text
    assert "after it, are done in full. (default: 2.0)" in text, "not what holds without the preset"


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("words", [["--help"], ["--help", "all", "--space", "darts-rnn"]])
def test_help_fits_the_terminal_and_is_plain_text(
    columns: int,
    words: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    text = shown(words, capsys)
    assert columns - 20 < max(map(len, text.splitlines())) <= columns
    assert text.isascii()
    assert not re.search(r"--[a-z]+-$", text, flags=re.MULTILINE), "an option is broken in two"


def test_options_reach_their_settings_under_their_names() -> None:
    words = ["--reward-bound", "0.1", "--retrain-epochs", "3", "--cells=2", "--no-wipeout"]
    config = parse([*words, "--batch_size", "8"])
    assert (config.settings.retrain.epochs, config.settings.search.epochs) == (3, 20)
    changes = {
        "reward_bound": 0.1, "retrain_epochs": 3, "cells": 2, "wipeout": False, "batch_size": 8,
    }  # fmt: skip
    assert config == with_options(parse([]), changes)
    assert options(config) == options(parse([])) | changes


def test_a_tiny_run_and_a_space_have_defaults_of_their_own() -> None:
    rnn = options(parse(["--space", "darts-rnn"]))
    assert (rnn["data"], rnn["epochs"], rnn["reward_bound"]) == ("pydoc", 2, 0.02)
    tiny = options(parse(["--space", "darts-rnn", "--smoke", "--channels", "8"]))
    assert (tiny["epochs"], tiny["channels"], tiny["reward_bound"]) == (1, 8, 0.02)
    assert options(parse(["--smoke", "--method", "random"]))["candidates"] == 5


@pytest.mark.parametrize(("method", "space"), EVERYWHERE)
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
    assert parse(words) == with_options(own, OF_TASKS[find_space(space).task])
    assert (options(own)["prior"], options(own)["without"], options(own)["decide"]) == (
        "uniform",
        (),
        "search",
    )
    if method == "xnas":
        assert options(own)["weights"] == "mixture"
        assert options(own)["reward_bound"] == 0.05


def test_the_default_preset_is_for_xnas() -> None:
    changed = options(parse([]))
    assert changed["without"] == ("none",)
    assert (changed["prior"], changed["weights"]) == ("scores", "single-path")
    assert (changed["reward_bound"], changed["warmup"], changed["decide"]) == ("auto", 4, "auto")
    text = parse(["--space", "darts-rnn"])
    assert text.settings.choice.decide == "trained"
    published = parse(["--space", "darts-rnn", "--preset", "published"])
    assert text == with_options(published, PAYS["text"] | {"preset": "default"})
    for words in (["--method", "random"], ["--method", "darts-first"]):
        published = parse([*words, "--preset", "published"])
        assert parse(words) == with_options(published, {"preset": "default"})


@pytest.mark.parametrize("preset", ["quick", "cifar10"])
@pytest.mark.parametrize(("method", "space"), EVERYWHERE)
def test_presets_of_sizes_change_sizes_alone(preset: str, method: str, space: str) -> None:
    """All else is as by default; what is given wins over the preset."""
    words, chosen = ["--method", method, "--space", space], PRESETS[preset]
    task = find_space(space).task
    if task not in chosen.of_tasks:
        with pytest.raises(UserError, match=f"--preset {preset} is for images, but {space} is for"):
            parse([*words, "--preset", preset])
        return
    sizes = chosen.of_tasks[task] | chosen.of_spaces.get(space, {})
    config, plain = parse([*words, "--preset", preset]), parse(words)
    if method == "xnas" and task == "images":
        sizes = sizes | {"warmup": max(1, sizes["epochs"] // 5)}
    assert config == with_options(plain, sizes | {"preset": preset})
    given = parse([*words, "--preset", preset, "--retrain-epochs", "7"])
    assert given == with_options(config, {"retrain_epochs": 7})


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


def test_a_list_may_be_given_in_parts() -> None:
    config = parse(["--without", "none", "--compare", "a", "b", "--without", "skip_connect"])
    assert config.settings.without == ("none", "skip_connect")
    assert config.settings.compare == ("a", "b")
    assert parse(["--without"]).settings.without == ()


def test_what_is_given_wins_over_the_preset(tmp_path: Path) -> None:
    words = ["--prior", str(tmp_path / "prior.json"), "--decide", "search", "--looks", "9"]
    words += ["--weights", "mixture", "--fidelity-cells", "15", "--fidelity-epochs", "2"]
    config = options(parse([*words, "--without", "skip_connect"]))
    assert config["prior"] == str(tmp_path / "prior.json")
    assert (config["decide"], config["looks"], config["weights"]) == ("search", 9, "mixture")
    assert (config["fidelity_cells"], config["fidelity_epochs"]) == (15, 2)
    assert config["without"] == ("skip_connect",)
