"""Games so long that rounding could break a certificate: 10^7 rounds in float32 and in float64.

    python benchmarks/long_games.py --out DIR [--smoke]        (pip install 'experts-xnas[bench]')

The learners' pure functions run under jax.jit, in either precision. Regret is summed beside them in
float64, of the distributions as they were played. At a hundred times of a game it is compared with
the certificate, for every expert: regret <= certificate must hold there without any tolerance.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

here = sys.path.pop(0)  # a file beside this one has the package's name and would be found first

import experts
from experts import Feedback

sys.path.insert(0, here)

jax.config.update("jax_enable_x64", True)
MEANS = (0.5, 0.5, 0.501, 0.6)
"""Of the experts' losses: two that stay close, one that a long game tells apart, one far behind."""
TIMES = 100
"""How often regret and certificate are compared."""


def learners(rounds: int) -> dict[str, Any]:
    """The learners by name, those with a horizon tuned for the game."""
    return {
        "hedge": experts.hedge(horizon=rounds),
        "adahedge": experts.adahedge(),
    }


def play(learner: Any, dtype: Any, rounds: int) -> dict[str, float]:
    """One game; the smallest of certificate - regret over times and experts, and the last ones."""
    means = jnp.asarray(MEANS)

    def step(carried: tuple[Any, Any], key: Any) -> tuple[tuple[Any, Any], None]:
        state, regret = carried
        loss = (jax.random.uniform(key, means.shape) < means).astype(dtype)
        p = learner.predict(state)
        exact = loss.astype(jnp.float64)
        regret = regret + (p.astype(jnp.float64) * exact).sum() - exact
        return (learner.update(state, p, Feedback(loss)), regret), None

    @jax.jit
    def part(state: Any, regret: Any, key: Any) -> Any:
        keys = jax.random.split(key, rounds // TIMES)
        return jax.lax.scan(step, (state, regret), keys)[0]

    state, regret = learner.init(means.astype(dtype)), jnp.zeros(len(MEANS))
    keys = jax.random.split(jax.random.key(0), TIMES)
    least, worst = float("inf"), float("nan")
    for key in keys:
        state, regret = part(state, regret, key)
        room = jnp.asarray(learner.certificate(state), dtype=jnp.float64) - regret
        least = min(least, float(room.min()))
        worst = float(regret.max())
    best = int(regret.argmax())
    return {
        "regret": worst,
        "certificate": float(learner.certificate(state)[best]),
        "least_room": least,
    }


def main() -> None:
    """Play all games and write their table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=10_000_000)
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    rounds = 10_000 if arguments.smoke else arguments.rounds
    rows = []
    for name, learner in learners(rounds).items():
        for dtype in ("float32", "float64"):
            start = time.perf_counter()
            found = play(learner, getattr(jnp, dtype), rounds)
            seconds = time.perf_counter() - start
            rows.append({"learner": name, "dtype": dtype, "rounds": rounds, **found})
            print(
                f"{name:<17} {dtype}  regret {found['regret']:>10.3f}  certificate "
                f"{found['certificate']:>10.3f}  least room {found['least_room']:>9.3g}  "
                f"{'kept' if found['least_room'] >= 0 else 'BROKEN'}  {seconds:.0f} s",
                flush=True,
            )
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "result.json").write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
