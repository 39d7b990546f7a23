"""The searcher's model and its game, against lists of all points and dense algebra."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import experts
from experts.structured import Choice, Search
from experts.structured.search.effects import effects
from experts.structured.search.game import Game, edge_losses
from experts.structured.search.space import Space
from experts.structured.search.start import latin
from experts.structured.search.surrogate import BLOCK, EXACT, Quadratic, Scales, Surrogate

SCALES = Scales(constant=0.7, main=2.0, shared=1.0, pair=0.6, noise=0.3)
MIXED = Space(
    {
        "a": ["x", "y", "z"],
        "b": Choice(["x", "y", "z"], prior=[1, 2, 3]),
        "c": [1, 2, 3, 4],
        "d": ["only"],
    }
)
NESTED = Space(
    {
        "a": ["x", "y", "z"],
        "b": Choice([1, 2, 4], when={"a": ["y", "z"]}),
        "c": Choice(["x", "y", "z"], when={"b": [2, 4]}),
        "d": [False, True],
    }
)
seeds = st.integers(0, 2**32 - 1)
spaces = pytest.mark.parametrize("space", [MIXED, NESTED], ids=["mixed", "nested"])


def everything(space: Space) -> np.ndarray:
    return np.asarray(list(space.walk(np.random.default_rng(0))))


def primal(space: Space, codes: np.ndarray, scales: Scales = SCALES) -> np.ndarray:
    """Features whose weights are N(0, 1), (n, D): written out, pair by pair."""
    x = Surrogate(space, scales).features[np.arange(len(space.names))[:, None], codes.T]
    several = int(np.sum(space.sizes > 1))
    columns = [np.full((len(codes), 1), math.sqrt(scales.constant))]
    columns += [math.sqrt(scales.main / several) * one for one in x]
    columns += [
        math.sqrt(scales.shared / several) * x[space.groups == group].sum(0)
        for group in set(space.groups.tolist())
    ]
    pairs = several * (several - 1) / 2
    columns += [
        math.sqrt(scales.pair / pairs)
        * np.einsum("ni,nj->nij", one, two).reshape(len(codes), one.shape[1] ** 2)
        for one, two in itertools.combinations(x, 2)
    ]
    return np.concatenate(columns, axis=1)


def fitted(
    space: Space, rng: np.random.Generator, count: int
) -> tuple[Surrogate, np.ndarray, np.ndarray]:
    """A surrogate of some points, their features as in `primal`, and targets."""
    model, codes = Surrogate(space, SCALES), everything(space)
    entered = codes[:0]
    while model.count < count:
        more = codes[rng.integers(len(codes), size=min(5, count - model.count))]
        model.add(more)
        model.root()
        entered = np.concatenate([entered, more])
    return model, primal(space, entered), rng.standard_normal(count)


def at(model: Surrogate, codes: np.ndarray) -> np.ndarray:
    features: np.ndarray = model.features[np.arange(codes.shape[1])[:, None], codes.T]
    return features


@spaces
@given(seed=seeds, count=st.integers(0, 30))
def test_the_posterior_is_that_of_ridge_regression(space: Space, seed: int, count: int) -> None:
    """Its mean; and its covariance: unit vectors give a draw's square root of it."""
    model, phi, targets = fitted(space, np.random.default_rng(seed), count)
    everywhere = primal(space, everything(space))
    covariance = np.linalg.inv(np.eye(phi.shape[1]) + phi.T @ phi / SCALES.noise)
    x, size = at(model, everything(space)), sum(model.normals)
    mean = model.draw(targets, np.zeros(size)).values(x)
    expected = everywhere @ covariance @ phi.T @ targets / SCALES.noise
    np.testing.assert_allclose(mean, expected, atol=1e-9)
    root = np.stack([model.draw(targets, unit).values(x) - mean for unit in np.eye(size)])
    np.testing.assert_allclose(root.T @ root, everywhere @ covariance @ everywhere.T, atol=1e-9)


