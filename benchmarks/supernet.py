"""Seconds of a search step: ours, beside another checkout of this project and quark0/darts.

Every contender is a process of its own; they take turns, one at a time; figures are medians. On the
CPU it is one thread's CPU time, which other programs on the machine disturb less; on CUDA, and with
--threads (for an idle machine), it is time on the wall. `ratio` is peer / ours: how many times as
fast ours is, or how many times less memory it takes above what was in use before.

Run: python benchmarks/supernet.py --out DIR [--base PATH] [--peer PATH] [--device cuda] [--smoke]
--base: another checkout of this project; --peer: one of quark0/darts; without them only ours runs.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.remove(str(HERE))  # benchmarks/experts.py has the package's name and would be found first
sys.path.append(str(HERE))

from searches import Case, Contender

CPU = [
    Case("nasbench201", "xnas", 16),
    Case("nasbench201", "xnas", 16, removed=0.5),
    Case("darts-cnn", "xnas", 8, batch=16),
    Case("darts-cnn", "xnas", 8, batch=16, removed=0.5),
    Case("darts-cnn", "darts-first", 8, batch=16),
    Case("darts-cnn", "darts-second", 8, batch=16),
    Case("darts-rnn", "darts-first", 128),
    Case("darts-rnn", "darts-first", 300),
]
CUDA = [
    Case("nasbench201", "xnas", 16, cells=5),
    Case("nasbench201", "xnas", 16, cells=5, removed=0.5),
    Case("darts-cnn", "xnas", 16, cells=2),
    Case("darts-cnn", "darts-first", 16, cells=2),
    Case("darts-rnn", "darts-first", 300),
    Case("darts-cnn", "darts-second", 16, cells=2),
]
SMOKE = [
    Case("nasbench201", "xnas", 4, batch=4),
    Case("darts-cnn", "darts-first", 2, batch=4),
    Case("darts-rnn", "darts-first", 8, batch=4),
]


STEADY = 8
"""Steps after which a search on CUDA is captured in graphs."""


class Process:
    """A contender's process; see searches.py."""

    def __init__(self, case: Case, contender: Contender, options: argparse.Namespace) -> None:
        asked = {
            "case": dataclasses.asdict(case),
            "contender": dataclasses.asdict(contender),
            "device": options.device,
            "wall": options.device == "cuda" or options.threads > 1,
        }
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "searches.py"), json.dumps(asked)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def seconds(self, steps: int) -> float:
        """Take so many steps; seconds of each."""
        return self._ask(str(steps)) / steps

    def memory(self) -> float:
        """Its peak memory, MiB."""
        return self._ask("memory")

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    def _ask(self, line: str) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("a contender stopped: its error is above")
        return float(answer)


def contenders(case: Case, options: argparse.Namespace) -> dict[str, Contender]:
    """Who takes part in a case."""
    ours = str(HERE.parent)
    found = {"ours": Contender(ours)}
    if options.device == "cuda":
        found["ours eager"] = Contender(ours, graphs=False)
        if case.space != "darts-rnn":
            found["ours NCHW"] = Contender(ours, nchw=True)
        if case.space == "darts-cnn":
            found["ours unmerged"] = Contender(ours, unmerged=True)
    if options.threads > 1:
        found[f"ours, {options.threads} threads"] = Contender(ours, threads=options.threads)
    if options.base:
        found["base"] = Contender(str(options.base.resolve()), graphs=False)
    if options.peer and case.method.startswith("darts") and not case.removed:
        found["quark0/darts"] = Contender(str(options.peer.resolve()), graphs=False)
    return found


def measure(case: Case, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The records of a case."""
    on_cuda = options.device == "cuda"
    who = contenders(case, options)
    processes = {name: Process(case, one, options) for name, one in who.items()}
    first = {name: process.seconds(1) for name, process in processes.items()}
    if on_cuda:
        for name, process in processes.items():
            process.seconds(STEADY if who[name].graphs else 1)
            first[name] = process.seconds(1)
    times: dict[str, list[float]] = {name: [] for name in processes}
    for _ in range(options.repeats):
        for name, process in processes.items():
            count = max(1, min(20, round(0.4 / first[name]))) if on_cuda else 1
            times[name].append(process.seconds(count))
    peaks = {name: process.memory() for name, process in processes.items()}
    for process in processes.values():
        process.close()
    medians = {name: statistics.median(found) for name, found in times.items()}
    return records(f"{case}, s", medians) + records(f"{case}, MiB", peaks)


def records(label: str, found: dict[str, float]) -> list[dict[str, Any]]:
    """A record for each peer; one without a peer if there is none."""
    ours = found.pop("ours")
    if not found:
        return [{"case": label, "ours": ours, "peer": None, "ratio": None}]
    return [
        {"case": f"{label} vs {name}", "ours": ours, "peer": peer, "ratio": peer / ours}
        for name, peer in found.items()
    ]


def in_a_row(case: Case, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Seconds of a step, mean of many in a row."""
    process = Process(case, Contender(str(HERE.parent)), options)
    process.seconds(STEADY)
    each = process.seconds(options.steps)
    process.close()
    return records(f"{case}, s, mean of {options.steps}", {"ours": each})


def main() -> None:
    """Measure, write result.json after every case, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="folder for result.json")
    parser.add_argument("--base", type=Path, help="another checkout of this project")
    parser.add_argument("--peer", type=Path, help="a checkout of quark0/darts")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=1, help="of one more contender, ours")
    parser.add_argument("--case", default="", help="only the cases that start so")
    parser.add_argument("--repeats", type=int, help="turns of every contender")
    parser.add_argument("--steps", type=int, help="only so many steps of the first case, in a row")
    parser.add_argument("--smoke", action="store_true", help="tiny networks, one turn")
    options = parser.parse_args()
    on_cuda = options.device == "cuda"
    options.repeats = options.repeats or (1 if options.smoke else 3 if on_cuda else 5)
    all_cases = SMOKE if options.smoke else CUDA if on_cuda else CPU
    cases = [case for case in all_cases if str(case).startswith(options.case)]
    options.out.mkdir(parents=True, exist_ok=True)
    table: list[dict[str, Any]] = []
    for case in cases[:1] if options.steps else cases:
        fresh = in_a_row(case, options) if options.steps else measure(case, options)
        for row in fresh:
            peer, ratio = (f"{row[key]:.4g}" if row[key] else "-" for key in ("peer", "ratio"))
            print(f"{row['case']:75} {row['ours']:9.4g} {peer:>9} {ratio:>6}", flush=True)
        table += fresh
        (options.out / "result.json").write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
