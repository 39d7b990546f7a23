"""Cost of `Player`'s checks: seconds of a round with them, and without.

`ratio` is ours / peer: 1.2 means that checking costs 20 % of a round. A round is a `predict` and an
`update`. Run: python benchmarks/checks.py --out DIR [--smoke]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.pop(0)  # benchmarks/experts.py has the package's name and would be found first

import experts

K, BATCHES = 10, (1, 256)

LIBRARIES: dict[str, Callable[[Any], Any]] = {"numpy": np.asarray, "torch": torch.asarray}


def seconds(rounds: list[Callable[[], object]], repeats: int, calls: int) -> list[float]:
    """Median seconds of each kind of round; they take turns, so that a slow spell hits all."""
    times: list[list[float]] = [[] for _ in rounds]
    for _ in range(repeats):
        for play, record in zip(rounds, times, strict=True):
            start = time.perf_counter()
            for _ in range(calls):
                play()
            record.append((time.perf_counter() - start) / calls)
    return [statistics.median(record) for record in times]


def a_round(player: experts.Player[Any], loss: Any, feedback: str) -> Callable[[], object]:
    """A function that plays one round, with full, bandit or sleeping feedback."""
    awake = loss > 0.2 if feedback == "sleeping" else None

    def run() -> None:
        play = player.predict(awake)
        if feedback == "bandit":
            player.update(loss, seen=experts.draw(play, loss[..., :1]), chance=play)
        else:
            player.update(loss, awake=awake)

    return run


def measure(repeats: int, calls: int) -> list[dict[str, Any]]:
    """A record for each library, learner and kind of feedback."""
    table = []
    numbers = [np.random.default_rng(0).random((batch, K)) for batch in BATCHES]
    cases = [(lib, make(n)) for lib, make in LIBRARIES.items() for n in numbers]
    for library, loss in cases:
        for name, learner in (("hedge", experts.hedge(0.1)), ("adahedge", experts.adahedge())):
            for feedback in ("full", "bandit", "sleeping"):
                players = [
                    experts.Player(learner, loss, loss_interval=(0.0, 1.0), checks=checks)
                    for checks in (True, False)
                ]
                pair = [a_round(player, loss, feedback) for player in players]
                ours, peer = seconds(pair, repeats, calls)
                case = f"{library}, {name}, {feedback}, K={K}, batch {len(loss)}"
                table.append({"case": case, "ours": ours, "peer": peer, "ratio": ours / peer})
    return table


def main() -> None:
    """Measure, write result.json, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="folder for result.json")
    parser.add_argument("--smoke", action="store_true", help="a few seconds, rough numbers")
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = measure(*((15, 20) if options.smoke else (60, 100)))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "result.json").write_text(json.dumps(table, indent=1))
    print(f"{'case':45} {'checked':>11} {'unchecked':>11} {'ratio':>6}")
    for row in table:
        times = " ".join(f"{row[key] * 1e6:8.1f} us" for key in ("ours", "peer"))
        print(f"{row['case']:45} {times} {row['ratio']:6.3f}")


if __name__ == "__main__":
    main()
