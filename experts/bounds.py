"""Short address of `experts.analysis.bounds` and its neighbours."""

from experts.analysis.bounds import *  # noqa: F403
from experts.analysis.game_bounds import *  # noqa: F403
