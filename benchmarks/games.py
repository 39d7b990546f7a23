"""Iterations a second of CFR and CFR+ at poker, beside OpenSpiel's Python implementation.

    python benchmarks/games.py --out DIR [--smoke]      (pip install 'experts-xnas[bench]')

One core, medians over repeats that take turns. An iteration updates both players at every
information set, and the averages. OpenSpiel walks the tree, with its suits of Leduc poker merged as
ours are (`suit_isomorphism`); ours multiplies with the payoffs of all pairs of sequences. Both
compute the same numbers: tests/experts/games/test_openspiel.py.
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

sys.path.pop(0)  # benchmarks/experts.py has the package's name and would be found first

from experts import regret_matching, regret_matching_plus
from experts.games import Match, kuhn, leduc, tree_game

Step = Callable[[], Any]

GAMES = {"Kuhn": (kuhn, "kuhn_poker"), "Leduc": (leduc, "leduc_poker(suit_isomorphism=true)")}


def main() -> None:
    """Time all cases, write result.json, print the table last."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark-games"))
    parser.add_argument("--smoke", action="store_true", help="tiny: to see that it works")
    options = parser.parse_args()
    records = [
        case(game, plus=plus, seconds=0.02 if options.smoke else 2.0)
        for game in GAMES
        for plus in (False, True)
    ]
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "result.json").write_text(json.dumps(records, indent=2) + "\n")
    print("iterations per second, one core")
    print(f"{'case':<42}{'ours':>12}{'peer':>12}{'ratio':>9}")
    for r in records:
        print(f"{r['case']:<42}{r['ours']:>12,.0f}{r['peer']:>12,.0f}{r['ratio']:>9.2f}")


def case(game: str, *, plus: bool, seconds: float) -> dict[str, Any]:
    """The record of one game; CFR with updates at once, or CFR+."""
    rates: dict[str, list[float]] = {"ours": [], "peer": []}
    steps = {"ours": project(game, plus=plus), "peer": open_spiel(game, plus=plus)}
    for turn in range(6):
        for name, step in steps.items():
            rate = timed(step, seconds / 5)
            if turn:
                rates[name].append(rate)
    ours, peer = (statistics.median(rates[name]) for name in ("ours", "peer"))
    label = f"{game} poker, {'CFR+' if plus else 'CFR'} vs OpenSpiel's Python"
    return {"case": label, "ours": ours, "peer": peer, "ratio": ours / peer}


def timed(step: Step, seconds: float) -> float:
    """Steps a second, over at least so many seconds."""
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        step()
        done += 1
    return done / (time.perf_counter() - start)


def project(game: str, *, plus: bool) -> Step:
    """Ours."""
    learner = regret_matching_plus() if plus else regret_matching()
    rules = tree_game(GAMES[game][0]())
    match = Match.open(learner, learner, rules, alternating=plus, linear=plus)

    def step() -> None:
        nonlocal match
        match = match.step()

    return step


def open_spiel(game: str, *, plus: bool) -> Step:
    """OpenSpiel's, whose CFRSolver has no option for updates at once."""
    import pyspiel  # noqa: PLC0415  (optional)
    from open_spiel.python.algorithms import cfr  # noqa: PLC0415

    solver = cfr._CFRSolver(pyspiel.load_game(GAMES[game][1]), plus, plus, plus)
    step: Step = solver.evaluate_and_update_policy
    return step


if __name__ == "__main__":
    main()
