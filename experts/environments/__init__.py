"""Where losses come from. An environment is a frozen set of choices with one method, `start`.

To add one, write a frozen dataclass with the attributes of `Environment`; `play` needs nothing
else. What is revealed of a loss (all of it, or the drawn expert's) is chosen in `play`, not here.
A batch of edges, each with its own draw, is `shape` (E, K): with bandit feedback that is the
semi-bandit game over a product.
"""

from experts.environments.adaptive import (
    AgainstOneFavourite,
    AgainstTheBound,
    AgainstTheFavourite,
    AgainstTheWeights,
)
from experts.environments.base import Course, Environment
from experts.environments.fixed import Alternating, Given
from experts.environments.stochastic import (
    Bernoulli,
    Gaussian,
    OneGood,
    Switching,
    random_signs,
    scaled_gap,
)
from experts.environments.tables import from_csv
from experts.environments.wrappers import Corrupted, Scaled, SideBySide

__all__ = [
    "AgainstOneFavourite",
    "AgainstTheBound",
    "AgainstTheFavourite",
    "AgainstTheWeights",
    "Alternating",
    "Bernoulli",
    "Corrupted",
    "Course",
    "Environment",
    "Gaussian",
    "Given",
    "OneGood",
    "Scaled",
    "SideBySide",
    "Switching",
    "from_csv",
    "random_signs",
    "scaled_gap",
]
