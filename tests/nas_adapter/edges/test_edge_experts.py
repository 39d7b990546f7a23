"""Laws of `EdgeExperts`: what it promises of regret, wipe-outs, priors, groups and checkpoints."""

from __future__ import annotations

import copy
import io
import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import experts
from experts import REGISTRY
from experts.testing.games import DEVICE
from nas_adapter import EdgeExperts
from tests.nas_adapter.edges.games import (
    BOUND,
    OPPONENTS,
    Opponent,
    games,
    priors,
    rounds,
    started,
)

Game = tuple[Tensor, Tensor]
SEEDS = st.none() | st.integers(0, 1000)
LEARNERS = {name: entry.make(**entry.examples[0]) for name, entry in REGISTRY.items()}


def slack(edges: EdgeExperts) -> float:
    """What rounding may cost, by the contract of `Learner.certificate`."""
    return 64 * 2.3e-16 * edges.step * (2 + edges.certificate()) * len(edges.alive)


@pytest.mark.parametrize("opponent", OPPONENTS, ids=lambda opponent: opponent.__name__)
@pytest.mark.parametrize("bound", [BOUND, None], ids=["L", "adahedge"])
@given(
    game=games(),
    seed=SEEDS,
    explore=st.sampled_from([0.0, 0.1, 0.5]),
    tell_every=st.integers(1, 3),
)
def test_regret_is_below_the_certificate_and_that_below_the_bound(
    opponent: Opponent,
    bound: float | None,
    game: Game,
    seed: int | None,
    explore: float,
    tell_every: int,
) -> None:
    """After every round; regret by a transcription, from what was played and met."""
    mask, rewards = game
    edges = started(
        mask,
        len(rewards),
        reward_bound=bound,
        prior=None if seed is None else priors(mask, seed),
        explore=explore,
        tell_every=tell_every,
    )
    gained, total = torch.zeros(len(mask), 1).double().to(DEVICE), torch.zeros(mask.shape).double()
    total = total.to(DEVICE)
    for p, met, _ in rounds(edges, rewards, opponent):
        gained, total = gained + (p * met).sum(-1, keepdim=True), total + met
        behind = (total - gained).masked_fill(~edges.alive, -math.inf)
        assert edges.regret() == pytest.approx(float(behind.amax(-1).sum()), abs=1e-9)
        most = edges.bound()
        assert most is not None
        assert edges.regret() <= edges.certificate() + slack(edges)
        assert edges.certificate() <= most + slack(edges)
        tightened = edges.bound(with_wipeouts=True)
        assert tightened is not None
        assert edges.regret() <= tightened + slack(edges)
        assert tightened <= most


def test_bounds_are_those_of_the_documentation() -> None:
    edges = started(torch.ones(3, 5, dtype=torch.bool), 50)
    list(rounds(edges, torch.zeros(50, 3, 5)))
    assert edges.bound() == pytest.approx(3 * BOUND * math.sqrt(2 * 50 * math.log(5)))

    rewards, prior = torch.tensor([[BOUND, -BOUND]]).expand(50, 1, 2), [[0.02, 0.98]]
    edges = started(torch.ones(1, 2, dtype=torch.bool), 50, prior=prior)
    list(rounds(edges, rewards))
    eta = math.sqrt(2 * math.log(2) / (50 * BOUND**2))
    assert edges.bound() == pytest.approx(math.log(50) / eta + eta * 50 * BOUND**2 / 2)

    edges = started(torch.ones(1, 2, dtype=torch.bool), 50, prior=prior, reward_bound=None)
    list(rounds(edges, rewards))
    width, widest = math.log(50), 2 * BOUND
    expected = widest * (math.sqrt(50 * width) + 4 / 3 * width + 2)
    assert edges.bound() == pytest.approx(expected)


@pytest.mark.parametrize("bound", [BOUND, None], ids=["L", "adahedge"])
def test_exploration_is_charged(bound: float | None) -> None:
    """Half of the play is uniform, which costs a quarter of the range in every round."""
    mask, rewards = torch.ones(1, 2, dtype=torch.bool), torch.tensor([[BOUND, -BOUND]])
    edges, greedy = (
        started(mask, 200, reward_bound=bound, wipeout=False, explore=explore)
        for explore in (0.5, 0.0)
    )
    for each in (edges, greedy):
        list(rounds(each, rewards.expand(200, 1, 2)))
    most, without = edges.bound(), greedy.bound()
    assert most is not None
    assert without is not None
    assert without < 50 <= edges.regret() <= edges.certificate() <= most


