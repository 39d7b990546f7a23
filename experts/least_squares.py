"""Short address of `experts.structured.least_squares`."""

from experts.structured.least_squares import *  # noqa: F403
