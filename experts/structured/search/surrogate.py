"""A Gaussian process over the points of a space, with main effects and effects of pairs.

In dual form: nothing here lists the choices, or all pairs of features of a large space.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np

from experts.structured.search.space import Space
from experts.types import Array

EXACT = 64
"""Up to so many features a prior draw of the pair effects is exact; above, from random features."""

RANDOM = 128
"""Number of those."""

NOISES = (0.0125, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Variances that the noise may be found to have."""

BLOCK = 128
"""Rows of the root that are made at once."""


class Scales(NamedTuple):
    """Variances of the prior, of a function of E dimensions; targets have variance 1."""

    constant: float = 1.0
    main: float = 1.2
    """of the sum of the dimensions' own effects"""
    shared: float = 0.4
    """of the sum of what dimensions with the same options have in common, if those differ"""
    pair: float = 0.3
    """of the sum of all effects of pairs"""
    noise: float = 0.0125
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

    def values(self, x: Array) -> Array:
        """f at T points, features (E, T, R); shape (T,)."""
        pairs = _sums(x, self.rows)[1]
        main = (x @ self.main[..., None])[..., 0].sum(0)
        found: Array = self.constant + main + pairs @ self.weights
        return found

    def slopes(self, x: Array) -> tuple[float, Array]:
        """f at features (E, R), and its derivatives by them, (E, R)."""
        each = (self.rows @ x[..., None])[..., 0]
        others = self.weights * (each.sum(0) - each)
        value = self.constant + np.sum(self.main * x) + np.sum(others * each) / 2
        return float(value), self.main + (others[:, None] @ self.rows)[:, 0]


