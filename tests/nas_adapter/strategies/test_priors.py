"""What methods do with a prior, and XNAS with single paths: where they start, what is charged."""

from __future__ import annotations

import collections
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from nas_adapter.advice.prior import uniform
from nas_adapter.spaces import uniform_over_choices
from nas_adapter.strategies import Context, Strategy
from nas_adapter.strategies.darts import DARTS, FirstOrder
from nas_adapter.strategies.random_search import RandomSearch, RandomSearchSettings
from nas_adapter.strategies.xnas import EXPLORED, XNAS, XNASSettings
from nas_adapter.strategies.xnas_sampled import SampledXNAS
from nas_adapter.tasks import ImageSettings
from tests.nas_adapter.small import SPACE, make_batch, make_net

STEPS, BOUND = 30, 0.02
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def task() -> Any:
    return ImageSettings(data="digits", batch_size=240).load(0, CPU)


def skewed(seed: int = 0, strength: float = 3.0) -> torch.Tensor:
    """A prior (6, 5) that differs from edge to edge."""
    generator = torch.Generator().manual_seed(seed)
    return (strength * torch.rand(6, 5, generator=generator, dtype=torch.float64)).softmax(-1)


def context(task: Any, prior: torch.Tensor | None = None, seed: int = 0) -> Context:
    net = make_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.025)
    first = uniform_over_choices(SPACE, CPU) if prior is None else prior
    return Context(SPACE, task, net, optimizer, STEPS, seed, "auto", first)


def xnas(task: Any, prior: torch.Tensor | None = None, **settings: Any) -> XNAS:
    return XNAS(XNASSettings(reward_bound=BOUND, **settings), context(task, prior))


