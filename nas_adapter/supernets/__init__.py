"""Networks' parts that mix candidate operations: edges, layers, the recurrent cell.

Which operations a space offers, and whole networks, are in `nas_adapter.spaces`.
"""
