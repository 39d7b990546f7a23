"""The climb on looks that are made up, where the best architecture is known."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from nas_adapter.advice import climb as climb_module
from nas_adapter.advice.climb import CONDITIONS, SHORTLIST, SIGNIFICANT, Climbed, climb
from nas_adapter.advice.looks import Look
from nas_adapter.advice.total import Total
from nas_adapter.spaces import DARTSCNN, NONE, Architecture, NASBench201, Space, without
from nas_adapter.spaces.moves import one_edge_changes
from tests.nas_adapter.advice.made_up import AdditiveLooker, random_scores
from tests.nas_adapter.spaces.test_genotype import LEGAL, SMALL

SPACE = NASBench201()
TWENTY = 20


def climbed(space: Space, look: Any, seed: int = 0, looks: int = 40) -> Climbed:
    return climb(space, look, seed, looks)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("left_out", [[], [NONE]])
def test_it_finds_the_optimum_of_additive_scores(left_out: list[str], seed: int) -> None:
    space = without(SPACE, left_out)
    look = AdditiveLooker(random_scores(6, 5, seed))
    best = max(itertools.product(*space.choices), key=look.score)
    assert climbed(space, look, seed).architecture == best


@pytest.mark.parametrize("seed", range(4))
def test_it_finds_the_optimum_where_a_node_keeps_two_edges(seed: int) -> None:
    scores = random_scores(5, 3, seed) + np.arange(5)[:, None] / 7
    scores[:, 0] = 0
    look = AdditiveLooker(scores)
    found = climbed(SMALL, look, seed).architecture
    assert look.score(found) == max(look.score(architecture) for architecture in LEGAL)


def start_at(monkeypatch: pytest.MonkeyPatch, start: Architecture) -> None:
    monkeypatch.setattr(
        climb_module, "_additive", lambda space, *_: np.eye(len(space.operations))[list(start)]
    )


def test_from_a_poor_start_it_climbs_move_by_move(monkeypatch: pytest.MonkeyPatch) -> None:
    look = AdditiveLooker(random_scores(6, 5, 0))
    best = tuple(look.scores.argmax(1).tolist())
    start_at(monkeypatch, tuple(look.scores.argmin(1).tolist()))
    found = climbed(SPACE, look)
    assert found.architecture == best
    assert len(found.path) == 6
    assert found.path[-1]["to"] == SPACE.genotype(best)
    assert all(move["gain"] > SIGNIFICANT * move["standard_error"] for move in found.path)


def test_it_ends_after_eight_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A score that only grows by a step on one edge at a time, up to 12 steps."""

    class Staircase:
        looks = 0

        def __call__(self, architecture: Architecture, condition: int) -> Look:
            total = sum(architecture)
            reachable = max(architecture) - min(architecture) <= 1
            value = float(total if reachable else -50)
            return Look(value, value, 0.0)

    start_at(monkeypatch, (0,) * 6)
    found = climbed(SPACE, Staircase())
    assert len(found.path) == 8
    further = [sum(c) for c in one_edge_changes(SPACE, found.architecture) if max(c) - min(c) <= 1]
    assert max(further) > sum(found.architecture), "a ninth move would have paid"


def test_where_noise_is_larger_than_all_gains_it_stays() -> None:
    """But for a few seeds: the best of all changes is judged, by three standard errors."""
    moved = 0
    for seed in range(TWENTY):
        look = AdditiveLooker(random_scores(6, 5, seed) * 1e-3, noise=1.0, seed=seed)
        found = climbed(SPACE, look, seed)
        if found.path:
            moved += 1
            continue
        assert found.architecture == found.start
        assert np.all(found.gains <= 0)
    assert moved <= 4, "20 climbs; one in twenty goes astray in the mean"


