"""Short address of `experts.analysis.bounds` and of the bounds of restarted learners."""

from experts.analysis.bounds import *  # noqa: F403
from experts.analysis.restarts_bounds import *  # noqa: F403
