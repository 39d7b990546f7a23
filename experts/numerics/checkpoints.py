"""`Checkpoint`: what `Player` saves of itself, checked before it is taken back."""

from __future__ import annotations

from typing import Any, NamedTuple

from array_api_compat import array_namespace

from experts.numerics.arguments import flag, whole
from experts.numerics.parameters import number
from experts.numerics.state import convert, copied, from_arrays, readable, to_arrays
from experts.types import Array

_PREFIX = "player."
_PLAIN = ("learner", "rounds", "estimates", "unit")


class Checkpoint(NamedTuple):
    """Content of a checkpoint of a `Player`."""

    learner: str
    """its repr"""
    rounds: int
    """how many rounds have been played"""
    estimates: bool
    """whether there was bandit feedback"""
    unit: float
    """what a regret of 1 of the learner is for the user then"""
    state: Any
    """the learner's"""
    extra: dict[str, Array]
    """what the player itself remembers"""

    def pack(self) -> dict[str, Any]:
        """As a dictionary: plain values, and all arrays, copied, by name under "state"."""
        own = {_PREFIX + name: array for name, array in self.extra.items()}
        arrays = to_arrays(self.state) | own
        plain = {name: getattr(self, name) for name in _PLAIN}
        return plain | {"state": {name: copied(array) for name, array in arrays.items()}}

    @classmethod
    def unpack(cls, saved: dict[str, Any], state: Any, extra: dict[str, Array]) -> Checkpoint:
        """From what `pack` gave, with arrays as in `state` and, if they are there, in `extra`.

        Raises
        ------
        ValueError
            If something is missing, unknown, of another type or shape, not finite or out of its
            domain.
        """
        try:
            return cls._unpacked(saved, state, extra)
        except (AttributeError, OverflowError, TypeError) as error:
            raise ValueError(f"saved is not what state_dict() gave: {error}") from error

    @classmethod
    def _unpacked(cls, saved: dict[str, Any], state: Any, extra: dict[str, Array]) -> Checkpoint:
        missing = {*_PLAIN, "state"} - saved.keys()
        if missing:
            raise ValueError(f"saved lacks {', '.join(sorted(missing))}: is it a state_dict()?")
        rounds, arrays = whole("rounds", saved["rounds"], 0), saved["state"]
        estimates = saved["estimates"]  # np.savez makes an array of it
        estimates = flag("estimates", estimates.item() if hasattr(estimates, "item") else estimates)
        likes = {_PREFIX + name: array for name, array in extra.items()}
        loaded = from_arrays(state, {n: a for n, a in arrays.items() if n not in likes})
        xp = array_namespace(loaded.alive)
        if readable(loaded.alive) and not bool(xp.all(xp.any(loaded.alive, axis=-1))):
            raise ValueError("alive must have at least one expert in every problem, got none")
        found = {n: convert(n, arrays[n], like) for n, like in likes.items() if n in arrays}
        return cls(
            str(saved["learner"]),
            rounds,
            estimates,
            number("unit", saved["unit"]),
            loaded,
            {name.removeprefix(_PREFIX): array for name, array in found.items()},
        )
