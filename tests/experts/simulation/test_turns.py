"""`play` with policies, contexts, sleeping experts, late losses and sequences with switches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import experts
from experts import Ledger, Player, Trace, TrackingLedger, policies
from experts.contextual import LinearLosses
from experts.environments import (
    AgainstTheWeights,
    Bernoulli,
    Given,
    Sleeping,
)
from experts.testing.games import Game, games
from tests.experts.simulation.test_play import BANDITS, LEARNERS, assert_same

COINS = Bernoulli(np.linspace(0.3, 0.7, 4))
NORMAL = {"loss_interval": (-9.0, 9.0)}


@pytest.mark.parametrize("learner", LEARNERS)
def test_turns_are_the_plain_engine(learner: Any) -> None:
    for world in (COINS, AgainstTheWeights(4)):
        options: dict[str, Any] = {"rounds": 40, "seeds": 3}
        plain, turns = (
            experts.play(learner, world, engine=engine, **options) for engine in ("plain", "turns")
        )
        assert turns.engine == "turns"
        assert_same(turns, plain, atol=1e-12)


@pytest.mark.parametrize("learner", BANDITS)
def test_turns_are_the_plain_engine_for_bandits(learner: Any) -> None:
    options: dict[str, Any] = {"rounds": 40, "seeds": 3, "feedback": "bandit"}
    plain, turns = (
        experts.play(learner, COINS, engine=engine, **options) for engine in ("plain", "turns")
    )
    assert_same(turns, plain, atol=1e-12)


@pytest.mark.parametrize("learner", [experts.hedge(0.5), experts.squint()], ids=["hedge", "squint"])
@given(game=games(), seed=st.integers(0, 99))
def test_sleeping_regret_is_what_the_ledger_says(learner: Any, game: Game, seed: int) -> None:
    awake = np.random.default_rng(seed).random(game.loss.shape) < 0.6
    losses = np.where(awake, game.loss, np.nan)
    trace = experts.play(learner, Sleeping(Given(losses), awake), record_every=1)
    player, ledger = Player(learner, game.loss[0]), Ledger.open(game.loss[0])
    for t, loss in enumerate(losses):
        play = player.predict(awake[t])
        player.update(loss, awake=awake[t])
        ledger = ledger.add(play, loss, awake[t])
        worst = ledger.worst(np.ones(loss.shape, dtype=bool))[..., 0]
        np.testing.assert_allclose(trace.regret[t, 0], worst, atol=1e-12)
    assert trace.certificate is not None
    assert np.all(trace.regret <= trace.certificate + 1e-9)


def test_sleeping_bandits_pull_only_the_awake() -> None:
    """Losses of the asleep are 2, and would be refused if they were met."""
    awake = np.random.default_rng(0).random((300, 4)) < 0.5
    world = Sleeping(Given(np.where(awake, 0.5, 2.0), (0.0, 1.0)), awake)
    trace = experts.play(experts.exp3(), world, seeds=3, feedback="bandit", record_every=1)
    np.testing.assert_allclose(trace.loss[-1], 0.5 * awake.any(-1).sum())
    assert np.all(trace.weights[~np.broadcast_to(awake[:, None], trace.weights.shape)] == 0)


@pytest.mark.parametrize(
    "learner",
    [experts.adahedge(), experts.normal_hedge(), experts.ml_poly()],
    ids=["told late", "in copies", "in copies, ml_poly"],
)
@given(game=games(), delays=st.lists(st.integers(0, 6), min_size=20, max_size=20))
def test_late_losses_keep_the_certificate(learner: Any, game: Game, delays: list[int]) -> None:
    trace = experts.play(learner, Given(game.loss), delay=delays, record_every=1)
    assert trace.certificate is not None
    assert np.all(trace.regret <= trace.certificate + 1e-9)


def test_a_late_loss_is_learned_after_its_delay() -> None:
    losses = np.random.default_rng(0).random((12, 3))
    trace = experts.play(experts.hedge(1.0), Given(losses), delay=2, record_every=1)
    for t, weights in enumerate(trace.weights[:, 0]):
        expected = np.exp(-losses[: max(0, t - 2)].sum(0))
        np.testing.assert_allclose(weights, expected / expected.sum())


def test_a_learner_that_takes_no_late_losses_is_played_in_copies() -> None:
    losses = np.random.default_rng(0).random((12, 3))
    trace = experts.play(experts.squint(), Given(losses), delay=2, record_every=1)
    for copy in range(3):
        alone = experts.play(experts.squint(), Given(losses[copy::3]), record_every=1)
        np.testing.assert_allclose(trace.weights[copy::3], alone.weights)


@given(game=games(), switches=st.integers(0, 3))
def test_regret_to_sequences_is_what_the_ledger_says(game: Game, switches: int) -> None:
    learner = experts.fixed_share(0.5, 0.1)
    trace = experts.play(learner, Given(game.loss), switches=switches, record_every=1)
    state, ledger = learner.init(game.loss[0]), TrackingLedger.open(game.loss[0], switches)
    assert trace.tracking_regret is not None
    for t, loss in enumerate(game.loss):
        play = learner.predict(state)
        state = learner.update(state, play, experts.Feedback(loss))
        ledger = ledger.add(play, loss)
        np.testing.assert_allclose(trace.tracking_regret[t, 0], ledger.worst(), atol=1e-12)
    np.testing.assert_allclose(trace.tracking_regret[..., 0], trace.regret, atol=1e-9)


def test_a_policy_pulls_an_arm_and_pays_for_it() -> None:
    world = Bernoulli(np.asarray([[0.1, 0.9, 0.9], [0.9, 0.9, 0.1]]))
    trace = experts.play(policies.ucb1(), world, rounds=400, seeds=3, record_every=1)
    assert trace.feedback == "bandit"
    assert trace.certificate is None
    assert set(trace.weights.ravel().tolist()) == {0.0, 1.0}
    assert np.all(trace.weights.sum(-1) == 1)
    np.testing.assert_array_equal(trace.loss, np.round(trace.loss))
    pulls = trace.weights.sum(0)
    assert np.all(pulls[:, 0, 0] > 200)
    assert np.all(pulls[:, 1, 2] > 200)
    alone = experts.play(policies.ucb1(), world, rounds=400, seeds=[2], record_every=1)
    np.testing.assert_array_equal(alone.weights[:, 0], trace.weights[:, 2])


def test_rewards_of_another_interval_are_mapped_for_a_policy() -> None:
    losses = np.random.default_rng(0).random((200, 3))
    trace = experts.play(policies.moss(200), Given(losses), record_every=1)
    mirrored = Given(10 - 10 * losses)
    options: dict[str, Any] = {"rewards": True, "loss_interval": (0, 10)}
    rewarded = experts.play(policies.moss(200), mirrored, record_every=1, **options)
    np.testing.assert_array_equal(rewarded.weights, trace.weights)
    np.testing.assert_allclose(rewarded.regret, 10 * trace.regret)
    np.testing.assert_allclose(rewarded.loss, 10 * trace.loss - 10 * trace.rounds[:, None])


class Nothing(NamedTuple):
    """A state without anything."""

    zero: np.ndarray


@dataclass(frozen=True)
class Follower:
    """Plays what the context says: the arm of smallest feature, or the first advice."""

    reads: str
    horizon: ClassVar[None] = None
    loss_interval: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def init(self, context: Any) -> Nothing:
        return Nothing(np.zeros(context.shape[:-1]))

    def predict(self, state: Nothing, context: Any, uniforms: Any) -> Any:
        if self.reads == "advice":
            return context[..., 0, :]
        features = context[..., 0]
        assert uniforms.shape == features.shape
        return (features == features.min(-1, keepdims=True)).astype(float)

    def update(self, state: Nothing, context: Any, play: Any, feedback: Any) -> Nothing:
        assert np.array_equal(np.isfinite(feedback.loss), feedback.seen)
        return state


@dataclass(frozen=True)
class Shown:
    """Mean losses are shown as features, or as the advice of one expert; another knows nothing."""

    reads: str
    shape: ClassVar[tuple[int, ...]] = (3,)
    adaptive: ClassVar[bool] = False
    horizon: ClassVar[None] = None
    loss_interval: ClassVar[tuple[float, float]] = (0.0, 1.0)

    @property
    def context_shape(self) -> tuple[int, ...]:
        return (2, 3) if self.reads == "advice" else (3, 1)

    def start(self, generators: Any) -> Any:
        return Run(self.reads, generators)


@dataclass(frozen=True)
class Run:
    reads: str
    generators: Any

    def __call__(self, rounds: int) -> Any:
        return self.told(rounds)[:2]

    def told(self, rounds: int) -> Any:
        drawn = np.stack([g.random((rounds, 2, 3)) for g in self.generators], axis=1)
        means = drawn[:, :, 0]
        losses = (drawn[:, :, 1] < means).astype(float)
        if self.reads == "features":
            return means[..., None], losses, means
        best = (means == means.min(-1, keepdims=True)).astype(float)
        return np.stack([best, np.full(best.shape, 1 / 3)], axis=-2), losses, means


def test_a_contextual_policy_is_shown_the_context_before_the_round() -> None:
    trace = experts.play(Follower("features"), Shown("features"), rounds=500, seeds=4)
    assert trace.sequence_regret is not None
    np.testing.assert_allclose(trace.sequence_regret, 0.0, atol=1e-9)
    assert np.all(trace.regret[-1] < 0)
    assert trace.total.shape == (4, 3)


def test_one_that_reads_advice_is_compared_with_the_advisors() -> None:
    trace = experts.play(Follower("advice"), Shown("advice"), rounds=500, seeds=4, record_every=1)
    assert trace.total.shape == (4, 2)
    assert trace.weights.shape == (500, 4, 3)
    np.testing.assert_allclose(trace.regret[-1], 0.0, atol=1e-9)
    assert np.all(trace.best[-1] == 0)


def test_who_does_not_look_at_contexts_plays_without_them() -> None:
    for player, options in ((policies.ucb1(), {}), (experts.exp3(), {"feedback": "bandit"})):
        trace = experts.play(player, Shown("features"), rounds=50, seeds=2, **options)  # type: ignore[arg-type]
        assert trace.total.shape == (2, 3)


def test_a_file_without_the_new_arrays_is_read(tmp_path: Path) -> None:
    trace = experts.play(experts.exp3(), COINS, rounds=20, feedback="bandit")
    trace.save(tmp_path / "new")
    kept = dict(np.load(tmp_path / "new"))
    del kept["optimal_loss"], kept["sequence_loss"]
    np.savez(tmp_path / "damaged.npz", **kept)
    with pytest.raises(ValueError, match="is not a saved Trace"):
        Trace.load(tmp_path / "damaged.npz")
    del kept["saved"]  # older files do not say what they hold
    np.savez(tmp_path / "old.npz", **kept)
    old = Trace.load(tmp_path / "old.npz")
    assert old.pseudo_regret is None
    np.testing.assert_array_equal(old.regret, trace.regret)


@pytest.mark.parametrize(
    ("learner", "world", "options", "message"),
    [
        (Follower("features"), COINS, {}, "shows no contexts"),
        (Follower("features"), Shown("advice"), {}, r"must be \(..., 3, d\), got \(2, 3\)"),
        (Follower("advice"), Shown("features"), {}, r"must be \(..., N, 3\), got \(3, 1\)"),
        (Follower("advice"), LinearLosses(3, 3), NORMAL, "advice must be distributions"),
        (policies.ucb1(), Sleeping(COINS, 0.5), {}, "does not support sleeping"),
        (policies.ucb1(), COINS, {"engine": "numba"}, "engine 'numba' cannot run .*'turns' can"),
        (experts.hedge(1), COINS, {"engine": "scan", "delay": 1}, "cannot run late losses"),
        (experts.hedge(1), COINS, {"delay": -1}, "delay must be a whole number"),
        (experts.hedge(1), COINS, {"delay": [1, 2]}, "one for each of the 5 rounds"),
        (experts.hedge(1), COINS, {"checks": "no"}, "checks must be True or False, got 'no'"),
        (experts.hedge(1), COINS, {"wealth": 1}, "wealth must be True or False, got 1"),
        (experts.hedge(1), COINS, {"switches": -1}, "switches must be a whole number"),
        (Follower("features"), Shown("features"), {"switches": 1}, "switches is for experts"),
        (policies.moss(3), COINS, {}, "exceeds the learner's horizon of 3"),
        (policies.ucb1, COINS, {}, "did you mean ucb1"),
    ],
)
def test_bad_arguments_are_refused(
    learner: Any, world: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        experts.play(learner, world, rounds=5, **options)


def test_a_bad_mask_is_refused() -> None:
    for awake in (1.5, np.ones((3, 5), dtype=bool), np.ones((3, 4))):
        with pytest.raises(ValueError, match="awake must be"):
            Sleeping(COINS, awake)
    with pytest.raises(ValueError, match="base must be oblivious"):
        Sleeping(AgainstTheWeights(4), 0.5)
    with pytest.raises(ValueError, match="base must be an environment"):
        Sleeping(np.zeros((3, 4)), 0.5)  # type: ignore[arg-type]
