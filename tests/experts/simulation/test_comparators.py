"""What the environment knows, and games that are played in portions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest

import experts
from experts import Trace, policies
from experts.environments import Sleeping, Switching
from tests.experts.simulation.test_play import assert_same
from tests.experts.simulation.test_turns import COINS, Follower, Shown


def test_a_trace_knows_the_optimal_arm_and_the_best_sequence(tmp_path: Path) -> None:
    world = Switching(3, 90, switches=2, gap=0.5)
    trace = experts.play(experts.hedge(0.5), world, seeds=4, record_every=7, switches=1)
    seeds = [np.random.SeedSequence(seed, spawn_key=(0,)) for seed in range(4)]
    course: Any = world.start([np.random.default_rng(seed) for seed in seeds])
    losses, means = course.told(90)
    assert trace.pseudo_regret is not None
    for record, t in enumerate(trace.rounds):
        for seed in range(4):
            arm = means[:t, seed].sum(0).argmin()
            optimal = losses[:t, seed, arm].sum()
            np.testing.assert_allclose(
                trace.pseudo_regret[record, seed], trace.loss[record, seed] - optimal
            )
            best = losses[np.arange(t), seed, means[:t, seed].argmin(-1)].sum()
            assert trace.sequence_loss is not None
            assert trace.sequence_loss[record, seed] == best
    trace.save(tmp_path / "trace")
    assert_same(Trace.load(tmp_path / "trace"), trace)
    assert "pseudo_regret" in trace.to_pandas()
    trace.plot().savefig(tmp_path / "plot.png")
    assert matplotlib.image.imread(tmp_path / "plot.png").std() > 0.05


@pytest.mark.parametrize(
    ("learner", "world", "options"),
    [
        pytest.param(experts.hedge(0.5), Switching(3, 90, 2, 0.5), {}, id="scan"),
        pytest.param(policies.ucb1(), Switching(3, 90, 2, 0.5), {"delay": 4}, id="policy"),
        pytest.param(experts.squint(), Sleeping(COINS, 0.6), {"switches": 2}, id="sleeping"),
        pytest.param(Follower("features"), Shown("features"), {}, id="contexts"),
    ],
)
def test_a_game_that_is_played_in_portions_is_the_same(
    learner: Any, world: Any, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"rounds": 90, "seeds": 4, "record_every": 7} | options
    whole = experts.play(learner, world, **options)
    monkeypatch.setattr("experts.simulation.play._CHUNK", 130)  # 8 to 10 rounds
    assert_same(experts.play(learner, world, **options), whole, atol=1e-12)