def fed(strategy: Any, rewards: Any, monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """Feed rewards (steps, E, K) in place of gradients, train nothing; what was played."""
    played: list[torch.Tensor] = []
    rows = iter(torch.as_tensor(rewards).float())

    def look(batch: Any, p: torch.Tensor) -> float:
        p.grad = -next(rows)
        return 0.0

    def descend(batch: Any, play: torch.Tensor) -> float:
        played.append(play)
        return 0.0

    monkeypatch.setattr(strategy, "_look", look)
    monkeypatch.setattr(strategy, "_descend", descend)
    return played


def recording(seen: list[Any]) -> Any:
    """In place of a step or a measurement: keeps its last argument, an architecture."""

    def keep(*arguments: Any) -> float:
        seen.append(arguments[-1])
        return 0.5

    return keep


def run(strategy: Any, count: int = STEPS) -> list[dict[str, Any]]:
    return [strategy.step(None, None).details for _ in range(count)]


def drawn_rewards(seed: int, lean: float = 0.6) -> np.ndarray:
    """Rewards in [-L, L] of operations that differ in their means, so that some are removed."""
    generator = np.random.default_rng(seed)
    mean = lean * generator.uniform(-1, 1, (6, 5))
    drawn = BOUND * np.clip(mean + generator.normal(size=(STEPS, 6, 5)) / 3, -1, 1)
    return drawn.astype(np.float32).astype(np.float64)  # such as gradients are


@pytest.mark.parametrize("learner", ["eg", "adahedge"])
def test_xnas_starts_at_its_prior(learner: str, task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prior = skewed()
    strategy = xnas(task, prior, learner=learner)
    played = fed(strategy, drawn_rewards(0), monkeypatch)
    run(strategy, 1)
    torch.testing.assert_close(played[0], prior)


@pytest.mark.parametrize("weights", ["mixture", "single-path"])
@pytest.mark.parametrize("seed", range(3))
def test_regret_certificate_and_bound_with_a_prior(
    weights: str, seed: int, task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After every step; at the end also against every *removed* operation, by a transcription.

    Regret of what was played (q for single paths) to operation k of an edge, in clipped rewards:
    at most ln(1 / pi_k) / eta + eta T (2L)**2 / 8, and gamma T 2L more for single paths.
    """
    prior, rewards = skewed(seed), drawn_rewards(seed)
    strategy = xnas(task, prior, weights=weights)
    played = fed(strategy, rewards, monkeypatch)
    for done, details in enumerate(run(strategy), 1):
        assert details["regret"] <= details["regret_certificate"] + 1e-12
        explored = EXPLORED * done * 2 * BOUND * 6 if weights == "single-path" else 0
        assert details["regret_certificate"] <= details["regret_bound"] + 1e-12
        assert details["regret_bound"] > explored
    report = strategy.report()
    assert len(report["wiped_out"]) > 3, "hardly anything was removed: the test shows nothing"
    assert report["wipeout_rule"].startswith("weights:")
    assert report["regret"] <= report["regret_bound_with_wipeout"] <= report["regret_bound"]

    eta = math.sqrt(2 * math.log(5) / (STEPS * BOUND**2))
    assert report["eta"] == pytest.approx(eta)
    play = torch.stack(played).numpy()
    regret = rewards.sum(0) - (play * rewards).sum((0, 2))[:, None]  # (E, K)
    bound = np.log(1 / prior.numpy()) / eta + eta * STEPS * BOUND**2 / 2
    if weights == "single-path":
        bound += EXPLORED * STEPS * 2 * BOUND
    assert np.all(regret <= bound + 1e-12)
    survivors = np.where(strategy._edges.alive.numpy(), regret, -np.inf)
    assert report["regret"] == pytest.approx(survivors.max(-1).sum())


def test_xnas_with_a_prior_step_by_step(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """v_0 = pi, v *= exp(eta R), and the threshold on v, written out."""
    prior, rewards = skewed(5), drawn_rewards(5)
    strategy = xnas(task, prior)
    played = fed(strategy, rewards, monkeypatch)
    run(strategy)
    eta = math.sqrt(2 * math.log(5) / (STEPS * BOUND**2))
    v = prior.numpy().copy()
    for t, (play, reward) in enumerate(zip(played, rewards, strict=True), 1):
        np.testing.assert_allclose(play.numpy(), v / v.sum(-1, keepdims=True), atol=1e-12)
        v = v * np.exp(eta * reward)
        theta = v.max(-1, keepdims=True) * math.exp(-2 * eta * BOUND * (STEPS - t))
        if t < STEPS:
            v = np.where(v >= theta * (1 - 1e-12), v, 0)
    assert (v == 0).sum() == len(strategy.report()["wiped_out"]) > 0


@pytest.mark.parametrize("method", ["xnas", "single-path", "sampled", "darts", "random"])
def test_the_uniform_prior_changes_nothing(method: str, task: Any) -> None:
    """Bit by bit the numbers of a search that was given none."""

    def started(prior: torch.Tensor | None) -> Strategy:
        if method == "sampled":
            return SampledXNAS(context(task, prior))
        if method == "darts":
            return DARTS(FirstOrder(), context(task, prior))
        if method == "random":
            return RandomSearch(RandomSearchSettings(candidates=2), context(task, prior))
        return xnas(task, prior, weights=method if method == "single-path" else "mixture")

    given, none = started(uniform(SPACE).weights), started(None)
    for step in range(4):
        batches = make_batch(step), make_batch(100 + step)
        assert given.step(*batches) == none.step(*batches)
    even = uniform(SPACE).weights
    assert context(task, even).even
    assert not context(task, skewed()).even


def test_what_single_paths_train_is_drawn_from_q(
    task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """q = (1 - gamma) p + gamma * uniform over the operations left; q is given to the rewards."""
    prior = skewed(2, strength=6.0)
    strategy = xnas(task, prior, weights="single-path")
    trained: list[Any] = []
    monkeypatch.setattr(Context, "descend", recording(trained))
    played: list[torch.Tensor] = []

    def no_rewards(batch: Any, p: torch.Tensor) -> float:
        played.append(p.detach().double())
        p.grad = torch.zeros_like(p)
        return 0.0

    monkeypatch.setattr(strategy, "_look", no_rewards)
    # Without rewards p stays the prior; 300 draws of each of 30 operations.
    context_of = strategy._context
    q = (1 - EXPLORED) * prior + EXPLORED / 5
    counts = np.zeros((6, 5))
    for index in range(300):
        cell = context_of.path(q, index)
        counts[np.arange(6), list(cell)] += 1
    run(strategy, 5)
    for step, play in enumerate(played, 1):
        torch.testing.assert_close(play, q, rtol=0, atol=1e-7)  # what float32 holds
        assert trained[step - 1] == context_of.path(q, step)
    expected = 300 * q.numpy()
    assert ((counts - expected) ** 2 / expected).sum() < 60  # chi square, 24: chance 6e-5


def test_single_paths_of_a_warm_up_are_uniform(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prior = skewed(2, strength=6.0)
    strategy = xnas(task, prior, weights="single-path", warmup=2)
    trained: list[Any] = []
    monkeypatch.setattr(Context, "descend", recording(trained))
    steps = 2 * task.search_steps
    run(strategy, steps)
    even = uniform(SPACE).weights
    assert trained == [strategy._context.path(even, step) for step in range(1, steps + 1)]


def test_what_xnas_believes_is_its_probability_with_the_removed(
    task: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    prior, rewards = skewed(3), drawn_rewards(3)
    strategy = xnas(task, prior)
    fed(strategy, rewards, monkeypatch)
    first = strategy.believes((0, 1, 2, 3, 4, 0))
    chosen = prior[torch.arange(6), [0, 1, 2, 3, 4, 0]]
    assert first == pytest.approx(float(chosen.log().sum()))
    run(strategy)
    removed = strategy.report()["wiped_out"][0]
    cell = list(strategy.finish()[0])
    kept = strategy.believes(tuple(cell))
    cell[SPACE.edges.index(removed["edge"])] = SPACE.operations.index(removed["operation"])
    assert -math.inf < strategy.believes(tuple(cell)) < kept <= 0


def test_darts_starts_at_its_prior(task: Any) -> None:
    prior = skewed(4)
    method = DARTS(FirstOrder(), context(task, prior))
    torch.testing.assert_close(method._play().double(), prior, rtol=0, atol=3e-3)
    no_skip = prior.clone()
    no_skip[:, 1] = 0
    no_skip /= no_skip.sum(-1, keepdim=True)
    method = DARTS(FirstOrder(), context(task, no_skip))
    assert torch.equal(method._play()[:, 1], torch.zeros(6))
    torch.testing.assert_close(method._play().double(), no_skip, rtol=0, atol=3e-3)


def test_random_search_draws_from_its_prior(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prior = skewed(6)
    trained: list[Any] = []
    monkeypatch.setattr(Context, "descend", recording(trained))
    measured: list[Any] = []
    monkeypatch.setattr(Context, "measure", recording(measured))
    method = RandomSearch(RandomSearchSettings(candidates=200), context(task, prior))
    run(method, 200)
    method.finish()
    for cells in (trained, measured):
        counts = np.zeros((6, 5))
        for cell in cells:
            counts[np.arange(6), list(cell)] += 1
        expected = 200 * prior.numpy()
        assert ((counts - expected) ** 2 / expected).sum() < 60
    assert trained != measured


def test_sampled_xnas_draws_from_its_prior(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prior = skewed(7)
    counts: collections.Counter[tuple[int, int]] = collections.Counter()
    start = context(task, prior)
    for seed in range(150):
        where = replace(start, seed=seed)
        strategy = SampledXNAS(where)
        trained: list[Any] = []
        with monkeypatch.context() as patched:
            patched.setattr(Context, "descend", recording(trained))
            patched.setattr(Context, "loss", lambda *_: torch.tensor(1.0))
            step = strategy.step(None, None)
        counts.update(enumerate(trained[0]))
        assert step.details["regret_bound"] is None, "the theorem is for the uniform prior"
        assert step.details["regret"] <= step.details["regret_certificate"] + 1e-9
        if seed == 0:
            first = SampledXNAS(where)._edges.distribution(dtype=torch.float64)
            torch.testing.assert_close(first, prior, rtol=0, atol=1e-9)
    expected = 150 * prior.numpy()
    seen = np.asarray([[counts[edge, o] for o in range(5)] for edge in range(6)])
    assert ((seen - expected) ** 2 / expected).sum() < 60


def test_what_a_prior_rules_out_takes_no_part(task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prior = skewed(8)
    prior[2] = torch.tensor([0, 0, 1.0, 0, 0])
    prior[3, 0] = 0
    prior /= prior.sum(-1, keepdim=True)
    strategy = xnas(task, prior)
    played = fed(strategy, drawn_rewards(8), monkeypatch)
    for details in run(strategy):
        assert math.isfinite(details["regret_bound"])
        assert details["regret"] <= details["regret_certificate"] <= details["regret_bound"] + 1e-9
    assert all(torch.equal(play[2], prior[2]) for play in played)
    assert all(play[3, 0] == 0 for play in played)
    found, _ = strategy.finish()
    assert found[2] == 2
    assert found[3] != 0
    assert strategy.believes((0, 0, 0, 0, 0, 0)) == -math.inf
