"""Product distributions over architectures: every edge draws its operation independently.

A = prod_e O_e, p(a) = prod_e p_e(a_e). When the loss of an architecture is the sum of its
edges' losses, entropic FTRL over all |A| architectures and entropic FTRL on every edge with the
same eta give the same distribution in every round: exp(-eta L_a) factorises. So |E| small
problems replace one of size exp(sum_e ln |O_e|) without loss.

The regret to the best architecture is the sum of the edges' regrets, for losses of range B_e on
edge e at most ln|A| / eta + (eta T / 8) sum_e B_e**2: `bounds.hedge` with K = |A| and
B = sqrt(sum_e B_e**2), where |A| experts of that range without structure have B = sum_e B_e.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from array_api_compat import array_namespace, is_array_api_obj

from experts.numerics.arguments import whole
from experts.numerics.masks import log
from experts.numerics.sampling import draw
from experts.types import Array


class ProductDistribution(NamedTuple):
    """A product distribution over architectures: one distribution for each edge.

    Architectures are integer arrays (..., E): the operation's index on every edge. Edges with
    fewer operations have probability 0 on the rest; `ragged` pads them. An index that an edge does
    not have gives log-probability -inf rather than an error, which would need a value from the
    device.

    Examples
    --------
    >>> import numpy as np
    >>> product = ProductDistribution(np.asarray([[0.5, 0.5], [0.1, 0.9]]))
    >>> product.mode()
    array([0, 1])
    >>> float(np.exp(product.log_probability(np.asarray([1, 1]))).round(6))
    0.45
    """

    edges: Array
    """(..., E, K): every edge's distribution over its operations"""

    @classmethod
    def ragged(cls, edges: Sequence[Any], like: Array) -> ProductDistribution:
        """From edges with different numbers of operations.

        Parameters
        ----------
        edges
            For each edge its distribution (..., K_e): arrays of the library of `like`, or
            sequences of numbers.
        like
            Any array with the dtype and device to have.

        Examples
        --------
        >>> import numpy as np
        >>> ProductDistribution.ragged([[1.0], [0.25, 0.75]], like=np.zeros(())).edges
        array([[1.  , 0.  ],
               [0.25, 0.75]])
        """
        if len(edges) == 0:
            raise ValueError("edges must hold at least one edge, got none")
        xp = array_namespace(like)
        place = {"dtype": like.dtype, "device": like.device}
        arrays = [xp.asarray(edge, **place) for edge in edges]
        width = max(array.shape[-1] if array.ndim else 0 for array in arrays)
        for index, array in enumerate(arrays):
            if array.ndim == 0 or array.shape[:-1] != arrays[0].shape[:-1] or not array.shape[-1]:
                raise ValueError(
                    f"edges[{index}] must have shape (..., K_e) with K_e >= 1 and the batch of "
                    f"edges[0], got {tuple(array.shape)}"
                )
        filled = [
            xp.concat(
                [array, xp.zeros((*array.shape[:-1], width - array.shape[-1]), **place)], axis=-1
            )
            for array in arrays
        ]
        return cls(xp.stack(filled, axis=-2))

    def sample(self, uniforms: Array) -> Array:
        """An architecture (..., E), from uniforms (..., E) in [0, 1)."""
        chosen = draw(self.edges, uniforms[..., None])
        xp = array_namespace(chosen)
        return xp.argmax(xp.astype(chosen, xp.int8), axis=-1)

    def mode(self) -> Array:
        """The most probable architecture, (..., E); ties: the smaller index."""
        return array_namespace(self.edges).argmax(self.edges, axis=-1)

    def log_probability(self, architecture: Array | Sequence[int]) -> Array:
        """ln p(a) = sum_e ln p_e(a_e), (...); -inf for an impossible one.

        Parameters
        ----------
        architecture
            Integer array (..., E), or E numbers, whose range is checked.
        """
        xp = array_namespace(self.edges)
        operations = xp.arange(self.edges.shape[-1], device=self.edges.device)
        chosen = operations == self._indices(architecture)[..., None]
        return xp.sum(log(xp.sum(xp.where(chosen, self.edges, 0.0), axis=-1)), axis=-1)

    def top_k(self, k: int) -> tuple[Array, Array]:
        """The k most probable architectures and their log-probabilities, most probable first.

        Exact, without enumerating the product: the k best of the first e edges extend some of the
        k best of the first e - 1, so each edge costs one sort of at most k K sums.

        Returns
        -------
        architectures : integer (..., k', E)
            k' = min(k, K**E). Ties: the smaller index first, edge by edge; the first is `mode`.
        log_probability : (..., k')
            -inf, and an arbitrary architecture, where fewer than k' are possible.

        Examples
        --------
        >>> import numpy as np
        >>> found, log_p = ProductDistribution(np.asarray([[0.7, 0.3], [0.4, 0.6]])).top_k(3)
        >>> found.tolist(), np.exp(log_p).round(2).tolist()
        ([[0, 1], [0, 0], [1, 1]], [0.42, 0.28, 0.18])
        """
        k = whole("k", k)
        xp = array_namespace(self.edges)
        count = self.edges.shape[-1]
        scores = log(self.edges)
        best = 0.0 * self.edges[..., 0, :1]
        found = xp.zeros((*best.shape, 0), dtype=xp.int64, device=self.edges.device)
        for edge in range(self.edges.shape[-2]):
            joint = best[..., :, None] + scores[..., edge : edge + 1, :]
            joint = xp.reshape(joint, (*best.shape[:-1], best.shape[-1] * count))
            order = xp.argsort(-joint, axis=-1, stable=True)[..., : min(k, joint.shape[-1])]
            best = xp.take_along_axis(joint, order, axis=-1)
            parent = xp.broadcast_to((order // count)[..., None], (*order.shape, edge))
            kept = xp.take_along_axis(found, parent, axis=-2)
            found = xp.concat([kept, (order % count)[..., None]], axis=-1)
        return found, best

    def marginals(self) -> Array:
        """P(a_e = o), (..., E, K). The edges are independent: their own distributions."""
        return self.edges

    def kl(self, other: ProductDistribution) -> Array:
        """KL(self || other) = sum_e KL(p_e || q_e) in nats, (...).

        inf where `other` rules out an architecture that is possible here.
        """
        xp = array_namespace(self.edges)
        possible = self.edges > 0
        ours, theirs = (log(xp.where(possible, p, 1.0)) for p in (self.edges, other.edges))
        return xp.sum(self.edges * (ours - theirs), axis=(-2, -1))

    def without(self, dead: Array) -> ProductDistribution:
        """Conditional on no edge using an operation in `dead`, bool (..., E, K).

        An edge that would lose all that is possible on it keeps its distribution, as in `wipe`.
        """
        xp = array_namespace(self.edges)
        left = xp.where(dead, 0.0, self.edges)
        some = xp.any(left > 0, axis=-1, keepdims=True)
        left = xp.where(some, left, self.edges)
        return ProductDistribution(left / xp.sum(left, axis=-1, keepdims=True))

    def entropy(self) -> Array:
        """-sum_a p(a) ln p(a) = sum of the edges' entropies, in nats, (...)."""
        return array_namespace(self.edges).sum(edge_entropy(self.edges), axis=-1)

    def _indices(self, architecture: Array | Sequence[int]) -> Array:
        """`architecture` as an array; ValueError for errors that show without its values."""
        xp = array_namespace(self.edges)
        edges, count = self.edges.shape[-2:]
        array: Array = architecture
        if not is_array_api_obj(architecture):
            for edge, index in enumerate(architecture):
                if not 0 <= index < count:
                    raise ValueError(
                        f"architecture must have indices in [0, {count}), "
                        f"got {index} on edge {edge}"
                    )
            array = xp.asarray(architecture, device=self.edges.device)
        if array.ndim == 0 or array.shape[-1] != edges:
            raise ValueError(
                f"architecture has shape {tuple(array.shape)}, expected (..., {edges})"
            )
        if not xp.isdtype(array.dtype, "integral"):
            raise ValueError(f"architecture must be of an integer type, got {array.dtype}")
        return array


def edge_entropy(play: Array) -> Array:
    """Entropy -sum_i p_i ln p_i in nats, (...), of distributions (..., K)."""
    xp = array_namespace(play)
    return -xp.sum(play * xp.log(xp.where(play > 0, play, 1.0)), axis=-1)
