"""kill -9 at random moments, over methods and spaces: the resumed run has the same numbers.

The runs of a kind share one that is not killed. Twenty kills in the profile "ci", else two.
"""

from __future__ import annotations

import math
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nas_adapter.spaces import DARTSRNN
from tests.experiments.forked import Forked
from tests.experiments.test_run_text import STEPS, TEXT
from tests.experiments.test_run_xnas import SMALL, contents, lines_in, numbers
from tests.nas_adapter.spaces.test_own_space import documented_example
from tests.profile import IN_CI

OFTEN = ["--checkpoint-minutes", "0.005"]
DEFAULT = ["--looks", "8", "--retrain-epochs", "2", "--channels", "4", "--batch-size", "240"]
DEFAULT += ["--epochs", "12", "--baselines", "1", "--decide", "trained"]
DEFAULT += ["--fidelity-cells", "12", "--fidelity-epochs", "1"]
RECURRENT = ["--space", "darts-rnn", "--channels", "6", "--batch-size", "16", "--bptt", "2"]
RECURRENT += ["--retrain-epochs", "6"]
TINY = ["--smoke", "--fidelity-cells", "0", "--baselines", "1", "--channels", "2"]
KILLS = {
    "published": 3,
    "default": 4,
    "text": 3,
    "second order": 2,
    "sampled": 3,
    "random": 3,
    "retrain": 2,
}
if not IN_CI:
    KILLS = {"published": 1, "default": 1}


def arguments(kind: str, folder: Path) -> list[str]:
    """The run of a kind; files that it needs are written to the folder."""
    novel = folder / "novel.txt"
    novel.write_text(TEXT[:1000])
    text = [*RECURRENT, "--data", f"text:{novel}"]
    space = f"{documented_example(folder)}:Blocks"
    words = {
        "published": [*SMALL, "--epochs", "5", "--retrain-epochs", "2"],
        "default": [*DEFAULT, "--space", space],
        "text": [*text, "--space", impatient(folder), "--epochs", "3", "--reward-bound", "0.0001",
            "--compare", "DARTS_V2", "--baselines", "1", "--decide", "search"],
        "second order": ["--method", "darts-second", *TINY],
        "sampled": ["--space", "darts-cnn", "--method", "xnas-sampled", *TINY],
        "random": [*text, "--method", "random", "--candidates", "9", "--baselines", "1"],
        "retrain": [*text, "--no-held-out", "--retrain", "DARTS_V1", "DARTS_V2", "--seeds", "1",
            "2"],
    }[kind]  # fmt: skip
    return [*words, *OFTEN]


def impatient(folder: Path) -> str:
    """The space, made so that weights soon are averaged, and operations soon wiped out."""
    path = folder / "impatient.py"
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


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forked]:
    server = Forked(tmp_path_factory.mktemp("forked"))
    yield server
    server.close()


def check_result(kind: str, result: dict[str, Any]) -> None:
    """That there was something to lose."""
    if kind == "default":
        check_default(result)
    if kind == "text":
        check_text(result)
    if kind == "published":
        assert result["wiped_out"]


def check_default(result: dict[str, Any]) -> None:
    """What a result of the default preset says."""
    assert result["prior"]["kind"] == "scores"
    assert result["prior"]["looks"] >= 8
    assert result["prior"]["price_nats"] > 0
    assert result["prior"]["trainability_sd_nats"] >= 0
    assert result["wipeout_rule"].startswith("weights")
    assert result["weights"] == "single-path"
    assert result["regret"] <= result["regret_certificate"] <= result["regret_bound"]
    assert result["regret_certificate"] <= result["regret_bound_with_wipeout"] + 1e-9
    advisors = [who for row in result["candidates"] for who in row["advisors"]]
    assert set(advisors) == {"largest", "prior", "random 1", "search"}
    (chosen,) = (
        row for row in result["candidates"] if row["architecture"] == result["architecture"]
    )
    assert chosen["advisors"] == result["decision"]["advisors"]
    assert chosen["test_accuracy"] == result["test_accuracy"]
    assert result["judging_images"] == result["decision"]["judging_examples"]
    assert len(result["fidelity"]["held_out_losses"]) == 12
    for who in ("search", "prior", "parameters"):
        assert result["fidelity"][who]["cells"] == 12


def check_text(result: dict[str, Any]) -> None:
    """What the result of an impatient run that compares says."""
    assert result["metrics"][-3]["averaged"], "nothing is averaged before the last epochs"
    assert min(wipe["step"] for wipe in result["wiped_out"]) <= 2 * STEPS
    space = DARTSRNN()
    for one in (result, *result["random_architectures"], *result["compared_architectures"]):
        assert space.genotype(space.parse(one["architecture"])) == one["architecture"]
        assert 1 < one["test_perplexity"] < math.inf
    assert result["test_accuracy"] is result["valid_accuracy"] is None
    assert 1 < result["valid_perplexity"] < math.inf
    assert result["tokens"] == "char"
    assert result["regret"] <= result["regret_certificate"] <= result["regret_bound"]


@pytest.mark.parametrize("kind", KILLS)
def test_a_killed_run_resumes_to_the_same_numbers(
    kind: str, forked: Forked, tmp_path: Path
) -> None:
    words = arguments(kind, tmp_path)
    forked.run(*words, "--out", tmp_path / "whole")
    expected = numbers(tmp_path / "whole")
    check_result(kind, expected)
    chance, total = random.Random(kind), len(expected["metrics"])
    out = tmp_path / "killed"
    metrics, moments = out / "metrics.jsonl", sorted(chance.sample(range(total - 1), KILLS[kind]))
    for lines in moments:
        delay = chance.uniform(0, 0.1)

        def now(lines: int = lines, delay: float = delay) -> bool:
            if lines_in(metrics) < lines or not (out / "config.json").exists():
                return False
            time.sleep(delay)
            return True

        begun = ["--resume"] if out.exists() else []
        given = words if not begun else words[-2:]
        assert forked.signal(signal.SIGKILL, now, *given, "--out", out, *begun) == -signal.SIGKILL
        assert not (out / "result.json").exists()
    forked.run("--out", out, "--resume")
    assert numbers(out) == expected


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_run_with_one_line(
    signum: signal.Signals, forked: Forked, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    space = f"{documented_example(tmp_path)}:Blocks"
    words = [*SMALL, "--epochs", "100", "--space", space]
    code = forked.signal(signum, lambda: lines_in(out / "metrics.jsonl") > 3, *words, "--out", out)
    assert code == 128 + signum
    *_, last = forked.said().splitlines()
    assert last.startswith("stopped: go on with ")
    assert last.endswith(f" --out {out} --resume")
    assert "Traceback" not in forked.said()
    assert "lock" not in contents(out)
