"""Parts of supernets: mixed edges, layers, the recurrent cell.

The operations that a space offers, and whole networks, are in `nas_adapter.spaces`.
"""