@pytest.mark.parametrize(("gain", "moves"), [(2.9, 0), (3.1, 1)])
def test_a_gain_is_made_from_three_standard_errors_on(
    gain: float, moves: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conditions 0 to 3 add +-1 to everything but the start, so that the error is known."""
    start: Architecture = (0,) * 6
    better: Architecture = (1, 0, 0, 0, 0, 0)
    error = np.std([1, -1, 1, -1], ddof=1) / np.sqrt(CONDITIONS)

    class Known:
        looks = 0

        def __call__(self, architecture: Architecture, condition: int) -> Look:
            noise = 0.0 if architecture == start else (-1.0) ** condition
            base = {start: 0.0, better: gain * error}.get(architecture, -30.0)
            value = base + noise
            return Look(value, value, 0.0)

    start_at(monkeypatch, start)
    scale = Total(np.zeros(2), np.ones(2), 2.0, np.zeros(3), 0.0)
    monkeypatch.setattr(Total, "of", lambda looks: scale)
    monkeypatch.setattr("nas_adapter.advice.total.WORST", -1e9)
    found = climbed(SPACE, Known(), looks=8)
    assert len(found.path) == moves
    assert found.architecture == (better if moves else start)
    if moves:
        (move,) = found.path
        assert move["gain"] == pytest.approx(gain * error)
        assert move["standard_error"] == pytest.approx(error)


class Renamed(NASBench201):
    """The space with its operations in another order and under other names."""

    operations = ("p", "q", NONE, "r", "s")


def test_renamed_and_reordered_operations_give_the_same_cell() -> None:
    order = [3, 1, 0, 4, 2]  # index there -> index here
    renamed = Renamed()
    for seed in range(4):
        look = AdditiveLooker(random_scores(6, 5, seed), noise=0.05, seed=seed)

        class Translated:
            looks = 0

            def __call__(
                self, architecture: Architecture, condition: int, look: Any = look
            ) -> Look:
                found: Look = look(tuple(order[o] for o in architecture), condition)
                return found

        one = climbed(SPACE, look, seed).architecture
        other = climbed(renamed, Translated(), seed).architecture
        assert tuple(order[o] for o in other) == one


def test_the_table_of_gains_is_what_single_changes_gain() -> None:
    """Exactly so for the shortlist; no other change is said to be better than those."""
    look = AdditiveLooker(random_scores(6, 5, 1))
    found = climbed(SPACE, look)
    assert found.gains.shape == (6, 5)
    assert np.all(found.gains[np.arange(6), list(found.architecture)] == 0)
    own = float(found.total(look(found.architecture, 0))[0])
    changes = one_edge_changes(SPACE, found.architecture)
    exact = sorted(
        (float(found.total(look(change, 0))[0]) - own for change in changes), reverse=True
    )
    shortlisted = np.sort(found.gains[found.gains < 0])[::-1][:8]
    np.testing.assert_allclose(shortlisted, np.minimum(exact[:8], 0), atol=1e-9)
    assert found.gains.min() >= exact[-1] - 1e-9


def test_what_is_no_single_change_has_gain_minus_infinity() -> None:
    scores = random_scores(5, 3, 0)
    scores[:, 0] = 0
    found = climbed(SMALL, AdditiveLooker(scores))
    for edge, operation in itertools.product(range(5), range(3)):
        own = found.architecture[edge] == operation
        reachable = any(c[edge] == operation for c in one_edge_changes(SMALL, found.architecture))
        assert np.isfinite(found.gains[edge, operation]) == (own or reachable)


def test_the_additive_fit_is_ridge_regression() -> None:
    generator = np.random.default_rng(0)
    drawn = [tuple(generator.integers(0, 5, 6).tolist()) for _ in range(60)]
    scores = generator.normal(size=60)
    hot = np.stack([np.eye(5)[list(cell)].ravel() for cell in drawn])
    centred = hot - hot.mean(0)
    # augmented least squares in place of the normal equations
    design = np.vstack([centred, 0.3 * np.eye(30)])
    target = np.concatenate([scores - scores.mean(), np.zeros(30)])
    weights = np.linalg.lstsq(design, target, rcond=None)[0].reshape(6, 5)
    np.testing.assert_allclose(climb_module._additive(SPACE, drawn, scores), weights, atol=1e-12)


def test_of_many_changes_the_most_promising_are_looked_at() -> None:
    """264 single changes a move: 30 are looked at, and each of the shortlist once a condition."""
    space, look = DARTSCNN(), AdditiveLooker(random_scores(28, 8, 0))
    found = climbed(space, look, looks=30)
    rounds = len(found.path) + 1
    assert look.looks == 30 + rounds * (30 + CONDITIONS * (1 + SHORTLIST))
    assert len(one_edge_changes(space, found.architecture)) > 200
    assert look.score(found.architecture) > look.score(found.start)
    assert np.isfinite(found.gains.max(-1)).all()


def test_a_space_with_a_single_architecture() -> None:
    space = without(SPACE, [NONE, "skip_connect", "avg_pool_3x3", "nor_conv_1x1"])
    found = climbed(space, AdditiveLooker(random_scores(6, 5, 0)), looks=8)
    assert found.architecture == (3,) * 6
    assert found.path == []
