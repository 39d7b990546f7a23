"""Least-squares model of an architecture's loss as a function of its edges' operations.

An importance-weighted estimate uses one round. This one fits all past queries at once, which
separates the effects of edges that share one scalar loss.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from array_api_compat import array_namespace

from experts.types import Array


class Quadratic(NamedTuple):
    """f(a) = constant + <single, c(a)> + <c(a), pair c(a)> / 2, a function of architectures.

    c stacks the edges' contrasts, E (K-1) numbers; `pair` has no entries within an edge. So f is
    linear in every edge, and f of a product distribution p is ``E_{a ~ p} f(a)`` exactly.
    """

    constant: Array
    """(...)"""
    single: Array
    """(..., E (K-1))"""
    pair: Array
    """(..., E (K-1), E (K-1)), symmetric"""

    def value(self, edges: Array) -> Array:
        """f of a product distribution (one-hot: of an architecture) (..., E, K); shape (...)."""
        c = contrasts(edges)
        xp = array_namespace(c)
        return self.constant + xp.sum(c * (self.single + _times(self.pair, c) / 2), axis=-1)

    def edge_losses(self, edges: Array) -> Array:
        """E[f(a) | a_e = o], (..., E, K), under a product distribution (..., E, K)."""
        c = contrasts(edges)
        xp = array_namespace(c)
        flat = self.single + _times(self.pair, c)
        count, choices = edges.shape[-2:]
        slope = xp.reshape(flat, (*flat.shape[:-1], count, choices - 1))
        loss = slope @ xp.matrix_transpose(_helmert(choices, edges))
        # Averaged over its own operations every edge has the same, f of the product.
        own = xp.sum(edges * loss, axis=-1, keepdims=True)
        return self.value(edges)[..., None, None] + loss - own


@dataclass(frozen=True, slots=True)
class Pairwise:
    r"""Bayesian least squares on f(a) = w_0 + sum_e u_e(a_e) + sum_{e<g} v_{eg}(a_e, a_g).

    With c_e = h(a_e), orthonormal contrasts of the operations, the D features are
    ``phi(a) = (1, c_e, pair * c_e c_g)``, D = 1 + E (K-1) + E (E-1) (K-1)**2 / 2. The weights have
    the prior N(0, I), and y_t = <w, phi(a_t)> + noise * N(0, 1). Then the posterior is
    N(C sum_t y_t phi(a_t) / noise**2, C), C = (I + sum_t phi phi' / noise**2)**-1. No edge and no
    operation is treated unlike another: renaming them changes nothing.

    C is kept as a square root S, C = S S', which has half as many digits to lose: after a query the
    variance of f there is below noise**2, and C itself, with entries up to 1, cannot hold that if
    eps is larger. T updates leave S a relative error of up to d = eps T / noise where f is known
    best, and the mean, which is refined once, one of d**2. `mean` and `posterior_draw` refuse
    d > 1/4: more than 2,000 queries in float32 at noise = 1e-3.

    Parameters
    ----------
    pair
        Prior size of interactions, relative to that of single operations; > 0.
    noise
        Standard deviation of what the model cannot explain, > 0.

    Notes
    -----
    A posterior draw without a factorisation: perturb the targets by noise * N(0, 1) and the sum of
    targets by the prior, `posterior_draw`. For a loss that is no such f (an accuracy is not) it is
    the ridge estimate of the nearest one, and regret bounds for linear bandits do not apply.

    Source: ridge regression as in Abbasi-Yadkori, Pal & Szepesvari 2011; posterior sampling as in
    Agrawal & Goyal 2013; draw by perturbed targets as in Papandreou & Yuille 2010.
    """

    pair: float = 0.25
    noise: float = 0.1

    def __post_init__(self) -> None:
        for name in ("pair", "noise"):
            if not (getattr(self, name) > 0 and math.isfinite(getattr(self, name))):
                raise ValueError(f"{name} must be a number > 0, got {getattr(self, name)!r}")

    def init(self, like: Array) -> Array:
        """S before the first query, (..., D, D), for edges shaped as `like` (..., E, K)."""
        xp = array_namespace(like)
        size = self.features(like).shape[-1]
        eye = xp.eye(size, dtype=like.dtype, device=like.device)
        return xp.broadcast_to(eye, (*like.shape[:-2], size, size))

    def features(self, edges: Array) -> Array:
        """phi, (..., D); of a product distribution (..., E, K) its expectation, exactly."""
        c = contrasts(edges)
        xp = array_namespace(c)
        pairs = _pairs(c[..., :, None] * c[..., None, :], *edges.shape[-2:])
        return xp.concat([xp.ones_like(c[..., :1]), c, self.pair * pairs], axis=-1)

    def observe(self, root: Array, edges: Array) -> Array:
        """S after one more query `edges`, one-hot (..., E, K), in O(D**2).

        Source: Potter's square-root update (Battin 1964; Bierman 1977, Chapter II).
        """
        xp = array_namespace(root)
        x = self.features(edges) / self.noise
        v = _times(xp.matrix_transpose(root), x)
        alpha = 1 / (1 + xp.sum(v * v, axis=-1, keepdims=True))
        shrink = v * (alpha / (1 + xp.sqrt(alpha)))
        return root - _times(root, v)[..., :, None] * shrink[..., None, :]

    def total(self, edges: Array, targets: Array) -> Array:
        """sum_t y_t phi(a_t), (..., D), from all queries (..., T, E, K) and targets (..., T)."""
        c = contrasts(edges)
        xp = array_namespace(c)
        weighted = xp.matrix_transpose(targets[..., None] * c)
        pairs = _pairs(weighted @ c, *edges.shape[-2:])
        constant = xp.sum(targets, axis=-1, keepdims=True)
        return xp.concat([constant, xp.sum(weighted, axis=-1), self.pair * pairs], axis=-1)

    def mean(self, root: Array, edges: Array, targets: Array) -> Quadratic:
        """The posterior mean; `root` is S, the other arguments as in `total`."""
        return self._solve(root, edges, targets, 0 * root[..., 0])

    def posterior_draw(
        self, root: Array, edges: Array, targets: Array, prior: Array, noise: Array
    ) -> Quadratic:
        """A draw from the posterior.

        C (sum_t (y_t + noise * noise_t) phi_t / noise**2 + prior) ~ N(mean, C), since
        C (sum_t phi phi' / noise**2 + I) C = C.

        Parameters
        ----------
        root, edges, targets
            As in `mean`.
        prior : (..., D)
            Standard normal.
        noise : (..., T)
            Standard normal.
        """
        return self._solve(root, edges, targets + self.noise * noise, prior)

    def _solve(self, root: Array, edges: Array, targets: Array, prior: Array) -> Quadratic:
        """f of the weights C (sum_t y_t phi_t / noise**2 + prior), refined once.

        S has lost digits over many updates; what is left of the normal equations, computed from
        the queries themselves, shows by how much.
        """
        sizes, eps = edges.shape[-2:], float(array_namespace(root).finfo(root.dtype).eps)
        if eps * edges.shape[-3] > self.noise / 4:
            raise ValueError(
                f"noise must be at least 4 eps T, {4 * eps * edges.shape[-3]:.0e} for "
                f"{edges.shape[-3]} queries in {root.dtype}, got {self.noise}"
            )
        weights = _square(root, self.total(edges, targets) / self.noise**2 + prior)
        missed = targets - self._quadratic(weights[..., None, :], *sizes).value(edges)
        left = self.total(edges, missed) / self.noise**2 + prior - weights
        return self._quadratic(weights + _square(root, left), *sizes)

    def _quadratic(self, weights: Array, count: int, choices: int) -> Quadratic:
        xp = array_namespace(weights)
        size = count * (choices - 1)
        scaled = xp.concat([self.pair * weights[..., 1 + size :], 0 * weights[..., :1]], axis=-1)
        square = xp.take(scaled, _constant(_places, count, choices, like=weights), axis=-1)
        pair = xp.reshape(square, (*weights.shape[:-1], size, size))
        return Quadratic(weights[..., 0], weights[..., 1 : 1 + size], pair)


def contrasts(edges: Array) -> Array:
    """c, (..., E (K-1)), of distributions over edges (..., E, K): 0 for uniform ones."""
    xp = array_namespace(edges)
    count, choices = edges.shape[-2:]
    return xp.reshape(edges @ _helmert(choices, edges), (*edges.shape[:-2], count * (choices - 1)))


def _square(root: Array, vector: Array) -> Array:
    """S S' vector."""
    return _times(root, _times(array_namespace(root).matrix_transpose(root), vector))


def _times(matrix: Array, vector: Array) -> Array:
    return (matrix @ vector[..., None])[..., 0]


def _pairs(square: Array, count: int, choices: int) -> Array:
    """Entries of (..., m, m) that couple two edges, each once."""
    xp = array_namespace(square)
    flat = xp.reshape(square, (*square.shape[:-2], square.shape[-1] ** 2))
    return xp.take(flat, _constant(_couples, count, choices, like=square), axis=-1)


def _helmert(choices: int, like: Array) -> Array:
    return _constant(_helmert_rows, choices, like=like, dtype=like.dtype)


def _constant(table: Any, *sizes: int, like: Array, dtype: Any = None) -> Array:
    return _made(table, sizes, array_namespace(like), dtype, like.device)


@lru_cache
def _made(table: Any, sizes: tuple[int, ...], xp: Any, dtype: Any, device: Any) -> Array:
    """`table(*sizes)` as a read-only array, made once for each library, type and device."""
    return xp.asarray(table(*sizes), dtype=dtype, device=device)


def _helmert_rows(choices: int) -> tuple[tuple[float, ...], ...]:
    """(K, K-1): orthonormal columns that sum to 0."""

    def entry(row: int, column: int) -> float:
        below = 1.0 if row <= column else -(column + 1.0) if row == column + 1 else 0.0
        return below / math.sqrt((column + 1) * (column + 2))

    return tuple(tuple(entry(row, col) for col in range(choices - 1)) for row in range(choices))


def _couples(count: int, choices: int) -> tuple[int, ...]:
    """Indices in a flat (m, m) of the pairs of contrasts on two different edges, first < second."""
    width = choices - 1
    size = count * width
    return tuple(
        i * size + j for i, j in itertools.product(range(size), repeat=2) if i // width < j // width
    )


def _places(count: int, choices: int) -> tuple[int, ...]:
    """Index of the weight of every entry of a flat (m, m); the last index holds a 0."""
    couples = _couples(count, choices)
    size = count * (choices - 1)
    found = {place: index for index, place in enumerate(couples)}
    none = len(couples)
    return tuple(
        found.get(min(i, j) * size + max(i, j), none)
        for i, j in itertools.product(range(size), repeat=2)
    )
