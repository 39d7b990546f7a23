"""Short address of the bounds in `experts.analysis`."""

from experts.analysis.batch_bounds import *  # noqa: F403
from experts.analysis.bounds import *  # noqa: F403
from experts.analysis.changing_bounds import *  # noqa: F403
from experts.analysis.convex_bounds import *  # noqa: F403