@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
@given(game=games())
def test_any_learner_has_its_certificate(learner: Any, game: Game) -> None:
    mask, rewards = game
    edges = started(mask, len(rewards), learner=learner)
    for p, _, _ in rounds(edges, rewards):
        torch.testing.assert_close(p.sum(-1), torch.ones(len(p)).double().to(DEVICE))
        assert torch.all(p[~mask] == 0)
        assert edges.regret() <= edges.certificate() + slack(edges)


@given(game=games(), seed=SEEDS, explore=st.sampled_from([0.0, 0.2]))
def test_the_removed_have_probability_exactly_0_and_never_return(
    game: Game, seed: int | None, explore: float
) -> None:
    mask, rewards = game
    prior = None if seed is None else priors(mask, seed)
    edges = started(mask, len(rewards), prior=prior, explore=explore)
    gone = ~mask.to(DEVICE)
    for p, _, removed in rounds(edges, rewards):
        assert torch.all(p[gone] == 0)
        assert torch.all(edges.probabilities()[gone] == 0)
        torch.testing.assert_close(p.sum(-1), torch.ones(len(p)).double().to(DEVICE))
        for edge, operation in removed:
            assert not gone[edge, operation], "removed twice"
            gone[edge, operation] = True
        assert torch.equal(edges.alive, ~gone)
    assert len(edges.wiped) == int(gone.sum() - (~mask).sum())


@pytest.mark.parametrize("opponent", OPPONENTS, ids=lambda opponent: opponent.__name__)
@given(game=games(), tell_every=st.integers(1, 3), learner=st.sampled_from([None, "adahedge"]))
def test_the_removed_cannot_end_as_the_best(
    opponent: Opponent, game: Game, tell_every: int, learner: str | None
) -> None:
    """In rewards, which go on for the removed, whatever the opponent does for them then."""
    mask, rewards = game
    chosen = None if learner is None else experts.adahedge()
    edges = started(mask, len(rewards), tell_every=tell_every, learner=chosen)
    assert edges.wipeout_rule == "cumulative rewards: the removed cannot end as the best"
    total = torch.zeros(mask.shape).double().to(DEVICE)
    for _, met, removed in rounds(edges, rewards, opponent):
        assert not removed or edges.step % tell_every == 0
        total = total + met
    best = total.masked_fill(~mask.to(DEVICE), -math.inf).amax(-1)
    for edge, operation, _ in edges.wiped:
        assert total[edge, operation] < best[edge]


@pytest.mark.parametrize("opponent", OPPONENTS, ids=lambda opponent: opponent.__name__)
@given(game=games(), seed=st.integers(0, 1000))
def test_with_a_prior_the_removed_cannot_end_as_the_likeliest_and_keep_their_bound(
    opponent: Opponent, game: Game, seed: int
) -> None:
    """R(k) <= ln(1 / prior_k) / eta + eta T L**2 / 2 for *every* operation k that is offered."""
    mask, rewards = game
    mask[0] = True  # an edge whose prior is not uniform
    prior = priors(mask, seed).to(DEVICE)
    edges = started(mask, len(rewards), prior=prior)
    eta = edges.eta
    assert eta is not None
    if mask.shape[1] > 1:
        assert edges.wipeout_rule == "weights: the removed cannot end as the most probable"
    total, gained = torch.zeros_like(prior), torch.zeros_like(prior[:, :1])
    for p, met, _ in rounds(edges, rewards, opponent):
        total, gained = total + met, gained + (p * met).sum(-1, keepdim=True)
    weight = prior.log() + eta[:, None] * total
    for edge, operation, _ in edges.wiped:
        assert weight[edge, operation] < weight[edge].max()
    price = -prior.log() / eta[:, None] + (eta * len(rewards) * BOUND**2 / 2)[:, None]
    assert torch.all((total - gained <= price + 1e-9) | (prior == 0))


def test_operations_are_removed_in_these_games() -> None:
    """The tests above speak of what is removed; so something is."""
    edges = started(torch.ones(2, 3, dtype=torch.bool), 8)
    zeros = torch.zeros(8, 2, 3)
    removed = [len(gone) for _, _, gone in rounds(edges, zeros, OPPONENTS[-1])]
    assert removed == [0, 0, 0, 0, 0, 4, 0, 0]  # a lead of t L is more than 2 L (8 - t) from 6 on
    assert edges.wiped == [(0, 1, 6), (0, 2, 6), (1, 1, 6), (1, 2, 6)]
    assert edges.architecture() == (0, 0)


@given(game=games())
def test_a_uniform_prior_changes_nothing(game: Game) -> None:
    mask, rewards = game
    given_one = started(mask, len(rewards), prior=mask.double() / mask.sum(-1, keepdim=True))
    none = started(mask, len(rewards))
    for one, other in zip(rounds(given_one, rewards), rounds(none, rewards), strict=True):
        assert torch.equal(one[0], other[0])
        assert one[2] == other[2]
    assert given_one.bound() == none.bound()
    assert given_one.wipeout_rule == none.wipeout_rule


