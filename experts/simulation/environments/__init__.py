"""Environments: sources of losses, each a frozen set of choices with one method, `start`.

To add one, write a frozen dataclass with the attributes of `Environment`; `play` needs nothing
else. What is revealed of a loss (all of it, or the drawn expert's) is chosen in `play`, not here.
A batch of edges, each with its own draw, is `shape` (E, K): with bandit feedback that is the
semi-bandit game over a product. An environment may know expected losses, show contexts or who is
awake: see `Course`.
"""

from experts.simulation.environments.adaptive import (
    AgainstOneFavourite,
    AgainstTheBound,
    AgainstTheFavourite,
    AgainstTheWeights,
)
from experts.simulation.environments.base import Course, Environment, Told
from experts.simulation.environments.drawn import BetaCoins, NormalArms
from experts.simulation.environments.fixed import Alternating, Given
from experts.simulation.environments.sleeping import Sleeping
from experts.simulation.environments.stochastic import (
    Bernoulli,
    Gaussian,
    OneGood,
    Switching,
    random_signs,
    scaled_gap,
)
from experts.simulation.environments.tables import from_csv
from experts.simulation.environments.wrappers import Corrupted, Scaled, SideBySide

__all__ = [
    "AgainstOneFavourite",
    "AgainstTheBound",
    "AgainstTheFavourite",
    "AgainstTheWeights",
    "Alternating",
    "Bernoulli",
    "BetaCoins",
    "Corrupted",
    "Course",
    "Environment",
    "Gaussian",
    "Given",
    "NormalArms",
    "OneGood",
    "Scaled",
    "SideBySide",
    "Sleeping",
    "Switching",
    "Told",
    "from_csv",
    "random_signs",
    "scaled_gap",
]