@spaces
@given(seed=seeds, count=st.integers(1, 20))
def test_effects_are_those_of_the_posterior(space: Space, seed: int, count: int) -> None:
    """As averages of f over all codes, active or not; f is known from its values there."""
    model, phi, targets = fitted(space, np.random.default_rng(seed), count)
    covariance = np.linalg.inv(np.eye(phi.shape[1]) + phi.T @ phi / SCALES.noise)
    weights = covariance @ phi.T @ targets / SCALES.noise
    codes = np.asarray(list(itertools.product(*map(range, space.sizes))))
    every = primal(space, codes)
    average = every.mean(0)
    for row in effects(model, targets).rows:
        chosen = {
            space.names.index(n): space.choices[n].options.index(o) for n, o in row.options.items()
        }
        parts = [codes[:, e] == o for e, o in chosen.items()]
        contrast = every[np.all(parts, axis=0)].mean(0) - average
        if len(parts) == 2:
            contrast -= sum(every[part].mean(0) - average for part in parts)
        assert row.effect == pytest.approx(-contrast @ weights, abs=1e-9)
        assert row.error == pytest.approx(math.sqrt(contrast @ covariance @ contrast), abs=1e-7)


@pytest.mark.parametrize("noise", [0.05, 0.8])
def test_the_noise_is_found(noise: float) -> None:
    """Within a factor of 2, from 200 values of a function of the model's own kind."""
    model, rng = Surrogate(MIXED, SCALES), np.random.default_rng(0)
    codes = everything(MIXED)[rng.integers(36, size=200)]
    model.add(codes)
    phi = primal(MIXED, codes)
    signal = phi @ rng.standard_normal(phi.shape[1])
    model.root()
    model.find_noise(signal + math.sqrt(noise) * rng.standard_normal(200))
    assert noise / 2 <= model.noise <= 2 * noise
    inverse = np.linalg.inv(phi @ phi.T + model.noise * np.eye(200))
    np.testing.assert_allclose(model.root().T @ model.root(), inverse, atol=1e-8)


def test_random_features_have_the_covariance_of_pair_effects_on_average() -> None:
    """Over so many random features the error is of the order of RANDOM**-0.5."""
    space = Space({str(e): range(5) for e in range(20)})
    model = Surrogate(space, Scales(constant=1e-9, main=1e-9, shared=1e-9, pair=190.0))
    assert len(space.names) * 4 > EXACT
    codes = np.random.default_rng(0).integers(5, size=(12, 20))
    x, size = at(model, codes), sum(model.normals)
    root = np.stack([model.draw(np.zeros(0), unit).values(x) for unit in np.eye(size)])
    expected = primal(space, codes, Scales(0.0, 0.0, 0.0, 190.0))
    error = np.abs(root.T @ root - expected @ expected.T)
    assert error.max() < 0.5 * np.diag(expected @ expected.T).max()
    assert error.mean() < 0.12 * np.diag(expected @ expected.T).mean()


def test_the_root_is_grown_as_it_is_made_at_once() -> None:
    space, rng = Space({str(e): range(3) for e in range(6)}), np.random.default_rng(0)
    codes = rng.integers(3, size=(2 * BLOCK + 50, 6))
    whole, grown = Surrogate(space, SCALES), Surrogate(space, SCALES)
    whole.add(codes)
    for some in np.array_split(codes, 37):
        grown.add(some)
        grown.root()
    np.testing.assert_allclose(whole.root(), grown.root(), atol=1e-10)
    phi = primal(space, codes)
    inverse = np.linalg.inv(phi @ phi.T + SCALES.noise * np.eye(len(codes)))
    np.testing.assert_allclose(whole.root().T @ whole.root(), inverse, atol=1e-9)


@given(seed=seeds)
def test_renaming_and_reordering_change_nothing(seed: int) -> None:
    """The posterior of categorical choices, if dimensions with the same options keep them so."""
    rng = np.random.default_rng(seed)
    space = Space({"a": list("xyz"), "b": list("xyz"), "c": list("uvwt")})
    codes, targets = rng.integers(3, size=(9, 3)), rng.standard_normal(9)
    every = everything(space)
    same, other, order = rng.permutation(3), rng.permutation(4), rng.permutation(3)

    def renamed(codes: np.ndarray) -> np.ndarray:
        columns = [same[codes[:, 0]], same[codes[:, 1]], other[codes[:, 2]]]
        return np.stack(columns, axis=1)[:, order]

    found = []
    for there, points, at_all in (
        (space, codes, every),
        (Space({space.names[e]: space.choices[space.names[e]] for e in order}),
         renamed(codes), renamed(every)),
    ):  # fmt: skip
        model = Surrogate(there, SCALES)
        model.add(points)
        mean = model.draw(targets, np.zeros(sum(model.normals)))
        found.append(mean.values(at(model, at_all)))
    np.testing.assert_allclose(found[0], found[1], atol=1e-9)


