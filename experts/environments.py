"""Short address of `experts.simulation.environments`."""

from experts.simulation.environments import *  # noqa: F403
