"""Search spaces, one file each. To add one, write its file and enter it here."""

from nas_adapter.spaces.base import Architecture, Size, Space, random_architecture
from nas_adapter.spaces.nasbench201 import NASBench201

SPACES: dict[str, type[Space]] = {"nasbench201": NASBench201}

__all__ = ["SPACES", "Architecture", "NASBench201", "Size", "Space", "random_architecture"]
