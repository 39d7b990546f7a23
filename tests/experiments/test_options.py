"""The options of run_xnas.py: each method and task brings its own, under one name everywhere."""

from __future__ import annotations

import itertools
import re

import pytest
from common.settings import given, options, with_options
from studies.xnas.options import defaults, parse

from nas_adapter.errors import dashed
from nas_adapter.spaces import SPACES
from nas_adapter.strategies import METHODS


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
    assert (config.retrain.epochs, config.search.epochs) == (3, 20)
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
