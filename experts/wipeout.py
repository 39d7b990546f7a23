"""Short address of `experts.analysis.wipeout`."""

from experts.analysis.wipeout import *  # noqa: F403
