"""Settings in files: --config, --print-config, and the configuration of a run."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import run_xnas
from hypothesis import assume, given
from hypothesis import strategies as st
from studies.xnas.files import NOT_WRITTEN, as_toml, read_file
from studies.xnas.options import Config, everything, parse

from nas_adapter.errors import UserError
from nas_adapter.front.options import flattened, options
from nas_adapter.front.settings import make_settings
from nas_adapter.front.values import kind_of
from nas_adapter.runs.checkpoint import signed
from nas_adapter.spaces import SPACES
from nas_adapter.strategies import METHODS
from tests.experiments.small import CELL, SMALL

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
CHOICES: dict[str, st.SearchStrategy[Any]] = {
    "space": st.sampled_from(sorted(SPACES)),
    "method": st.sampled_from(sorted(METHODS)),
    "preset": st.sampled_from(["default", "quick", "cifar10", "published"]),
    "device": st.sampled_from(["auto", "cpu", "cuda"]),
    "precision": st.sampled_from(["tf32", "bf16"]),
    "decide": st.sampled_from(["auto", "advice"]),
    "read": st.just("auto"),
    "learner": st.sampled_from(["eg", "adahedge"]),
    "weights": st.sampled_from(["mixture", "single-path"]),
    "fidelity_cells": st.none() | st.integers(12, 99),
    "looks": st.integers(8, 99),
    "cell_epochs": st.just(1),
    "epochs": st.integers(5, 9),
    "warmup": st.integers(1, 4),
    "out": st.none(),
    "resume": st.just(False),
}
PLAIN: dict[type, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(1, 10**9),
    float: st.floats(0, 1, exclude_min=True, exclude_max=True),
    str: NAMES,
    Path: NAMES.filter(lambda name: "\0" not in name).map(Path),
}


def values(name: str, hint: Any) -> st.SearchStrategy[Any]:
    kind = kind_of(hint)
    one = CHOICES.get(name, PLAIN[kind.base])
    if kind.words and name not in CHOICES:
        one |= st.sampled_from(list(kind.words.values()))
    return st.lists(one, max_size=3).map(tuple) if kind.many else one


@st.composite
def configurations(draw: st.DrawFn) -> Config:
    """Settings of any method in any space, each of them drawn or as it is by default."""
    space, method = draw(CHOICES["space"]), draw(CHOICES["method"])
    known = flattened(Config(settings=make_settings(space, preset="published", method=method)))
    drawn = draw(
        st.fixed_dictionaries(
            {}, optional={name: values(name, option.kind) for name, option in known.items()}
        )
    )
    drawn |= {"space": space, "method": method}
    own = {name: value for name, value in drawn.items() if known[name].owner is Config}
    given = {name: value for name, value in drawn.items() if name not in {*own, "smoke"}}
    try:
        settings = make_settings(space, method=method, **given)
    except UserError:  # settings that do not go together
        assume(False)
    fields = {known[name].field: value for name, value in own.items()}
    return Config(settings=settings, **{"method": method, **fields})


def parsed(path: Path, *words: str) -> Config:
    return parse(["--config", str(path), *words])


@given(configurations())
def test_a_configuration_comes_back_from_either_file(
    tmp_path_factory: pytest.TempPathFactory, config: Config
) -> None:
    """--print-config, and config.json, which has all but what is for the other kind of run."""
    folder = tmp_path_factory.getbasetemp()
    toml, run = folder / "settings.toml", folder / "config.json"
    toml.write_text(as_toml(flattened(config)), encoding="utf-8")
    assert parsed(toml) == config
    flat = {name: value for name, value in options(config).items() if name not in NOT_WRITTEN}
    run.write_text(json.dumps(signed(json.loads(json.dumps(flat, default=str)))))
    assert parsed(run) == config


def test_a_run_s_own_configuration(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It gives the settings of the run, and so the same run."""
    config = parsed(finished / "config.json")
    assert config == dataclasses.replace(
        parse([*SMALL, "--space", config.space, "--compare", CELL, "--device", "cpu"]),
        settings=config.settings,
    )
    saved = json.loads((finished / "config.json").read_text())
    flat = json.loads(json.dumps(options(config), default=str))
    assert {name: flat[name] for name in flat.keys() & saved.keys()} == {
        name: saved[name] for name in flat.keys() & saved.keys()
    }
    out = tmp_path / "again"
    words = ["--config", str(finished / "config.json"), "--out", str(out)]
    assert run_xnas.command(words) == 0
    assert "\npreset     published stands for no other defaults\n" in capsys.readouterr().out
    assert json.loads((out / "config.json").read_text()) == saved
    found = [json.loads((folder / "result.json").read_text()) for folder in (out, finished)]
    assert found[0]["edge_probabilities"] == found[1]["edge_probabilities"]
    assert found[0]["test_loss"] == found[1]["test_loss"]


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_command_line_goes_before_the_file_and_it_before_the_preset(tmp_path: Path) -> None:
    path = written(tmp_path, 'preset = "quick"\nepochs = 6\nretrain-epochs = 8\nwithout = []\n')
    config = options(parsed(path, "--epochs", "7"))
    expected = {"epochs": 7, "retrain_epochs": 8, "channels": 8, "without": (), "warmup": 1}
    assert {name: config[name] for name in expected} == expected
    assert options(parsed(path, "--preset", "default"))["channels"] == 16


