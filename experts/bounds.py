"""Short address of `experts.analysis.bounds`, and of the bounds of the other rooms."""

from experts.analysis.batch_bounds import *  # noqa: F403
from experts.analysis.bounds import *  # noqa: F403
from experts.analysis.changing_bounds import *  # noqa: F403
from experts.analysis.contextual_bounds import *  # noqa: F403
from experts.analysis.convex_bounds import *  # noqa: F403
from experts.analysis.game_bounds import *  # noqa: F403
from experts.analysis.restarts_bounds import *  # noqa: F403
from experts.analysis.structured_bounds import *  # noqa: F403
