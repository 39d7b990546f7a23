"""The command on text, in the recurrent space: whole runs of every method, and kills."""

from __future__ import annotations

import math
import signal
import subprocess
import time
from pathlib import Path

import pytest
import run_xnas
import torch

from nas_adapter.output import report
from nas_adapter.runs.run import Run
from nas_adapter.runs.search import SearchSettings, search
from nas_adapter.spaces import DARTSRNN
from nas_adapter.strategies import METHODS, MethodSettings
from nas_adapter.strategies.random_search import RandomSearchSettings
from nas_adapter.strategies.xnas import XNASSettings
from nas_adapter.tasks import TextSettings
from tests.experiments import test_run_xnas
from tests.experiments.test_run_xnas import COMMAND, lines_in

TEXT = (
    "Alice was beginning to get very tired of sitting by her sister on the bank, and of having "
    "nothing to do: once or twice she had peeped into the book her sister was reading, but it had "
    'no pictures or conversations in it, "and what is the use of a book," thought Alice '
    '"without pictures or conversations?"\n\n'
    "So she was considering in her own mind (as well as she could, for the hot day made her feel "
    "very sleepy and stupid), whether the pleasure of making a daisy-chain would be worth the "
    "trouble of getting up and picking the daisies, when suddenly a White Rabbit with pink eyes "
    "ran close by her.\n\n"
    "There was nothing so very remarkable in that; nor did Alice think it so very much out of the "
    'way to hear the Rabbit say to itself, "Oh dear! Oh dear! I shall be late!" (when she thought '
    "it over afterwards, it occurred to her that she ought to have wondered at this, but at the "
    "time it all seemed quite natural); but when the Rabbit actually took a watch out of its "
    "waistcoat-pocket, and looked at it, and then hurried on, Alice started to her feet."
)
"""Carroll 1865, Chapter I."""
SMALL = ["--space", "darts-rnn", "--channels", "6", "--batch-size", "16", "--bptt", "2"]
SMALL += ["--epochs", "3", "--retrain-epochs", "6", "--baselines", "1"]
STEPS = 27  # of an epoch
PUBLISHED = (
    "Genotype(recurrent=[('sigmoid', 0), ('relu', 1), ('relu', 1), ('identity', 1), ('tanh', 2), "
    "('sigmoid', 5), ('tanh', 3), ('relu', 5)], concat=range(1, 9))"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A fixed text, so that nothing here depends on how a document is worded."""
    path = tmp_path_factory.mktemp("text") / "page.txt"
    path.write_text(TEXT[:1000])
    return f"text:{path}"


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The space, made so that weights soon are averaged, and operations soon wiped out."""
    path = tmp_path_factory.mktemp("space") / "impatient.py"
    path.write_text(
        "from dataclasses import replace\n"
        "from nas_adapter.spaces import DARTSRNN\n"
        "class Impatient(DARTSRNN):\n"
        "    retrain_tuning = replace(\n"
        "        DARTSRNN.retrain_tuning, rate=80, lowest_rate=80, patience=0\n"
        "    )\n"
        "    search_tuning = replace(DARTSRNN.search_tuning, rate=0.1, lowest_rate=0.1)\n"
    )
    return f"{path}:Impatient"


@pytest.mark.parametrize(
    "method",
    [
        *(METHODS[name]() for name in METHODS if name not in {"xnas", "random"}),
        XNASSettings(reward_bound=0.02),
        RandomSearchSettings(candidates=3),
    ],
    ids=lambda method: method.name,
)
def test_every_method_finds_a_cell(method: MethodSettings, page: str, tmp_path: Path) -> None:
    cpu = torch.device("cpu")
    space, run = DARTSRNN(), Run(tmp_path, {}, resume=False, device=cpu)
    task = TextSettings(data=page, batch_size=16, bptt=2, dropout=0.1).load(0, cpu)
    settings = SearchSettings(method=method, epochs=1, channels=6)
    found, report, _ = search(settings, space, task, run, seed=0)
    run.close()
    assert space.parse(space.genotype(found)) == found
    assert report["steps"] == STEPS
    assert 1 < report["valid_perplexity"] < math.inf


def test_a_killed_run_resumes_to_the_same_numbers(
    page: str, impatient: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 in the third epoch of the search, and while weights are being averaged."""
    arguments = [*SMALL, "--data", page, "--reward-bound", "0.0001"]
    arguments += ["--space", impatient, "--compare", PUBLISHED, "--decide", "search"]
    whole, out = tmp_path / "whole", tmp_path / "killed"
    with monkeypatch.context() as patched:
        patched.setattr(report, "draw", lambda *_: None)  # once is enough, at the end
        assert run_xnas.command([*arguments, "--out", str(whole)]) == 0
    expected = test_run_xnas.numbers(whole)
    metrics = expected["metrics"]
    assert metrics[-3]["averaged"], "nothing is averaged before the last kill"
    assert min(wipe["step"] for wipe in expected["wiped_out"]) <= 2 * STEPS
    for line in (2 * STEPS + 1, len(metrics) - 2):
        process = subprocess.Popen(
            [*COMMAND, *arguments, "--out", str(out), *(["--resume"] if out.exists() else [])],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and lines_in(out / "metrics.jsonl") < line:
            time.sleep(0.01)
        assert process.poll() is None, "the run ended before it could be killed"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not (out / "result.json").exists()
    assert run_xnas.command([*arguments, "--out", str(out), "--resume"]) == 0
    assert test_run_xnas.numbers(out) == expected
    space = DARTSRNN()
    for one in (expected, *expected["random_architectures"], *expected["compared_architectures"]):
        assert space.genotype(space.parse(one["architecture"])) == one["architecture"]
        assert 1 < one["test_perplexity"] < math.inf
    assert expected["test_accuracy"] is expected["valid_accuracy"] is None
    assert 1 < expected["valid_perplexity"] < math.inf
    assert expected["tokens"] == "char"
    assert expected["regret"] <= expected["regret_certificate"] <= expected["regret_bound"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--data digits", "unknown text 'digits': choose one of pydoc, text:PATH"),
        ("--data text:/does/not/exist", "text /does/not/exist does not exist"),
        ("--batch-size 1000", "the valid part of the text has "),
        ("--tokens letter", "unknown tokens 'letter': choose one of auto, word, char"),
        ("--dropout 1", "--dropout must be in [0, 1)"),
        ("--bptt 0", "--bptt must be a positive number"),
        ("--compare Genotype()", "--compare: not a recurrent cell of DARTS: 'Genotype()'"),
    ],
)
def test_bad_arguments(
    arguments: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--space", "darts-rnn", *arguments.split(), "--out", str(tmp_path)]
    assert run_xnas.command(given) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")
    assert list(tmp_path.iterdir()) == []
