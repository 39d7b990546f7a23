"""Speed of bandits that see a context, on one core: LinUCB, and Exp4.

    python benchmarks/contextual.py --out DIR [--smoke]        (pip install 'experts-xnas[bench]')

LinUCB with a parameter for each arm, beside river's and MABWiser's, which play one problem, a row
at a time; Exp4 beside a loop in numpy that computes the algorithm, the draw and the loss, and
nothing else. Rates are problem-rounds a second, medians over repeats that take turns. A round is to
choose, to draw, and to learn.
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

sys.path.pop(0)  # a file beside this one has the package's name and would be found first

from experts import Feedback, contextual, draw

ARMS, DIMENSION = 5, 10
EXPERTS, ADVISED = 16, 8


def main() -> None:
    """Time all cases, write result.json, print the table last."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark-contextual"))
    parser.add_argument("--smoke", action="store_true", help="tiny: to see that it works")
    options = parser.parse_args()
    records = []
    for problems in (1, 256):
        rounds = 20 if options.smoke else 2000 // (1 + problems // 32)
        records += compared("linucb", linear(rounds, problems), options.smoke)
        records += compared("exp4", advised(rounds, problems), options.smoke)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "result.json").write_text(json.dumps(records, indent=2) + "\n")
    print("problem-rounds per second, one core")
    for r in records:
        print(f"{r['case']:<42}{r['ours']:>12,.0f}{r['peer']:>12,.0f}{r['ratio']:>9.2f}")


Game = tuple[np.ndarray, np.ndarray]
"""Contexts (T, B, ...) and losses (T, B, K)."""


def linear(rounds: int, problems: int) -> Game:
    """Contexts (T, B, d) that the arms share, and losses."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((rounds, problems, DIMENSION)), rng.random((rounds, problems, ARMS))


def advised(rounds: int, problems: int) -> Game:
    """Advice (T, B, N, K), and losses."""
    world = contextual.GoodAdvice(EXPERTS, ADVISED)
    return world.start([np.random.default_rng(seed) for seed in range(problems)])(rounds)


def compared(name: str, game: Game, smoke: bool) -> list[dict[str, Any]]:
    """Records of ours beside each peer, which plays fewer rounds if it is slow."""
    rounds, problems = game[1].shape[:2]
    few = max(20, rounds // 10)
    work: dict[str, tuple[Callable[[], object], int]] = {}
    for peer, play in PLAYERS[name].items():
        own = game if peer in ("ours", "numpy loop") else (game[0][:few, :1], game[1][:few, :1])
        work[peer] = (lambda play=play, own=own: play(*own)), own[1].shape[0] * own[1].shape[1]
    seconds: dict[str, list[float]] = {peer: [] for peer in work}
    for turn in range(2 if smoke else 6):
        for peer, (run, _) in work.items():
            start = time.perf_counter()
            run()
            if turn:  # the first one warms up
                seconds[peer].append(time.perf_counter() - start)
    rates = {peer: count / statistics.median(seconds[peer]) for peer, (_, count) in work.items()}
    ours = rates.pop("ours")
    return [
        {
            "case": f"{name} problems={problems} vs {peer}",
            "ours": ours,
            "peer": rate,
            "ratio": ours / rate,
        }
        for peer, rate in rates.items()
    ]


def ours(policy: Any, show: Callable[[Any], Any]) -> Callable[[Any, Any], None]:
    """A game of a policy of this project."""

    def run(contexts: Any, losses: Any) -> None:
        rng = np.random.default_rng(0)
        state = policy.init(show(contexts[0]))
        for context, loss in zip(contexts, losses, strict=True):
            shown = show(context)
            play = policy.predict(state, shown, rng.random(loss.shape))
            arm = draw(play, rng.random((len(loss), 1)))
            state = policy.update(state, shown, play, Feedback(loss, arm, play))

    return run


def river(contexts: Any, losses: Any) -> None:
    """river's LinUCBDisjoint, on rewards 1 - loss."""
    from river import bandit  # noqa: PLC0415  (optional)

    policy, arms = bandit.LinUCBDisjoint(seed=0), list(range(ARMS))
    for context, loss in zip(contexts[:, 0].tolist(), losses[:, 0].tolist(), strict=True):
        x = dict(enumerate(context))
        arm = policy.pull(arms, context=x)
        policy.update(arm, x, 1 - loss[arm])


def mabwiser(contexts: Any, losses: Any) -> None:
    """MABWiser's LinUCB, updated after every round, on rewards 1 - loss."""
    from mabwiser.mab import MAB, LearningPolicy  # noqa: PLC0415  (optional)

    policy = MAB(list(range(ARMS)), LearningPolicy.LinUCB(alpha=1.0, l2_lambda=1.0))
    for t, (context, loss) in enumerate(zip(contexts, losses, strict=True)):
        arm = policy.predict(context) if t else 0
        (policy.partial_fit if t else policy.fit)([arm], [1 - loss[0, arm]], context)


def numpy_exp4(advice: Any, losses: Any) -> None:
    """Exp4 in numpy, with the rate of `exp4()`."""
    rng = np.random.default_rng(0)
    problems, log_n = np.arange(losses.shape[1]), np.log(EXPERTS)
    total, spread = np.zeros(advice.shape[1:3]), np.zeros((len(problems), 1))
    for each, loss in zip(advice, losses, strict=True):
        spread += each.max(axis=-2).sum(axis=-1, keepdims=True)
        lead = total - total.min(axis=-1, keepdims=True)
        weights = np.exp(-np.sqrt(log_n / spread) * lead)
        weights /= weights.sum(axis=-1, keepdims=True)
        play = (weights[:, None] @ each)[:, 0]
        below = play.cumsum(axis=-1)
        arm = (below <= rng.random((len(problems), 1)) * below[:, -1:]).sum(axis=-1)
        estimate = loss[problems, arm] / play[problems, arm]
        total += each[problems, :, arm] * estimate[:, None]


PLAYERS: dict[str, dict[str, Callable[[Any, Any], None]]] = {
    "linucb": {
        "ours": ours(contextual.linucb(), lambda x: contextual.disjoint(x, ARMS)),
        "river": river,
        "MABWiser": mabwiser,
    },
    "exp4": {"ours": ours(contextual.exp4(), lambda advice: advice), "numpy loop": numpy_exp4},
}

if __name__ == "__main__":
    main()