@pytest.mark.parametrize("size", [1, 2, 3, 64])
def test_kernels_of_one_dimension(size: int) -> None:
    """Effects sum to 0; 1 on average at equal options; ordered neighbours are closer."""
    for ordered in (False, True):
        features = Surrogate(Space({"x": Choice(range(size), ordered=ordered)}), SCALES).features
        kernel = features[0, :size] @ features[0, :size].T
        np.testing.assert_allclose(kernel.sum(0), 0, atol=1e-9)
        assert not features[0, size].any()
        if size > 1:
            assert np.trace(kernel) == pytest.approx(size)
        if ordered and size > 2:
            assert kernel[0, 1] > kernel[0, -1]
        elif size > 1:
            np.testing.assert_allclose(kernel[0, 1:], -1 / (size - 1))


def test_numbers_in_order_are_ordered() -> None:
    ordered: list[Any] = [[1, 2, 4], [3.0, 2, 1], (0.1, 1, 10)]
    other: list[Any] = [["a", "b", "c"], [1, 3, 2], [1, 2], [False, True, 2], [None, 1, 2]]
    assert [Choice(options).is_ordered for options in ordered + other] == [True] * 3 + [False] * 5


def function(space: Space, rng: np.random.Generator, pair: float = 1.0) -> Quadratic:
    model, _, targets = fitted(space, rng, 4)
    f = model.draw(3 * targets, 3 * rng.standard_normal(sum(model.normals)))
    return f._replace(weights=pair * f.weights)


def distribution(space: Space, rng: np.random.Generator) -> np.ndarray:
    play: np.ndarray = rng.random(space.prior.shape) * space.offered
    play /= play.sum(-1, keepdims=True)
    return play


@given(seed=seeds)
def test_edge_losses_are_exact_expectations(seed: int) -> None:
    rng = np.random.default_rng(seed)
    f, play, codes = function(MIXED, rng), distribution(MIXED, rng), everything(MIXED)
    model = Surrogate(MIXED, SCALES)
    values = f.values(at(model, codes))
    chances = np.prod(play[np.arange(4), codes], axis=-1)
    losses = edge_losses(f, model.features, MIXED, play)
    for e, o in zip(*np.nonzero(MIXED.offered), strict=True):
        part = chances * (codes[:, e] == o)
        assert losses[e, o] == pytest.approx(part @ values / part.sum(), abs=1e-9)
    assert not losses[~MIXED.offered].any()


@given(seed=seeds)
def test_edge_losses_under_conditions_are_exact_without_pair_effects(seed: int) -> None:
    """Up to a number for each dimension; where it is active."""
    rng = np.random.default_rng(seed)
    f, play = function(NESTED, rng, pair=0.0), distribution(NESTED, rng)
    codes = np.asarray(list(itertools.product(*map(range, NESTED.sizes))))
    points = np.stack([NESTED.trim(code) for code in codes])
    model = Surrogate(NESTED, SCALES)
    values = f.values(at(model, points))
    chances = np.prod(play[np.arange(4), codes], axis=-1)
    losses = edge_losses(f, model.features, NESTED, play)
    for e, size in enumerate(NESTED.sizes):
        parts = [chances * (points[:, e] == o) for o in range(size)]
        expected = np.asarray([part @ values / part.sum() for part in parts])
        np.testing.assert_allclose(np.diff(losses[e, :size]), np.diff(expected), atol=1e-9)


