"""A learner with its state in one object, and every argument checked."""

from __future__ import annotations

from typing import Any, Generic

from array_api_compat import array_namespace, is_array_api_obj

from experts.masks import wipe
from experts.state import from_arrays, to_arrays
from experts.types import Array, Feedback, Learner, State


class Player(Generic[State]):
    """The facade for people who want `predict` and `update`.

    Parameters
    ----------
    learner
        A learner of this package.
    like : (..., K)
        Any array with the shape, dtype and device of a round's losses.
    prior : (..., K), optional
        On the simplex; 0 for an expert that does not take part. Default: uniform.
    loss_range : (low, high), optional
        Losses outside it are refused.
    checks
        False switches all checks off, and with them every read of an array's value.

    Examples
    --------
    >>> import numpy as np, experts
    >>> player = experts.Player(experts.adahedge(), like=np.zeros(2))
    >>> for loss in np.asarray([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]):
    ...     play = player.predict()
    ...     player.update(loss)
    >>> player.predict().round(3)
    array([0.711, 0.289])
    """

    def __init__(
        self,
        learner: Learner[State],
        like: Array,
        *,
        prior: Array | None = None,
        loss_range: tuple[float, float] | None = None,
        checks: bool = True,
    ) -> None:
        if not is_array_api_obj(like):
            raise ValueError(f"like must be an array, got {type(like).__name__}")
        if like.ndim == 0 or like.shape[-1] == 0:
            raise ValueError(f"like must have at least one expert, got shape {like.shape}")
        if checks and prior is not None:
            _check_distribution("prior", prior, like.shape)
        self.learner = learner
        self.state = learner.init(like, prior=prior)
        self.rounds = 0
        self._shape = tuple(like.shape)
        self._range = loss_range
        self._checks = checks

    def predict(self) -> Array:
        """The distribution to play in this round, (..., K)."""
        return self.learner.predict(self.state)

    def update(
        self, loss: Array, *, seen: Array | None = None, chance: Array | None = None
    ) -> None:
        """Take in one round; see `Feedback`.

        Raises
        ------
        ValueError
            Losses of another shape, nan, infinite or outside `loss_range`; `seen` without
            `chance`; a chance outside (0, 1] where seen; more rounds than the learner's horizon.
        """
        play = self.predict()
        if self._checks:
            self._check_round(loss, seen, chance)
        self.state = self.learner.update(self.state, play, Feedback(loss, seen, chance))
        self.rounds += 1

    def wipe(self, dead: Array) -> None:
        """Remove the experts in `dead`, bool (..., K), for good."""
        self._check_array("dead", dead, mask=True)
        self.state = wipe(self.state, dead)

    def certificate(self) -> Array:
        """Upper bound on the regret so far to each survivor, (..., K)."""
        return self.learner.certificate(self.state)

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs: arrays by name, and the number of rounds."""
        return {
            "learner": repr(self.learner),
            "rounds": self.rounds,
            "state": to_arrays(self.state),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from `state_dict()` of a player with the same learner and shape.

        Raises
        ------
        ValueError
            If it was saved by another learner, or for problems of another shape.
        """
        if saved["learner"] != repr(self.learner):
            raise ValueError(f"saved by {saved['learner']}, not by {self.learner!r}")
        self.state = from_arrays(self.state, saved["state"])
        self.rounds = saved["rounds"]

    def _check_round(self, loss: Array, seen: Array | None, chance: Array | None) -> None:
        horizon = self.learner.horizon
        if horizon is not None and self.rounds >= horizon:
            raise ValueError(f"the learner is tuned for a horizon of {horizon} rounds; all played")
        self._check_array("loss", loss)
        if seen is not None:
            self._check_array("seen", seen, mask=True)
        if chance is not None:
            self._check_array("chance", chance)
        xp = array_namespace(loss)
        matters = self.state.alive if seen is None else self.state.alive & seen  # type: ignore[attr-defined]
        _refuse("loss", loss, matters & ~xp.isfinite(loss), "must be finite")
        if self._range is not None:
            low, high = self._range
            outside = matters & ((loss < low) | (loss > high))
            _refuse("loss", loss, outside, f"must lie in [{low}, {high}]")
        if seen is not None and chance is not None:
            # Not (0 < chance <= 1), so that nan is caught; a little above 1 is rounding.
            fine = (chance > 0) & (chance <= 1 + 1e-6)
            _refuse("chance", chance, matters & ~fine, "must lie in (0, 1] where seen")

    def _check_array(self, name: str, value: Array, *, mask: bool = False) -> None:
        """Of the state's library and shape; `mask`: of type bool."""
        xp = array_namespace(self.state.alive)  # type: ignore[attr-defined]
        if not is_array_api_obj(value) or array_namespace(value) is not xp:
            raise ValueError(
                f"{name} must be an array of {xp.__name__}, got {type(value).__name__}"
            )
        if tuple(value.shape) != self._shape:
            raise ValueError(f"{name} has shape {tuple(value.shape)}, expected {self._shape}")
        if mask and value.dtype != xp.bool:
            raise ValueError(f"{name} must be of type bool, got {value.dtype}")


def _refuse(name: str, value: Array, wrong: Array, rule: str) -> None:
    """Raise if any entry is wrong, and show the first."""
    xp = array_namespace(value)
    if not bool(xp.any(wrong)):
        return
    if wrong.ndim == 0:
        raise ValueError(f"{name} {rule}, got {float(value)}")
    position = tuple(int(axis[0]) for axis in xp.nonzero(wrong))
    raise ValueError(f"{name} {rule}, got {float(value[position])} at index {position}")


def _check_distribution(name: str, value: Array, shape: tuple[int, ...]) -> None:
    xp = array_namespace(value)
    if tuple(value.shape) != tuple(shape):
        raise ValueError(f"{name} has shape {tuple(value.shape)}, expected {tuple(shape)}")
    _refuse(name, value, ~(value >= 0), "must be nonnegative")
    total = xp.sum(value, axis=-1)
    _refuse(f"the sum of {name}", total, ~(xp.abs(total - 1) < 1e-4), "must be 1")
