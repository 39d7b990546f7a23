"""Environments with contexts: the same whatever is asked for at once, and as they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experts.contextual import FiniteContexts, GoodAdvice, LinearLosses

CONTEXTS = np.asarray([[[1.0, 0.0]] * 3, [[0.5, 0.5]] * 3])
PARAMETERS = np.random.default_rng(0).random((12, 3, 2))
WORLDS = [
    pytest.param(GoodAdvice(5, 3), id="GoodAdvice"),
    pytest.param(LinearLosses(3, 2), id="LinearLosses"),
    pytest.param(LinearLosses(3, 2, norm=None), id="LinearLosses-normal"),
    pytest.param(FiniteContexts(CONTEXTS, PARAMETERS, [0.3, 0.7]), id="FiniteContexts"),
]


def generators(*seeds: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in seeds]


@pytest.mark.parametrize("world", WORLDS)
def test_it_does_not_matter_how_many_rounds_or_seeds_are_asked_for_at_once(world: Any) -> None:
    contexts, losses = world.start(generators(3, 4))(12)
    assert contexts.shape == (12, 2, *world.context_shape)
    assert losses.shape == (12, 2, *world.shape)
    course = world.start(generators(4))
    parts = [course(n) for n in (1, 7, 4)]
    for whole, index in ((contexts, 0), (losses, 1)):
        pieces = np.concatenate([part[index] for part in parts])
        np.testing.assert_array_equal(pieces[:, 0], whole[:, 1])


def test_good_advice_is_better() -> None:
    world = GoodAdvice(5, 3, gap=0.4, accuracy=0.8)
    contexts, losses, means = world.start(generators(*range(40))).told(500)
    np.testing.assert_allclose(contexts.sum(-1), 1)
    assert abs((losses - means).mean()) < 5 * 0.5 / (500 * 40 * 3) ** 0.5
    advised = np.sum(contexts * means[..., None, :], -1).mean(0)  # (seeds, experts)
    expected = 0.5 - 0.4 * (0.5 / 3 + 0.5 * (0.8 + 0.2 / 3))
    np.testing.assert_allclose(advised.min(-1).mean(), expected, atol=0.005)
    others = np.sort(advised, -1)[:, 1:]
    np.testing.assert_allclose(others.mean(), 0.5 - 0.4 / 3, atol=0.005)


def test_linear_losses_are_linear() -> None:
    world = LinearLosses(4, 3, deviation=0.1, norm=2.0)
    contexts, losses, means = world.start(generators(1)).told(2000)
    np.testing.assert_allclose(np.linalg.norm(contexts, axis=-1), 1)
    x, y = contexts.reshape(-1, 3), means.reshape(-1)
    theta, *_ = np.linalg.lstsq(x, y, rcond=None)
    np.testing.assert_allclose(x @ theta, y, atol=1e-12)
    assert np.linalg.norm(theta) == pytest.approx(2)
    assert (losses - means).std() == pytest.approx(0.1, rel=0.05)


def test_finite_contexts_come_with_their_chances() -> None:
    world = FiniteContexts(CONTEXTS, np.repeat(PARAMETERS[:1], 4000, 0), [0.3, 0.7])
    contexts, losses = world.start(generators(0))(4000)
    first = np.all(contexts[:, 0] == CONTEXTS[0], axis=(-2, -1))
    assert abs(first.mean() - 0.3) < 5 * (0.21 / 4000) ** 0.5
    np.testing.assert_allclose(losses, np.sum(contexts * PARAMETERS[0], -1))


@pytest.mark.parametrize("rounds", [1, 12])
def test_finite_contexts_end_with_their_parameters(rounds: int) -> None:
    course = FiniteContexts(CONTEXTS, PARAMETERS[:rounds]).start(generators(0, 1))
    contexts, losses = course(20)
    assert len(contexts) == len(losses) == rounds
    assert [len(part) for part in course(1)] == [0, 0]


def test_mistakes_are_named() -> None:
    for make, message in (
        (lambda: GoodAdvice(0, 3), "experts must be a whole number of at least 1, got 0"),
        (lambda: GoodAdvice(2, 3, gap=0.6), r"gap must lie in \(0, 0.5\], got 0.6"),
        (lambda: LinearLosses(2, 2, deviation=0), "deviation must be a positive number, got 0"),
        (lambda: FiniteContexts(CONTEXTS, PARAMETERS[:, :2]), r"expected \(T, 3, 2\)"),
        (
            lambda: FiniteContexts(CONTEXTS, PARAMETERS[:0]),
            r"shape \(0, 3, 2\), expected \(T, 3, 2",
        ),
        (lambda: FiniteContexts(CONTEXTS, PARAMETERS + 1), "losses in .* round 0 for context 0"),
    ):
        with pytest.raises(ValueError, match=message):
            make()
