"""Search spaces, one file each. To add one, write its file and enter it here."""

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
from nas_adapter.spaces.darts_rnn import DartsRNN
from nas_adapter.spaces.nasbench201 import NASBench201

SPACES: dict[str, type[Space]] = {"nasbench201": NASBench201, "darts-rnn": DartsRNN}

__all__ = [
    "NONE",
    "SPACES",
    "Architecture",
    "DartsRNN",
    "End",
    "NASBench201",
    "Size",
    "Space",
    "Tuning",
    "ends",
    "nodes",
    "random_architecture",
    "real_choices",
    "uniform_over_choices",
]
