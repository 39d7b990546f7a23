"""Cost of `Player`'s checks: seconds of an update with them, and without.

`ratio` is ours / peer: 1.2 means that checking costs 20 % of an update. An update includes the
prediction, as `Player.update` does. Run: python benchmarks/checks.py --out DIR [--smoke]
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

K, BATCH = 10, 256


def seconds(updates: list[Callable[[], object]], repeats: int, calls: int) -> list[float]:
    """Median seconds of a call of each update; they take turns, so that a slow spell hits all."""
    times: list[list[float]] = [[] for _ in updates]
    for _ in range(repeats):
        for update, record in zip(updates, times, strict=True):
            start = time.perf_counter()
            for _ in range(calls):
                update()
            record.append((time.perf_counter() - start) / calls)
    return [statistics.median(record) for record in times]


def rounds(player: experts.Player[Any], loss: Any, feedback: str) -> Callable[[], object]:
    """A function that makes one update, with full, bandit or sleeping feedback."""
    play = player.predict()
    if feedback == "bandit":
        seen = experts.draw(play, loss[..., :1])
        return lambda: player.update(loss, seen=seen, chance=play)
    if feedback == "sleeping":
        awake = loss > 0.2
        return lambda: player.update(loss, awake=awake)
    return lambda: player.update(loss)


def measure(repeats: int, calls: int) -> list[dict[str, Any]]:
    """A record for each library, learner and kind of feedback."""
    table = []
    numbers = np.random.default_rng(0).random((BATCH, K))
    for library, loss in (("numpy", numbers), ("torch", torch.asarray(numbers))):
        for name, learner in (("hedge", experts.hedge(0.1)), ("adahedge", experts.adahedge())):
            for feedback in ("full", "bandit", "sleeping"):
                players = [
                    experts.Player(learner, loss, loss_interval=(0.0, 1.0), checks=checks)
                    for checks in (True, False)
                ]
                pair = [rounds(player, loss, feedback) for player in players]
                ours, peer = seconds(pair, repeats, calls)
                case = f"{library}, {name}, {feedback}, K={K}, batch {BATCH}"
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
