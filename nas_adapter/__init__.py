"""XNAS and its baselines on PyTorch: an edge of a supernet is an expert problem of `experts`."""