@given(seed=seeds, eta=st.floats(0.1, 5), rounds=st.integers(1, 20), error=st.floats(0, 1))
def test_the_game_keeps_its_bounds(seed: int, eta: float, rounds: int, error: float) -> None:
    """The inequalities that `Game` states; on a function g with |f - g| <= error as well."""
    rng = np.random.default_rng(seed)
    model, codes = Surrogate(MIXED, SCALES), everything(MIXED)
    for pair in (0.0, 1.0):
        f = function(MIXED, rng, pair)
        plays = Game(eta, rounds).plays(f, model.features, MIXED)[:-1]
        losses = np.stack([edge_losses(f, model.features, MIXED, play) for play in plays])
        spans = [np.ptp(losses[:, e, :size], axis=-1) for e, size in enumerate(MIXED.sizes)]
        bounds = [
            np.log(1 / prior[:size]) / eta + eta / 8 * (span @ span)
            for size, prior, span in zip(MIXED.sizes, MIXED.prior, spans, strict=True)
        ]
        values = f.values(at(model, codes))
        truth = values + error * rng.uniform(-1, 1, len(codes))
        chances = np.prod(plays[:, np.arange(4), codes], axis=-1)  # (J, points)
        for g, cost in ((values, 0.0), (truth, 2 * error * rounds)):
            total = float(np.sum(chances @ g))
            for e, size in enumerate(MIXED.sizes):
                others = np.delete(plays[:, np.arange(4), codes], e, axis=-1).prod(-1)
                for o in range(size):
                    part = others * (codes[:, e] == o)
                    assert total - np.sum(part @ g) <= bounds[e][o] + cost + 1e-9
            if pair == 0:
                best = codes[np.argmin(values)]
                joint = sum(bound[o] for bound, o in zip(bounds, best, strict=True))
                assert total - rounds * g.min() <= joint + cost + 1e-9


@given(seed=seeds)
def test_the_game_is_that_of_the_learner(seed: int) -> None:
    """`experts.hedge`, also from a prior that rules options out; its certificate is sharper."""
    rng = np.random.default_rng(seed)
    prior = [0.0, *rng.random(3)]
    space = Space({"a": Choice(list("wxyz"), prior=prior), "b": list("pqrs"), "c": [1, 2, 3, 5]})
    f, features = function(space, rng), Surrogate(space, SCALES).features
    player = experts.Player(experts.hedge(0.7), like=space.prior, prior=space.prior)
    squares = np.zeros((3, 1))
    for play in Game(0.7, 6).plays(f, features, space):
        np.testing.assert_allclose(play, player.predict(), atol=1e-9)
        losses = edge_losses(f, features, space, play)
        player.update(losses)
        squares[0] += np.ptp(losses[0, 1:]) ** 2
        squares[1:, 0] += np.ptp(losses[1:], axis=-1) ** 2
    possible = space.prior > 0
    bounds = np.log(1 / np.where(possible, space.prior, 1)) / 0.7 + 0.7 / 8 * squares
    assert np.all(player.certificate()[possible] <= bounds[possible] + 1e-9)


@given(seed=seeds, rows=st.integers(1, 12))
def test_the_start_is_a_latin_hypercube(seed: int, rows: int) -> None:
    space = Space({**{str(e): list("abc") for e in range(5)}, "other": [1, 2]})
    strata = latin(space, rows, np.random.default_rng(seed))
    np.testing.assert_array_equal(np.sort(strata, axis=0), np.arange(rows)[:, None] + np.zeros(6))
    different = [len(set(row)) for row in strata[:, :5].tolist()]
    assert different == [min(rows, 5)] * rows


def test_the_first_asks_see_every_option_once() -> None:
    search = Search({str(e): list("abcde") for e in range(6)}, seed=7)
    points = search.ask(5)
    for name in points[0]:
        assert sorted(point[name] for point in points) == list("abcde")


def test_effects_are_drawn() -> None:
    search = Search({"a": list("xyz"), "b": [1, 2, 3]})
    for point in search.ask(6):
        search.tell(point, point["b"])
    found = search.effects()
    assert [len(row.options) for row in found.rows] == [1] * 6 + [2] * 9
    panels = found.plot(pairs=4).axes
    assert [len(panel.patches) for panel in panels] == [6, 4]
    hidden = Search({"a": [1, 2], "b": Choice([3, 4], when={"a": [2]})}).effects().rows[4:]
    assert [row.options for row in hidden] == [{"a": 2, "b": 3}, {"a": 2, "b": 4}]
    assert str(found).splitlines()[5].startswith("b = 3          +")
    alone = Search({"a": [1, 2]}).effects()
    assert [len(panel.patches) for panel in alone.plot().axes] == [2, 0]