class Surrogate:
    r"""Posterior of f ~ N(0, k) given noisy values at T points, grown point by point.

    .. math:: k(a, b) = c + \sum_{e,g} B_{eg} \langle x(a_e), x(b_g) \rangle
              + v \sum_{e<g} k_e(a_e, b_e) k_g(a_g, b_g)

    The features x give k_e(a, b) = <x(a), x(b)>: 1 for equal and -1/(K-1) for different options, so
    that effects sum to 0 over a dimension's options. Neighbours of ordered options share, by
    exp(-2 distance / K) less its means, 1 on average at equal options. Where a dimension is
    inactive x = 0. B is m on the diagonal, plus s for any two dimensions with the same options:
    part of an option's effect is the same for them. The sum over pairs is (S_1^2 - S_2) / 2,
    S_i = sum_e k_e^i, O(E) for a pair of points.

    Time: O(T^2 + T E R) for a further point or a draw. Memory: O(T^2 + T E R), R = max K - 1.

    Parameters
    ----------
    space
        Where the points are.
    scales
        m, s and v are its `main`, `shared` and `pair`, divided by the number of dimensions, or of
        pairs.

    Notes
    -----
    Source: kernels that add up over subsets of dimensions, Duvenaud, Nickisch & Rasmussen 2011;
    draws by Matheron's rule, Wilson et al. 2020.
    """

    def __init__(self, space: Space, scales: Scales) -> None:
        self.space = space
        self.features = _features(space)
        """(E, K + 1, R): x of every option; the last row, of an inactive dimension, is 0"""
        several = max(int(np.sum(space.sizes > 1)), 1)
        self.constant, self.noise = scales.constant, scales.noise
        self.pair = scales.pair / max(several * (several - 1) / 2, 1)
        alike = space.groups[:, None] == space.groups
        self.main = (scales.main * np.eye(len(alike)) + scales.shared * alike) / several
        """B, (E, E)"""
        self.count = 0
        """T"""
        self._x = np.empty((len(alike), 0, self.features.shape[2]))
        self._kernel = self._root = np.empty((0, 0))
        self._rooted = 0

    @cached_property
    def _main_root(self) -> Array:
        """The Cholesky factor of B."""
        return np.linalg.cholesky(self.main)

    @cached_property
    def _signs(self) -> Array:
        """The random features, (E, N, R), of spaces that are too large for exact draws."""
        count, _, width = self.features.shape
        return np.random.default_rng(0).choice([-1.0, 1.0], (count, RANDOM, width))

    @property
    def x(self) -> Array:
        """Features of the points, (E, T, R)."""
        return self._x[:, : self.count]

    def add(self, codes: Array) -> None:
        """Enter further points, codes (n, E)."""
        old, self.count = self.count, self.count + len(codes)
        if self.count > len(self._kernel):
            self._grow(max(self.count + 32, old + old // 4))
        self._x[:, old : self.count] = self.features[np.arange(len(self.main))[:, None], codes.T]
        new = self.x[:, old:]
        total, pairs = _sums(np.tensordot(self.main, new, 1), self.x)[0], _sums(new, self.x)[1]
        self._kernel[old : self.count, : self.count] = self.constant + total + self.pair * pairs

    @property
    def normals(self) -> tuple[int, int, int, int]:
        """How many standard normals a draw takes: constant, main, pair, noise."""
        size = self.features[:, 0].size
        return 1, size, size * (size - 1) // 2 if size <= EXACT else RANDOM, self.count

    def draw(self, targets: Array, normal: Array) -> Quadratic:
        """A draw from the posterior for targets (T,), its mean if `normal` is 0.

        Matheron's rule: a draw from the prior, plus the posterior mean of what it misses.

        Parameters
        ----------
        normal : (sum of `normals`,)
            Standard normals. The draw is affine in them if pair effects are exact.
        """
        constant, main, pair, noise = np.split(normal, np.cumsum(self.normals[:-1]))
        prior = Quadratic(
            math.sqrt(self.constant) * constant[0],
            self._main_root @ main.reshape(len(self.main), -1),
            *self._pair_draw(math.sqrt(self.pair) * pair),
        )
        missed = targets - prior.values(self.x) - math.sqrt(self.noise) * noise
        root = self.root()
        alpha = root.T @ (root @ missed)
        return Quadratic(
            prior.constant + self.constant * float(alpha.sum()),
            prior.main + self.main @ (alpha @ self.x),
            np.concatenate([prior.rows, self.x], axis=1),
            np.concatenate([prior.weights, self.pair * alpha]),
        )

    def root(self) -> Array:
        """W, (T, T), lower triangular: W' W = (K + noise I)^-1."""
        while self._rooted < self.count:
            old, new = self._rooted, min(self._rooted + BLOCK, self.count)
            known, added = self._root[:old, :old], self._kernel[old:new, :new]
            left = added[:, :old] @ known.T
            block = added[:, old:] + self.noise * np.eye(new - old) - left @ left.T
            own = np.linalg.inv(np.linalg.cholesky(block))
            self._root[old:new, :old] = -own @ (left @ known)
            self._root[old:new, old:new] = own
            self._rooted = new
        return self._root[: self.count, : self.count]

    def find_noise(self, targets: Array) -> None:
        """Take the noise of `NOISES` that makes `targets` (n,) of the first points the likeliest.

        O(n^3). With K = Q diag(s) Q', the evidence is -sum(ln(s + noise) + (Q' y)^2 / (s + noise)).
        """
        values, vectors = np.linalg.eigh(self._kernel[: len(targets), : len(targets)])
        spectrum = np.maximum(values, 0.0) + np.asarray(NOISES)[:, None]
        cost = np.sum(np.log(spectrum) + (vectors.T @ targets) ** 2 / spectrum, axis=-1)
        self.noise, self._rooted = NOISES[int(np.argmin(cost))], 0

    def _grow(self, size: int) -> None:
        """Make room for so many points."""
        more = size - len(self._kernel)
        self._x = np.pad(self._x, ((0, 0), (0, more), (0, 0)))
        self._kernel = np.pad(self._kernel, (0, more))
        self._root = np.pad(self._root, (0, more))

    def _pair_draw(self, normal: Array) -> tuple[Array, Array]:
        """Rows (E, N, R) and weights (N,) of pair effects drawn from the prior."""
        count, _, width = self.features.shape
        size = count * width
        if size > EXACT:
            return self._signs, normal / math.sqrt(RANDOM)
        square = np.zeros((size, size))
        square[np.triu_indices(size, 1)] = normal
        square = (square + square.T) * np.kron(1 - np.eye(count), np.ones((width, width)))
        weights, vectors = np.linalg.eigh(square)
        return vectors.T.reshape(size, count, width).swapaxes(0, 1), weights


def _sums(x: Array, others: Array) -> tuple[Array, Array]:
    """sum_e k_e and sum_{e<g} k_e k_g of features (E, n, R) and (E, m, R), (n, m) each."""
    total = square = np.zeros((x.shape[1], others.shape[1]))
    for ours, theirs in zip(x, others, strict=True):
        each = ours @ theirs.T
        total, square = total + each, square + each * each
    return total, (total * total - square) / 2


def _features(space: Space) -> Array:
    """(E, K + 1, R), see `Surrogate`."""
    width = int(space.sizes.max())
    found = np.zeros((len(space.names), width + 1, max(width - 1, 1)))
    for row, choice in zip(found, space.choices.values(), strict=True):
        size = len(choice.options)
        if size == 1:
            continue
        rank = np.arange(size)
        distance = np.abs(rank[:, None] - rank)
        alike = np.exp(-2 * distance / size) if choice.is_ordered else np.eye(size)
        centred = alike - alike.mean(0) - alike.mean(1, keepdims=True) + alike.mean()
        values, vectors = np.linalg.eigh(centred / np.trace(centred) * size)
        row[:size, : size - 1] = vectors[:, 1:] * np.sqrt(values[1:])
    return found
