"""The edges of a supernet as expert problems: `EdgeExperts`, for any network and training loop.

A *reward* is a gain: larger is better. `experts` works with losses; only this room changes signs.
"""

from nas_adapter.edges.edge_experts import EdgeExperts

__all__ = ["EdgeExperts"]
