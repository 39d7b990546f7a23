"""Distributions over architectures: one expert on every edge, drawn independently.

A = prod_e O_e, p(a) = prod_e p_e(a_e). When the loss of an architecture is the sum of its
edges' losses, entropic FTRL over all |A| architectures and entropic FTRL on every edge with the
same eta are the same distribution, round by round: exp(-eta L_a) factorises. So nothing is lost
by keeping |E| small problems instead of one of size exp(sum_e ln |O_e|).
"""

from __future__ import annotations

from typing import NamedTuple

from array_api_compat import array_namespace

from experts.masks import log
from experts.sampling import draw
from experts.types import Array


class ProductDistribution(NamedTuple):
    """A product distribution over edges.

    Architectures are integer arrays (..., E): the operation's index on every edge. Edges with
    fewer operations have probability 0 on the rest.

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

    def sample(self, uniforms: Array) -> Array:
        """An architecture (..., E), from uniforms (..., E) in [0, 1)."""
        chosen = draw(self.edges, uniforms[..., None])
        xp = array_namespace(chosen)
        return xp.argmax(xp.astype(chosen, xp.int8), axis=-1)

    def mode(self) -> Array:
        """The most probable architecture, (..., E); ties: the smaller index."""
        return array_namespace(self.edges).argmax(self.edges, axis=-1)

    def log_probability(self, architecture: Array) -> Array:
        """ln p(a) = sum_e ln p_e(a_e), (...); -inf for an impossible one."""
        xp = array_namespace(self.edges)
        operations = xp.arange(self.edges.shape[-1], device=self.edges.device)
        chosen = operations == architecture[..., None]
        return xp.sum(log(xp.sum(xp.where(chosen, self.edges, 0.0), axis=-1)), axis=-1)

    def entropy(self) -> Array:
        """-sum_a p(a) ln p(a) = sum of the edges' entropies, in nats, (...)."""
        return array_namespace(self.edges).sum(edge_entropy(self.edges), axis=-1)


def edge_entropy(play: Array) -> Array:
    """-sum_i p_i ln p_i in nats, (...), from distributions (..., K)."""
    xp = array_namespace(play)
    return -xp.sum(play * xp.log(xp.where(play > 0, play, 1.0)), axis=-1)
