"""Short address of `experts.analysis.bounds`."""

from experts.analysis.bounds import *  # noqa: F403
