"""`Player`: a learner and its state in one object, with every argument checked."""

from __future__ import annotations

from typing import Any, Generic

from experts.checks import (
    allowed_interval,
    check_array,
    check_late,
    check_learner,
    check_like,
    check_loss,
    check_prior,
    check_supported,
)
from experts.numerics.masks import wipe
from experts.numerics.state import from_arrays, to_arrays
from experts.sleeping import fill, restrict
from experts.types import Array, Feedback, Learner, State


class Player(Generic[State]):
    """A learner and its state behind `predict` and `update`, with every argument checked.

    Parameters
    ----------
    learner
        A learner of this package.
    like : (..., K)
        Any array with the shape, dtype and device of a round's losses.
    prior : (..., K), optional
        On the simplex; 0 for an expert that does not take part. Default: uniform.
    loss_interval : (low, high), optional
        Losses outside it are refused; with bandit feedback also losses outside the learner's
        `loss_interval`.
    checks
        False switches all checks off, and with them every read of an array's value.

    Examples
    --------
    >>> import numpy as np, experts
    >>> player = experts.Player(experts.adahedge(), like=np.zeros(2))
    >>> for loss in np.asarray([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]):
    ...     p = player.predict()
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
        loss_interval: tuple[float, float] | None = None,
        checks: bool = True,
    ) -> None:
        check_learner(learner)
        check_like(like)
        if loss_interval is not None and not loss_interval[0] < loss_interval[1]:
            raise ValueError(
                f"loss_interval must be (low, high) with low < high, got {loss_interval}"
            )
        if checks and prior is not None:
            check_prior(prior, like)
        self.learner = learner
        self.state = learner.init(like, prior=prior)
        self.rounds = 0
        self._like = like
        self._loss_interval = loss_interval
        self._checks = checks

    def predict(self, awake: Array | None = None) -> Array:
        """The distribution to play in this round, (..., K).

        Parameters
        ----------
        awake : bool (..., K), optional
            Who takes part in this round; the others have probability exactly 0. A problem in
            which no survivor is awake has a void round: probability 0 for everyone, no loss.
        """
        play = self.learner.predict(self.state)
        if awake is None:
            return play
        check_supported(self.learner, awake=("sleeping", awake))
        check_array("awake", awake, self._alive)
        return restrict(play, awake & self._alive)

    def update(
        self,
        loss: Array,
        *,
        seen: Array | None = None,
        chance: Array | None = None,
        awake: Array | None = None,
        play: Array | None = None,
    ) -> None:
        """Learn from one round's losses; see `Feedback`.

        Parameters
        ----------
        loss : (..., K)
            nan where unseen, asleep or removed is fine.
        seen, chance
            Bandit feedback, for learners that support it.
        awake : bool (..., K), optional
            What `predict` was given in the loss's own round. The certificate then bounds, for
            each survivor, the regret over the rounds in which it was awake. Not with `seen`.
        play : (..., K), optional
            Delayed feedback: what `predict` gave in the loss's own round, if that was an earlier
            one. Rounds whose loss has not arrived count nowhere yet. Experts that had weight
            then must not have been removed since.

        Raises
        ------
        ValueError
            Losses of another shape or type, nan, infinite or outside the interval allowed; `seen`
            without `chance`; a chance outside (0, 1] where seen; more rounds than the learner's
            horizon; an argument that the learner does not support.
        """
        check_supported(
            self.learner,
            seen=("bandit", seen),
            awake=("sleeping", awake),
            play=("delayed", play),
        )
        if chance is not None and seen is None:
            raise ValueError("chance was given without seen: which entries were revealed?")
        if seen is not None and awake is not None:
            raise ValueError("awake and seen were both given; give one of them")
        if self._checks:
            self._check_round(loss, seen, chance, awake, play)
        used = self.learner.predict(self.state) if play is None else play
        if awake is not None:
            awake = awake & self._alive
            loss = fill(loss, restrict(used, awake), awake)
        self.state = self.learner.update(self.state, used, Feedback(loss, seen, chance))
        self.rounds += 1

    def wipe(self, dead: Array) -> None:
        """Remove the experts in `dead`, bool (..., K), for good."""
        check_supported(self.learner, dead=("wipeout", dead))
        check_array("dead", dead, self._alive)
        self.state = wipe(self.state, dead)

    def certificate(self) -> Array:
        """Upper bound on the regret so far to each survivor, (..., K)."""
        return self.learner.certificate(self.state)

    def state_dict(self) -> dict[str, Any]:
        """Content of a checkpoint: the state's arrays by name, and the number of rounds."""
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

    @property
    def _alive(self) -> Array:
        """Survivors, bool (..., K); every state of the package has a field `alive`."""
        return self.state.alive  # type: ignore[attr-defined]

    def _check_round(
        self,
        loss: Array,
        seen: Array | None,
        chance: Array | None,
        awake: Array | None,
        play: Array | None,
    ) -> None:
        horizon = self.learner.horizon
        if horizon is not None and self.rounds >= horizon:
            raise ValueError(f"the learner is tuned for a horizon of {horizon} rounds; all played")
        matters = self._alive
        for name, value in (("loss", loss), ("chance", chance), ("play", play)):
            if value is not None:
                check_array(name, value, self._like)
        for name, mask in (("seen", seen), ("awake", awake)):
            if mask is not None:
                check_array(name, mask, matters)
                matters = matters & mask
        bandit = seen is not None
        allowed = self._loss_interval
        if bandit:
            allowed = allowed_interval(self.learner, allowed)
        check_loss(loss, chance if bandit else None, matters, allowed)
        if play is not None:
            check_late(play, self._alive, awake)