@pytest.mark.parametrize("name", ["mine.yaml", "mine.yml", "mine.YML"])
def test_yaml(name: str, tmp_path: Path) -> None:
    path = written(
        tmp_path, "epochs: 6\nwithout: [none]\nwipeout: false\nmax_minutes: none\n", name
    )
    config = options(parsed(path))
    expected = {"epochs": 6, "without": ("none",), "wipeout": False, "max_minutes": None}
    assert {name: config[name] for name in expected} == expected
    assert parsed(written(tmp_path, "", name)) == parse([])


def test_a_byte_order_mark_is_no_setting(tmp_path: Path) -> None:
    for name, text in (("mine.toml", "epochs = 7"), ("mine.json", '{"epochs": 7}')):
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
        assert read_file(str(tmp_path / name), everything()) == {"epochs": 7}


def test_yaml_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(UserError, match="YAML needs PyYAML: pip install pyyaml; or write TOML"):
        parsed(written(tmp_path, "epochs: 6", "mine.yaml"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", "FILE: unknown setting epoch = 3; did you mean epochs?"),
        ("zzz = [1]", "FILE: unknown setting zzz = [1]; --print-config lists all"),
        ("[search]\nepochs = 3", "FILE: unknown setting search = {'epochs': 3}"),
        ("config = 'x.toml'", "FILE: unknown setting config = 'x.toml'"),
        ("sha256 = 'x'", "FILE: unknown setting sha256 = 'x'"),
        ("batch-size = 8\nbatch_size = 8", "FILE: batch_size is there twice"),
        ("epochs = '20'", "FILE: epochs must be a whole number, got '20'; did you mean 20?"),
        ("epochs = 2.5", "FILE: epochs must be a whole number, got 2.5; did you mean 2?"),
        ("epochs = true", "FILE: epochs must be a whole number, got True"),
        ("epochs = []", "FILE: epochs must be a whole number, got []"),
        ("epochs = 2026-01-01", "FILE: epochs must be a whole number, got datetime.date(2026, 1"),
        ("wipeout = 'flase'", "FILE: wipeout must be true or false, got 'flase'; did you mean fa"),
        ("wipeout = 0", "FILE: wipeout must be true or false, got 0"),
        ("decide = 1", "FILE: decide must be text, got 1"),
        ("data_root = 1", "FILE: data_root must be a path, got 1"),
        ("reward_bound = 'aut'", "FILE: reward_bound must be a number or auto, got 'aut'; did you"),
        ("max_minutes = 'non'", "FILE: max_minutes must be a number or none, got 'non'; did you m"),
        (
            "without = 'none'",
            "FILE: without must be a list, each of it text, got 'none'; did you m",
        ),
        ("seeds = [1, 'a']", "FILE: seeds must be a whole number, got 'a'"),
        ("candidates = 3", "FILE: --candidates 3 is for random, but this is xnas"),
        ("bptt = 3", "FILE: --bptt 3 is for text, but nasbench201 is for images"),
        ("epochs = 0", "FILE: --epochs must be at least 1, got 0"),
        ("space = 'nasbench'", "FILE: unknown --space 'nasbench': choose one of nasbench201, da"),
        ("epochs = ", "--config FILE cannot be read: Invalid value"),
    ],
)
def test_what_a_file_may_not_say(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, text)
    assert run_xnas.command(["--config", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {message.replace('FILE', str(path))}")
    assert said.count("\n") == 1


def test_another_method_than_the_file_is_for(tmp_path: Path) -> None:
    path = written(tmp_path, "reward_bound = 0.1")
    with pytest.raises(
        UserError, match=r"mine\.toml: --reward-bound 0\.1 is for xnas, but this is"
    ):
        parsed(path, "--method", "random")
    with pytest.raises(UserError, match=r"^--epochs must be at least 1, got 0$"):
        parsed(path, "--epochs", "0")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    known = everything()
    for name, text, message in (
        ("a.ini", "", "must be a file that ends in .toml, .yaml, .yml, .json"),
        ("a.yaml", "a: [", "cannot be read: while parsing"),
        ("a.yaml", "3", "must hold names and values, as: epochs = 10"),
        ("a.json", "[" * 10**5, "cannot be read: "),
        ("a.json", "{", "cannot be read: "),
    ):
        with pytest.raises(UserError, match=message):
            read_file(str(written(tmp_path, text, name)), known)
    with pytest.raises(UserError, match=r"there is no .*b\.json; did you mean .*a\.json\?"):
        read_file(str(tmp_path / "b.json"), known)
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_file(str(tmp_path / "folder.toml"), known)


def test_printed_settings_are_those_that_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--preset", "cifar10", "--space", "darts-cnn", "--seed", "3"]
    with pytest.raises(SystemExit) as ended:
        parse([*words, "--print-config"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "\n# retraining\nretrain = []\n" in printed
    assert parsed(written(tmp_path, printed)) == parse(words)


@pytest.mark.parametrize("known", ["the same", "others"])
def test_a_file_with_resume(
    known: str, copied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is as if typed: what may change is changed, what may not is refused by name."""
    config = json.loads((copied / "config.json").read_text())
    words = ["--out", str(copied), "--resume", "--config", str(tmp_path / "mine.json")]
    changed = {"epochs": 3} if known == "others" else {"baselines": 0}
    written(tmp_path, json.dumps(config | changed), "mine.json")
    assert run_xnas.command(words) == (2 if known == "others" else 0)
    if known == "others":
        assert "another configuration: epochs is 3 but was 2\n" in capsys.readouterr().err
    else:
        assert json.loads((copied / "result.json").read_text())["random_architectures"] == []
