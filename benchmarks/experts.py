"""Speed of whole games: this project, river, and loops in numpy, numba and jax, on one core.

    python benchmarks/experts.py --out DIR [--threads N] [--smoke]

Needs `pip install 'experts-xnas[bench]'`. With `--threads N` also ours on N cores beside one.

Every contender plays the same losses in [0, 1], which are in memory. Rates are problem-rounds a
second, medians over repeats that take turns. Ours is all of `play`: checks, books and records, and
the random numbers of the draws. The numpy and numba loops (`loops.py`) compute the algorithm and
the player's loss, nothing else; "jax scan" does the same with this project's pure functions under
jax.jit (`jax_scan.py`); river's learners are called as documented. Numba is the compiled engine of
`play` because it wins this comparison.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

here = sys.path.pop(0)  # this file has the package's name and would be found first

import experts
from experts.environments import Given

sys.path.insert(0, here)

from jax_scan import jax_scan
from loops import LOOPS

Run = Callable[[], Any]


def main() -> None:
    """Time all cases, write result.json, print the table last."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark"))
    parser.add_argument("--smoke", action="store_true", help="tiny: to see that it works")
    parser.add_argument("--threads", type=int, default=1, help="also time ours on so many cores")
    options = parser.parse_args()
    records = []
    for game in ("hedge", "exp3", "tsallis_inf"):
        for count in (10,) if options.smoke else (10, 1000):
            for batch in (1, 256):
                records += case(game, count, batch, options)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "result.json").write_text(json.dumps(records, indent=2) + "\n")
    print("problem-rounds per second, one core")
    print(f"{'case':<42}{'ours':>12}{'peer':>12}{'ratio':>9}")
    for r in records:
        print(f"{r['case']:<42}{r['ours']:>12,.0f}{r['peer']:>12,.0f}{r['ratio']:>9.2f}")


def case(game: str, count: int, batch: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Records of one game and size, one for each peer."""
    smoke, threads = options.smoke, options.threads
    work = 10_000 if smoke else 20_000_000
    rounds = max(8, min(work // (count * batch), 1_000_000))
    losses = np.random.default_rng(0).random((rounds, batch, count))
    ours = project(game, losses)
    contenders: dict[str, tuple[Run, int]] = {"ours": (on(1, ours), rounds * batch)}
    if threads > 1:
        contenders["ours on threads"] = (on(threads, ours), rounds * batch)
    for name, loop in LOOPS[game].items():
        # The slow ones play only the first rounds.
        short = losses if name == "numba loop" else losses[: max(8, rounds // 50)]
        contenders[name] = (loop(short), short.shape[0] * batch)
    few = losses[: max(8, rounds // 10)]
    compiled = jax_scan(few, learner_of(game, len(few)), bandit=game != "hedge")
    contenders["jax scan"] = (compiled, len(few) * batch)
    if game in RIVER:
        few = min(rounds, 20 if smoke else max(20, 30_000 // count))
        contenders["river"] = (RIVER[game](losses[:few, 0]), few)
    rates = timed(contenders, repeats=1 if smoke else 5)
    mine, both = rates.pop("ours"), rates.pop("ours on threads", None)
    label = f"{game} K={count} problems={batch}"
    pairs = [(f"{label} vs {peer}", mine, rate) for peer, rate in rates.items()]
    if both is not None:
        pairs.append((f"{label} {threads} cores vs one", both, mine))
    return [
        {"case": name, "ours": ours, "peer": peer, "ratio": ours / peer}
        for name, ours, peer in pairs
    ]


def timed(contenders: dict[str, tuple[Run, int]], repeats: int) -> dict[str, float]:
    """Median problem-rounds a second; after a turn to warm up they take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(repeats + 1):
        for name, (run, _) in contenders.items():
            start = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: work / statistics.median(seconds[name]) for name, (_, work) in contenders.items()}


def learner_of(game: str, rounds: int) -> Any:
    """The learner of a game, tuned for `rounds` rounds."""
    return {
        "hedge": experts.hedge(horizon=rounds),
        "exp3": experts.exp3(horizon=rounds),
        "tsallis_inf": experts.tsallis_inf(),
    }[game]


def on(threads: int, run: Run) -> Run:
    """The run on so many of numba's threads."""

    def limited() -> Any:
        numba.set_num_threads(threads)
        return run()

    return limited


def project(game: str, losses: np.ndarray) -> Run:
    """Ours: `play`, with the engine that it chooses."""
    learner = learner_of(game, len(losses))
    environment = Given(losses, loss_interval=(0, 1))
    feedback = "full" if game == "hedge" else "bandit"
    return lambda: experts.play(learner, environment, feedback=feedback, progress=False)


def river_hedge(losses: np.ndarray) -> Run:
    """river's EWARegressor, with experts that predict constants 1 / K apart.

    Its loss is a function of prediction and target, so it has losses of its own; timed is a round
    of prediction and learning with K experts that cost almost nothing.
    """
    from river import base, ensemble, optim  # noqa: PLC0415  (optional)

    class Constant(base.Regressor):  # type: ignore[misc]
        def __init__(self, value: float) -> None:
            self.value = value

        def learn_one(self, x: Any, y: Any) -> None:
            """Nothing to learn."""

        def predict_one(self, x: Any) -> float:
            return self.value

    count = losses.shape[1]

    def run() -> None:
        models = [Constant(k / count) for k in range(count)]
        learner = ensemble.EWARegressor(models, loss=optim.losses.Squared(), learning_rate=0.1)
        for target in losses[:, 0].tolist():
            learner.predict_one({})
            learner.learn_one({}, target)

    return run


def river_exp3(losses: np.ndarray) -> Run:
    """river's bandit.Exp3, on rewards 1 - loss."""
    from river import bandit  # noqa: PLC0415  (optional)

    arms = list(range(losses.shape[1]))
    rewards = (1 - losses).tolist()

    def run() -> None:
        random.seed(0)
        policy = bandit.Exp3(gamma=0.1, seed=0)
        for reward in rewards:
            arm = policy.pull(arms)
            policy.update(arm, reward[arm])

    return run


RIVER: dict[str, Callable[[np.ndarray], Run]] = {"hedge": river_hedge, "exp3": river_exp3}

if __name__ == "__main__":
    main()
