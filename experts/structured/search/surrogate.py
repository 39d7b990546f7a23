"""A Gaussian process over the points of a space, with main effects and effects of pairs.

In dual form: nothing here lists the choices, or all pairs of features.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from experts.structured.search.space import Space
from experts.types import Array

BLOCK = 128
"""Rows of the root that are made at once."""

EXACT = 64
"""Up to so many features a prior draw of the pair effects is exact; above, from random features."""


class Scales(NamedTuple):
    """Variances of the prior."""

    constant: float
    main: float
    """of a dimension's effect"""
    pair: float
    """of the effect of a pair of dimensions"""
    noise: float
    """of what neither explains, at one point"""


class Quadratic(NamedTuple):
    """f(x) = constant + sum_e <main_e, x_e> + sum_n weight_n sum_{e<g} <row_ne, x_e> <row_ng, x_g>.

    x_e are the features of dimension e. f is linear in each of them.
    """

    constant: float
    main: Array
    """(E, R)"""
    rows: Array
    """(E, N, R)"""
    weights: Array
    """(N,)"""

    def value(self, x: Array) -> float:
        """f at features (E, R)."""
        return self.slopes(x)[0]

    def slopes(self, x: Array) -> tuple[float, Array]:
        """f, and its derivatives by the features, (E, R)."""
        each = (self.rows @ x[..., None])[..., 0]
        total = each.sum(0)
        others = self.weights * (total - each)
        value = self.constant + np.sum(self.main * x) + np.sum(others * each) / 2
        return float(value), self.main + (others[:, None] @ self.rows)[:, 0]