@given(first=games(), second=games(), seed=SEEDS)
def test_groups_are_separate_objects(first: Game, second: Game, seed: int | None) -> None:
    """Of different numbers of edges and operations; the shorter game decides the rounds."""
    steps = min(len(first[1]), len(second[1]))
    parts = {"normal": first, "reduction": second}
    prior = {n: priors(mask, seed) for n, (mask, _) in parts.items()} if seed is not None else None
    both = EdgeExperts(
        {name: mask for name, (mask, _) in parts.items()},
        steps=steps,
        reward_bound=BOUND,
        prior=prior,
        device=DEVICE,
    )
    alone = {
        name: started(mask, steps, prior=None if prior is None else prior[name])
        for name, (mask, _) in parts.items()
    }
    each = {name: rounds(edges, parts[name][1][:steps]) for name, edges in alone.items()}
    for step in range(steps):
        p = both.distribution(requires_grad=True, dtype=torch.float64)
        removed = []
        for name, (_, rewards) in parts.items():
            play, _, gone = next(each[name])
            torch.testing.assert_close(p[name].detach(), play, rtol=0, atol=1e-12)
            p[name].grad = -rewards[step].to(DEVICE)
            removed += [(name, *pair) for pair in gone]
        assert both.update(p) == removed
    assert both.architecture() == {name: edges.architecture() for name, edges in alone.items()}
    # With a prior, the two that are best by rounding alone may have had other prices.
    for total in ("regret",) if prior else ("regret", "certificate", "bound"):
        parts_of = [getattr(edges, total)() for edges in alone.values()]
        assert getattr(both, total)() == pytest.approx(sum(parts_of), abs=1e-9)


KINDS: dict[str, dict[str, Any]] = {
    "published": {},
    "prior": {"prior": [[0.7, 0.2, 0.1], [0.1, 0.0, 0.9]]},
    "adahedge": {"reward_bound": None, "explore": 0.1},
    "warm-up": {"reward_bound": "auto", "warmup": 4},
    "squint": {"learner": experts.squint(), "tell_every": 2},
}


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("when", [0, 3, 6])
def test_a_checkpoint_goes_on_to_the_same_bits(options: dict[str, Any], when: int) -> None:
    mask = torch.tensor([[True, True, True], [True, False, True]])
    drawn = torch.rand(12, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rewards = 0.6 * drawn - torch.tensor([0.0, 0.3, 0.1])
    whole, first = started(mask, 12, **options), started(mask, 12, **options)
    wanted = list(rounds(whole, rewards))
    list(rounds(first, rewards[:when]))
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second = started(mask, 12, **options)
    second.load_state_dict(torch.load(file, weights_only=True))
    again = list(rounds(second, rewards[when:]))
    assert all(torch.equal(a[0], b[0]) for a, b in zip(again, wanted[when:], strict=True))
    assert second.wiped == whole.wiped
    for name in ("regret", "certificate", "bound", "clipped_share", "architecture"):
        assert getattr(second, name)() == getattr(whole, name)()
    if options == {}:
        assert whole.wiped, "nothing was removed: that it comes back shows nothing"


def test_a_state_dict_is_not_changed_by_later_rounds() -> None:
    edges = started(torch.ones(1, 3, dtype=torch.bool), 9)
    rewards = torch.tensor([[0.5, 0.0, -0.5]]).double().expand(9, 1, 3)
    list(rounds(edges, rewards[:3]))
    saved = edges.state_dict()
    del saved["settings"]  # plain values
    before = copy.deepcopy(saved)
    list(rounds(edges, rewards[3:]))
    torch.testing.assert_close(saved, before, rtol=0, atol=0)


def test_an_architecture_is_the_likeliest_and_strengths_outlast_wipe_outs() -> None:
    edges = started(torch.ones(2, 2, dtype=torch.bool), 10)
    lead = torch.tensor([[0.5, -0.5], [-0.4, 0.5]]).double()
    list(rounds(edges, lead.expand(10, 2, 2)))
    assert edges.architecture() == (0, 1)
    assert torch.equal(edges.probabilities().cpu(), torch.eye(2).double())
    strengths = edges.probabilities(removed=True).amax(-1)
    assert strengths[0] > strengths[1], "the first edge's leader led by more when the other went"
    edge, operation, step = edges.wiped[0]
    assert (edge, operation) == (0, 1)
    assert edges.losses()[0].tolist() == [0, step], "1 behind in every step until it went"
