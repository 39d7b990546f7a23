"""`Player`: a learner and its state in one object, with every argument checked."""

from __future__ import annotations

from typing import Any, Generic, cast

from array_api_compat import array_namespace

from experts.checks import (
    check_array,
    check_distribution,
    check_late,
    check_learner,
    check_like,
    check_loss,
    check_prior,
    check_same_mask,
    check_seen,
    check_supported,
)
from experts.numerics.arguments import flag
from experts.numerics.checkpoints import Checkpoint
from experts.numerics.masks import wipe
from experts.numerics.state import copied, readable
from experts.numerics.units import Units, checked_interval
from experts.sleeping import charge, fill, restrict
from experts.types import Array, BanditLearner, Feedback, Learner, State


class Player(Generic[State]):
    """A learner and its state behind `predict` and `update`, with every argument checked.

    A round begins with `predict`, whose distribution the player remembers until the next
    `update`: the certificate speaks of what was used, not of what would be predicted now.

    Parameters
    ----------
    learner
        A learner of this package.
    like : (..., K)
        Any array with the shape, dtype and device of a round's losses.
    prior : (..., K), optional
        On the simplex; 0 for an expert that does not take part. Default: uniform.
    loss_interval : (low, high), optional
        What `update` is given lies in it; the rest is refused, except by 4 ulps of rounding.
        Under full information it is a check and no more. Under bandit feedback it is mapped to
        the interval that the learner is proved for, and regrets are mapped back (`Units`);
        default there: the learner's own, [0, 1].
    rewards
        `update` is given rewards, to be maximised (and `loss_interval` is theirs). Regret is
        what the best expert has earned above the player.
    checks
        False switches all checks of values off, and with them every read of an array's value.

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
        rewards: bool = False,
        checks: bool = True,
    ) -> None:
        check_learner(learner)
        check_like(like)
        checks = flag("checks", checks) and readable(like)
        if checks and prior is not None:
            check_prior(prior, like)
        like, prior = _detached(like), _detached(prior)
        self.learner = learner
        self.state = learner.init(like, prior=prior)
        self.rounds = 0
        self._units = Units(
            learner.loss_interval, checked_interval(loss_interval, like), flag("rewards", rewards)
        )
        self._like = like
        self._checks = checks
        self._debt = array_namespace(like).zeros_like(like)[..., :1]
        self._estimated = False  # whether `seen` was ever used
        self._raw: Array | None = None  # the learner's distribution of the round in progress
        self._awake: Array | None = None  # and who takes part in it; None: all
        self._dead: Array | None = None  # to be removed when it ends

    def predict(self, awake: Array | None = None) -> Array:
        """The distribution to play in this round, (..., K).

        Asked again before `update` it is the same. `awake` conditions it anew: the last mask
        counts, and the loss of a round with an earlier one has to come with ``play=``.

        Parameters
        ----------
        awake : bool (..., K), optional
            Who takes part in this round; the others have probability exactly 0. A problem in
            which no survivor is awake has a void round: probability 0 for everyone, no loss.
        """
        if awake is not None:
            check_supported(self.learner, awake=("sleeping", awake))
            check_array("awake", awake, self._alive)
            awake = awake & self._alive
        if self._raw is None:
            self._raw = _detached(self.learner.predict(self.state))
        self._awake = awake
        # A copy: the caller may write into it.
        return copied(self._raw) if awake is None else restrict(self._raw, awake)

    def update(
        self,
        loss: Array,
        *,
        seen: Array | None = None,
        chance: Array | None = None,
        awake: Array | None = None,
        play: Array | None = None,
    ) -> None:
        """Learn from one round's losses (or rewards), and end the round; see `Feedback`.

        Gradients are not followed: arrays that require one are detached.

        Parameters
        ----------
        loss : (..., K)
            nan where unseen, asleep or removed before the round is fine.
        seen, chance
            Bandit feedback, for learners that support it: who was seen, and with which
            probability; after ``predict(awake)`` that of the distribution it gave.
        awake : bool (..., K), optional
            The mask that `predict` was given; may be left out with `seen`. The certificate then
            bounds, for each survivor, the regret over the rounds in which it was awake.
        play : (..., K), optional
            Delayed feedback: what `predict` gave in the loss's own round, if an `update` came in
            between (give `awake` as well if it was used). Rounds whose loss has not arrived count
            nowhere yet. If experts that had weight then have been removed since, their losses
            belong to the round and are charged: see `experts.sleeping` for the proof.

        Raises
        ------
        ValueError
            Losses of another shape or type, nan, infinite or outside the interval allowed; `seen`
            without `chance`; a chance outside (0, 1] where seen; more rounds than the learner's
            horizon; an argument that the learner does not support; `awake` other than what
            `predict` was given; no `predict` since the last `update`, and no `play`.
        """
        check_supported(
            self.learner,
            seen=("bandit", seen),
            awake=("sleeping", awake),
            play=("delayed", play),
        )
        if chance is not None and seen is None:
            raise ValueError("chance was given without seen: which entries were revealed?")
        if seen is not None and chance is None:
            raise ValueError("chance is needed with seen: the probability of being seen")
        feedback, play = Feedback(_detached(loss), seen, _detached(chance)), _detached(play)
        if self._checks:
            self._check_arrays(feedback, awake, play)
        alive = self._alive if play is None else self._alive | (play > 0)
        awake = self._mask(awake, alive, late=play is not None, bandit=seen is not None)
        if self._checks:
            self._check_values(feedback, awake, play, alive)
        used = self._raw if play is None else play
        if used is None:
            raise ValueError(
                "update came without a predict since the last update: call predict() in every "
                "round; the loss of an earlier round needs play=, what predict gave then"
            )
        self._learn(used, feedback, awake, late=play is not None)

    def wipe(self, dead: Array) -> None:
        """Remove the experts in `dead`, bool (..., K), for good.

        A round that has begun is finished first: between `predict` and `update` it takes effect
        with that `update`, and `predict` stays the same until then. Losses of earlier rounds may
        still come, with ``play=``.
        """
        check_supported(self.learner, dead=("wipeout", dead))
        check_array("dead", dead, self._alive)
        if self._raw is None:
            self.state = wipe(self.state, dead)
            return
        before = self.state if self._dead is None else wipe(self.state, self._dead)
        self._dead = self._alive & ~wipe(before, dead).alive

    def certificate(self) -> Array:
        """Upper bound on the regret so far to each survivor, (..., K), under full information.

        Raises
        ------
        ValueError
            If `seen` was ever used: see `certificate_of_estimates`.
        """
        if self._estimated:
            raise ValueError(
                "seen was used: there is no bound on the regret itself in every game, only on "
                "that in the estimated losses, certificate_of_estimates(); what holds in "
                "expectation or with high probability is in experts.bounds"
            )
        return self.certificate_of_estimates()

    def certificate_of_estimates(self) -> Array:
        """Upper bound on the regret in estimated losses so far to each survivor, (..., K).

        In every game, sum_t <p_t, e_t> - e_{t,k} is at most this, with e_t the losses that the
        learner has estimated from what was seen. The true regret may be larger. For learners
        with unbiased estimates the mean over the draws of the left side is the pseudo-regret;
        `bounds.exp3`, `bounds.tsallis_inf` bound it, and `bounds.exp3_ix` bounds the true regret
        of `exp3_ix` with probability 1 - delta.
        """
        scale = self._units.scale if self._estimated else 1.0
        return (self.learner.certificate(self.state) + self._debt) * scale

    def state_dict(self) -> dict[str, Any]:
        """Content of a checkpoint, as copies: all arrays by name, and a few plain values.

        ``"state"`` holds the learner's arrays, and under ``player.`` what the player itself
        remembers, with the distribution of a round in progress. To save it, and to get it back::

            json.dumps(saved, default=lambda array: array.tolist()), json.loads(text)
            torch.save(saved, path), torch.load(path)
            state = {f"state.{name}": array for name, array in saved.pop("state").items()}
            np.savez(path, **state, **saved)
            saved = dict(np.load(path))
            inner = [name for name in saved if name.startswith("state.")]
            state = {name.removeprefix("state."): saved.pop(name) for name in inner}
            player.load_state_dict(saved | {"state": state})
        """
        extra = {"debt": self._debt, "play": self._raw, "awake": self._awake, "dead": self._dead}
        return Checkpoint(
            repr(self.learner),
            self.rounds,
            self._estimated,
            self._units.scale,
            self.state,
            {name: array for name, array in extra.items() if array is not None},
        ).pack()

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from `state_dict()` of a player with the same learner and shape.

        Also from another array library, or from nested lists. What this player has handed out
        is forgotten.

        Raises
        ------
        ValueError
            If it was saved by another learner, for problems of another shape, or in other units
            under bandit feedback; if something is missing, nan or out of its domain. The player
            is then as before.
        """
        mask = self._alive
        likes = {"debt": self._debt, "play": self._like, "awake": mask, "dead": mask}
        found = Checkpoint.unpack(saved, self.state, likes)
        if found.learner != repr(self.learner):
            raise ValueError(f"saved by {found.learner}, not by {self.learner!r}")
        if found.estimates and found.unit != self._units.scale:
            raise ValueError(
                f"unit must be {self._units.scale}, got {found.unit}: losses were seen in "
                "another loss_interval"
            )
        if "debt" not in found.extra:
            raise ValueError("saved lacks player.debt in its state: is it a state_dict()?")
        if self._checks and "play" in found.extra:
            check_distribution("player.play", found.extra["play"], self._like)
        self.state, self.rounds, self._estimated = found.state, found.rounds, found.estimates
        self._debt, self._raw = found.extra["debt"], found.extra.get("play")
        self._awake, self._dead = found.extra.get("awake"), found.extra.get("dead")

    @property
    def _alive(self) -> Array:
        """Survivors, bool (..., K); every state of the package has a field `alive`."""
        return self.state.alive  # type: ignore[attr-defined]

    def _learn(self, used: Array, feedback: Feedback, awake: Array | None, *, late: bool) -> None:
        """Update the state for a round played with `used` (..., K), among `awake`; end the round.

        Estimates come before the charge of the asleep, and that before the removed since.
        """
        loss, seen, chance = feedback
        bandit = seen is not None
        loss = self._units.losses(loss, bandit)
        if bandit and (late or awake is not None):
            visible = seen if awake is None else seen & awake
            learner = cast(BanditLearner[State], self.learner)
            loss = learner.estimate(self.state, Feedback(loss, visible, chance))
            seen = chance = None
        if awake is not None:
            loss = fill(loss, restrict(used, awake), awake)
        debt = self._debt
        if late:
            used, extra = charge(used, loss, self._alive)
            debt = debt + extra
        state = self.learner.update(self.state, used, Feedback(loss, seen, chance))
        self.state = state if self._dead is None else wipe(state, self._dead)
        self._debt, self._estimated = debt, self._estimated or bandit
        self._raw = self._awake = self._dead = None
        self.rounds += 1

    def _mask(self, awake: Array | None, alive: Array, *, late: bool, bandit: bool) -> Array | None:
        """Who of `alive` took part in the round that `update` speaks of; None: all."""
        if awake is not None:
            awake = awake & alive
        if late or self._raw is None:
            return awake
        check_same_mask(awake, self._awake, optional=bandit, values=self._checks)
        return self._awake

    def _check_arrays(self, feedback: Feedback, awake: Array | None, play: Array | None) -> None:
        loss, seen, chance = feedback
        horizon = self.learner.horizon
        if horizon is not None and self.rounds >= horizon:
            raise ValueError(f"the learner is tuned for a horizon of {horizon} rounds; all played")
        for name, value in (("loss", loss), ("chance", chance), ("play", play)):
            if value is not None:
                check_array(name, value, self._like)
        for name, mask in (("seen", seen), ("awake", awake)):
            if mask is not None:
                check_array(name, mask, self._alive)

    def _check_values(
        self, feedback: Feedback, awake: Array | None, play: Array | None, matters: Array
    ) -> None:
        loss, seen, chance = feedback
        bandit = seen is not None
        if self.rounds and self._units.scale != 1 and bandit != self._estimated:
            raise ValueError(
                "seen must be given in all rounds or in none: under bandit feedback "
                f"loss_interval = {self._units.given} is mapped to {self._units.own}"
            )
        if awake is not None:
            matters = matters & awake
            if bandit:
                check_seen(seen, awake, self._alive)
        if bandit:
            matters = matters & seen
        check_loss(loss, chance, matters, self._units.allowed(bandit))
        if play is not None:
            check_late(play, self._alive, awake, seen)


def _detached(array: Any) -> Any:
    """`array` (or None) without its gradients: torch's graph would grow with the rounds."""
    return array.detach() if getattr(array, "requires_grad", False) else array