class Surrogate:
    r"""Posterior of f ~ N(0, k) given noisy values at T points, grown point by point.

    .. math:: k(a, b) = c + m \sum_e k_e(a_e, b_e) + v \sum_{e<g} k_e(a_e, b_e) k_g(a_g, b_g)

    k_e = <x(a_e), x(b_e)> is 1 for equal and -1/(K-1) for different options, so that effects sum to
    0 over a dimension's options; of ordered options neighbours share, by exp(-2 distance / K) less
    its means, scaled to an average of 1 at equal options. An inactive dimension has x = 0. The sum
    over pairs is (S_1^2 - S_2) / 2, S_i = sum_e k_e^i: O(E) for a pair of points.

    Time: O(T (T + E)) for a further point and for a draw. Memory: O(T^2 + T E K).

    Parameters
    ----------
    space
        Where the points are.
    scales
        (c, m, v, noise).

    Notes
    -----
    Source: kernels that add up over subsets of dimensions, Duvenaud, Nickisch & Rasmussen 2011;
    draws by Matheron's rule, Wilson et al. 2020.
    """

    def __init__(self, space: Space, scales: Scales) -> None:
        self.space = space
        self.scales = scales
        self.features = _features(space)
        """(E, K + 1, R): x of every option; the last row, of an inactive dimension, is 0"""
        self.count = 0
        """T"""
        self.codes = np.empty((0, len(space.names)), dtype=np.int64)
        self._x = np.empty((0, *self.features.shape[::2]))
        self._main = self._pair = self._root = np.empty((0, 0))
        self._rooted = 0

    def add(self, codes: Array) -> None:
        """Enter further points, codes (n, E)."""
        old, new = self.count, self.count + len(codes)
        if new > len(self._x):
            self._grow(max(new, 2 * old, 32))
        self.codes = np.concatenate([self.codes, codes])
        self._x[old:new] = self.features[np.arange(len(self.features)), codes]
        self.count = new
        for store, kernel in zip(
            (self._main, self._pair), self._kernels(self._x[old:new]), strict=True
        ):
            store[old:new, :new] = kernel

    def rescale(self, scales: Scales) -> None:
        """Change the prior's variances."""
        if scales != self.scales:
            self.scales, self._rooted = scales, 0

    def mean(self, targets: Array) -> Quadratic:
        """The posterior mean for targets (T,)."""
        return self.draw(targets, np.zeros(self.normals))

    @property
    def normals(self) -> int:
        """How many standard normals a draw takes."""
        count, _, width = self.features.shape
        return 1 + int(count * width) + self._pair_normals + self.count

    def draw(self, targets: Array, normal: Array) -> Quadratic:
        """A draw from the posterior, affine in `normal` if pair effects are exact.

        Matheron's rule: a draw from the prior, plus the posterior mean of what it misses.
        """
        scales, x = self.scales, self._x[: self.count]
        constant, main, pair, noise = np.split(
            normal, np.cumsum([1, x[0].size if len(x) else self.features[:, 0].size,
                               self._pair_normals])
        )  # fmt: skip
        prior = Quadratic(
            math.sqrt(scales.constant) * constant[0],
            math.sqrt(scales.main) * main.reshape(len(self.features), -1),
            *self._pair_draw(math.sqrt(scales.pair) * pair),
        )
        missed = targets - evaluate(prior, x) - math.sqrt(scales.noise) * noise
        alpha = self.solve(missed)
        rows = np.concatenate([prior.rows, x.transpose(1, 0, 2)], axis=1)
        return Quadratic(
            prior.constant + scales.constant * float(alpha.sum()),
            prior.main + scales.main * np.tensordot(alpha, x, 1),
            rows,
            np.concatenate([prior.weights, scales.pair * alpha]),
        )

    def solve(self, values: Array) -> Array:
        """(K + noise I)^-1 values, (T, ...)."""
        root = self.root()
        solved: Array = root.T @ (root @ values)
        return solved

    def root(self) -> Array:
        """W = L^-1, (T, T), where K + noise I = L L'; grown from the rows that it had."""
        while self._rooted < self.count:
            old, new = self._rooted, min(self._rooted + BLOCK, self.count)
            known, added = self._root[:old, :old], self._covariance(slice(old, new), slice(new))
            left = added[:, :old] @ known.T
            block = added[:, old:] + self.scales.noise * np.eye(new - old) - left @ left.T
            own = np.linalg.inv(np.linalg.cholesky(block))
            self._root[old:new, :old] = -own @ (left @ known)
            self._root[old:new, old:new] = own
            self._rooted = new
        return self._root[: self.count, : self.count]

    def _covariance(self, rows: slice, columns: slice) -> Array:
        s = self.scales
        return s.constant + s.main * self._main[rows, columns] + s.pair * self._pair[rows, columns]

    def _kernels(self, x: Array) -> tuple[Array, Array]:
        """sum_e k_e and sum_{e<g} k_e k_g of features (n, E, R) with all points, (n, T)."""
        first = square = np.zeros((len(x), self.count))
        for e in range(x.shape[1]):
            each = x[:, e] @ self._x[: self.count, e].T
            first, square = first + each, square + each * each
        return first, (first * first - square) / 2

    def _grow(self, size: int) -> None:
        count = self.count
        x = np.empty((size, *self._x.shape[1:]))
        x[:count] = self._x[:count]
        self._x = x
        for name in ("_main", "_pair", "_root"):
            store = np.zeros((size, size))
            store[:count, :count] = getattr(self, name)[:count, :count]
            setattr(self, name, store)

    @property
    def _pair_normals(self) -> int:
        count, _, width = self.features.shape
        size = int(count * width)
        return size * (size - 1) // 2 if size <= EXACT else 2 * EXACT

    def _pair_draw(self, normal: Array) -> tuple[Array, Array]:
        """Rows (E, N, R) and weights (N,) of pair effects drawn from the prior."""
        count, _, width = self.features.shape
        size = count * width
        if size <= EXACT:
            square = np.zeros((size, size))
            square[np.triu_indices(size, 1)] = normal
            square = square + square.T
            square *= np.kron(1 - np.eye(count), np.ones((width, width)))
            weights, vectors = np.linalg.eigh(square)
            return vectors.T.reshape(size, count, width).transpose(1, 0, 2), weights
        signs = np.random.default_rng(0).integers(0, 2, (count, len(normal), width))
        return 2.0 * signs - 1, normal / math.sqrt(len(normal))


def evaluate(function: Quadratic, x: Array) -> Array:
    """f at many features (n, E, R), (n,)."""
    total = square = np.zeros((len(x), len(function.weights)))
    for e in range(x.shape[1]):
        each = x[:, e] @ function.rows[e].T
        total, square = total + each, square + each * each
    pairs = (total * total - square) / 2 @ function.weights
    value: Array = function.constant + np.tensordot(x, function.main, 2) + pairs
    return value


def _features(space: Space) -> Array:
    count, width = len(space.names), int(space.sizes.max())
    found = np.zeros((count, width + 1, max(width - 1, 1)))
    for row, choice in zip(found, space.choices.values(), strict=True):
        size = len(choice.options)
        rank = np.arange(size)
        distance = np.abs(rank[:, None] - rank)
        alike = np.exp(-2 * distance / size) if choice.is_ordered else np.eye(size)
        alike = alike - alike.mean(0)
        alike = alike - alike.mean(1, keepdims=True)
        if size > 1:
            alike = alike / np.trace(alike) * size
            values, vectors = np.linalg.eigh(alike)
            row[:size, : size - 1] = vectors[:, 1:] * np.sqrt(values[1:])
    return found
