"""Search spaces, one file each. To add one, write its file and enter it in find.py."""

from nas_adapter.spaces.base import (
    NONE,
    Architecture,
    End,
    Size,
    Space,
    Tuning,
    ends,
    nodes,
    random_architecture,
    real_choices,
    uniform_over_choices,
)
from nas_adapter.spaces.darts_cnn import DARTSCNN
from nas_adapter.spaces.darts_rnn import DARTSRNN
from nas_adapter.spaces.find import SPACES, find_space
from nas_adapter.spaces.nasbench201 import NASBench201
from nas_adapter.spaces.without import without

__all__ = [
    "DARTSCNN",
    "DARTSRNN",
    "NONE",
    "SPACES",
    "Architecture",
    "End",
    "NASBench201",
    "Size",
    "Space",
    "Tuning",
    "ends",
    "find_space",
    "nodes",
    "random_architecture",
    "real_choices",
    "uniform_over_choices",
    "without",
]
