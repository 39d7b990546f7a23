"""A wrong value of every option: one line with the option, the value, and what would work."""

from __future__ import annotations

import pytest
import run_xnas
from studies.xnas.options import everything

from nas_adapter.errors import dashed
from nas_adapter.front.values import Kind, kind_of

KINDS: dict[str, Kind] = {name: kind_of(option.kind) for name, option in everything().items()}
CNN, RNN = "--space darts-cnn", "--space darts-rnn"
WRONG = [
    ("", "--space", "nasbench301", "did you mean nasbench201?"),
    ("", "--space", "nosuch.py:Mine", "there is no nosuch.py"),
    ("", "--space", "..:Mine", ".. is a folder"),
    ("", "--method", "xnsa", "did you mean xnas?"),
    ("", "--method", "DARTS-First", "did you mean darts-first?"),
    ("", "--seed", "-1", "must be 0 or more"),
    ("", "--device", "cdua", "did you mean cuda?"),
    ("", "--out", "/proc/nothing", "cannot be written: No such file"),
    (CNN, "--retrain", "PC-DARTS", "did you mean PC_DARTS?"),
    ("", "--retrain", "XNAS", "XNAS is a cell of darts-cnn"),
    ("--retrain x", "--seeds", "-1", "must be 0 or more"),
    (f"{CNN} --retrain XNAS", "--seeds", "1 1", "must be one or more different numbers"),
    ("", "--seeds", "1 2", "it is for --retrain"),
    ("", "--preset", "quik", "did you mean quick?"),
    (RNN, "--preset", "cifar10", "choose one of default, quick, published"),
    ("", "--without", "skip", "choose one of none, skip_connect"),
    ("", "--without", "nor_conv3x3", "did you mean nor_conv_3x3?"),
    ("", "--baselines", "-1", "must be 0 or more"),
    (RNN, "--compare", "DARTS_V3", "did you mean DARTS_V2?"),
    ("", "--compare", "|none~0|+|none~0|nonne~1|+|none~0|none~1|none~2|", "|none~0|none~1|+|none"),
    ("", "--compare", "resnet", "a genotype of this space is '|"),
    ("", "--precision", "bf61", "did you mean bf16?"),
    ("", "--checkpoint-minutes", "-0.5", "must be 0 or more"),
    ("", "--epochs", "0", "must be at least 1"),
    ("", "--epochs", "1e1", "did you mean 10?"),
    ("", "--channels", "0", "must be at least 1"),
    ("--method random", "--read", "mode", "choose one of auto"),
    ("", "--read", "best-cumulativ", "did you mean best-cumulative?"),
    ("", "--prior", "score", "did you mean scores?"),
    ("", "--looks", "7", "must be at least 8"),
    ("", "--max-minutes", "0", "must be a positive number"),
    ("", "--max-minutes", "nonee", "did you mean none?"),
    ("", "--reward-bound", "inf", "must be a positive number"),
    ("", "--reward-bound", "Auto", "did you mean auto?"),
    ("", "--warmup", "20", "must be at most 19"),
    ("", "--learner", "ada-hedge", "did you mean adahedge?"),
    ("", "--weights", "single_path", "did you mean single-path?"),
    ("", "--decide", "advise", "did you mean advice?"),
    ("", "--fidelity-cells", "11", "must be 0 or at least 12"),
    ("", "--fidelity-epochs", "0", "must be at least 1"),
    ("", "--retrain-epochs", "0", "must be at least 1"),
    ("", "--retrain-channels", "0", "must be at least 1"),
    ("--method random", "--candidates", "0", "must be at least 1"),
    ("", "--candidates", "5", "is for random, but this is xnas"),
    ("--method darts-first", "--architecture-rate", "nan", "must be a positive number"),
    ("--method black-box", "--cell-epochs", "3", "did you mean 21?"),
    ("", "--data", "CIFAR-10", "did you mean cifar10?"),
    ("", "--data", "folder:/no/such/place", "there is no /no/such/place"),
    (RNN, "--data", "pydocs", "did you mean pydoc?"),
    ("", "--batch-size", "800", "is more than the 721 images"),
    ("", "--cells", "0", "must be at least 1"),
    ("", "--retrain-cells", "0", "must be at least 1"),
    ("", "--drop-path", "1", "must be in [0, 1)"),
    ("", "--cutout", "-1", "must be 0 or more"),
    ("", "--image-size", "0", "must be at least 1"),
    ("", "--image-size", "16", "has no effect with --data digits"),
    (RNN, "--bptt", "0", "must be at least 1"),
    (RNN, "--tokens", "wrod", "did you mean word?"),
    (RNN, "--vocabulary", "0", "must be at least 1"),
    (RNN, "--min-count", "0", "must be at least 1"),
    (RNN, "--dropout", "1.5", "must be in [0, 1)"),
    (RNN, "--hidden-dropout", "-1", "must be in [0, 1)"),
    ("", "--config", "nosuch.toml", "there is no nosuch.toml"),
    ("", "--config", "settings.txt", "ends in .toml, .yaml, .yml, .json"),
    ("", "--help", "everything", "choose one of all"),
    ("", "--spaec", "darts-cnn", "did you mean --space?"),
    ("", "--reward_bond", "1", "did you mean --reward-bound?"),
    ("", "-epochs", "3", "did you mean --epochs?"),
    ("", "--zzz", "3", "--help all lists every option"),
]
ANY = {"data_root"}
"""Options of which every value is good."""


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The line with which a command line is refused."""
    assert run_xnas.command(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize(("before", "option", "value", "works"), WRONG)
def test_a_wrong_value(
    before: str, option: str, value: str, works: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused([*before.split(), option, *value.split()], capsys)
    assert option.replace("_", "-") in said
    assert value.removeprefix("folder:").removesuffix(":Mine") in said
    assert works in said


def test_that_was_every_option() -> None:
    tried = {option for _, option, _, _ in WRONG}
    valued = {name for name, kind in KINDS.items() if kind.base is not bool}
    assert {dashed(name) for name in valued - ANY} <= tried


@pytest.mark.parametrize(
    "name", [name for name, kind in KINDS.items() if kind.base in (int, float)]
)
def test_a_word_for_a_number(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused([dashed(name), "many"], capsys)
    kind = KINDS[name]._replace(many=False)
    assert said == f"error: {dashed(name)} must be {kind.name}, got 'many'\n"


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if not kind.many])
def test_an_option_without_its_value_and_a_flag_with_one(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    option = dashed(name)
    if KINDS[name].base is bool:
        expected = f"{option} takes no value, got 'no'; write {option} or {dashed(f'no_{name}')}"
        assert refused([f"{option}=no"], capsys) == f"error: {expected}\n"
    else:
        said = refused([option, "--smoke"], capsys)
        assert said == f"error: {option} needs a value, {KINDS[name].name}\n"


def test_words_that_belong_to_no_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert "unknown argument 'epochs': options begin with --; did you mean --epochs?" in refused(
        ["epochs", "3"], capsys
    )
    assert "unknown argument 'x'" in refused(["--smoke", "x"], capsys)
