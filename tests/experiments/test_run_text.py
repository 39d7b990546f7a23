"""The command on text, in the recurrent space: every method, and mistakes."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import run_xnas
import torch

from nas_adapter.runs.run import Run
from nas_adapter.runs.search import SearchSettings, search
from nas_adapter.spaces import DARTSRNN
from nas_adapter.strategies import METHODS, MethodSettings
from nas_adapter.strategies.random_search import RandomSearchSettings
from nas_adapter.strategies.xnas import XNASSettings
from nas_adapter.tasks import TextSettings

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
STEPS = 27  # of an epoch


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A fixed text, so that nothing here depends on how a document is worded."""
    path = tmp_path_factory.mktemp("text") / "page.txt"
    path.write_text(TEXT[:1000])
    return f"text:{path}"


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--data digits", "unknown --data 'digits': choose one of pydoc, text:PATH"),
        ("--data text:/does/not/exist", "--data: there is no /does/not/exist"),
        ("--batch-size 1000", "the valid part of the text has "),
        ("--tokens letter", "unknown --tokens 'letter': choose one of auto, word, char"),
        ("--dropout 1", "--dropout must be in [0, 1)"),
        ("--bptt 0", "--bptt must be at least 1, got 0"),
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
