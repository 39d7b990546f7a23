"""`Feedback` and `Learner`: the contract of the package.

Shapes, in every docstring of the package
-----------------------------------------
``...``  any batch: edges of a supernet, seeds of an experiment, points of a sweep (may be empty)
``K``    experts (arms, operations); always the last axis
``T``    rounds; the first axis of a whole sequence, ``(T, ..., K)``

Losses are to be minimised. Under full information a reward ``r`` is the loss ``-r``. Under bandit
feedback it is not: learners are proved for losses in an interval, [0, 1]. `Player` with `rewards`
and `loss_interval` maps what it is given.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

Array = Any
"""An array of any library that array-api-compat knows (numpy, torch, array-api-strict, ...)."""

State = TypeVar("State")


class Feedback(NamedTuple):
    """What one round reveals, for every problem of the batch.

    Parameters
    ----------
    loss : (..., K)
        Losses of the experts. Entries outside `seen`, and those of removed experts, are
        ignored and may be nan.
    seen : bool (..., K), optional
        Which entries were revealed. None: all (full information); one-hot: bandit; any other
        mask: semi-bandit.
    chance : (..., K), optional
        Probability with which each entry was going to be seen. Needed with `seen`.
    """

    loss: Array
    seen: Array | None = None
    chance: Array | None = None


@runtime_checkable
class Learner(Protocol[State]):
    """An online learner: a frozen set of hyper-parameters, with every array in a separate state.

    The four methods are pure: they never write to their arguments, never read an array's value
    on the host, and check nothing. `experts.Player` is the checked facade.
    """

    @property
    def horizon(self) -> int | None:
        """Number of rounds that the learner is tuned for; None: any."""

    @property
    def loss_interval(self) -> tuple[float, float] | None:
        """Smallest and largest loss that bandit feedback may reveal: what its guarantee is for.

        None: any finite number, or no bandit feedback.
        """

    @property
    def supports(self) -> frozenset[str]:
        """Beyond full information: "bandit" (estimates from what is seen, see `BanditLearner`),
        "sleeping" (experts that sit out rounds), "delayed" (losses that arrive after later rounds:
        the certificate holds for any distributions used), "wipeout" (it survives `wipe`).
        """

    def init(self, like: Array, *, prior: Array | None = None) -> State:
        """State before the first round, for problems shaped, typed and placed as `like` (..., K).

        A (nested) NamedTuple of arrays, among them `alive`, bool (..., K): who takes part.
        `prior` (..., K), on the simplex, defaults to the uniform one. An expert whose prior is
        0 does not take part: this is how problems with different numbers of experts share a batch.
        """

    def predict(self, state: State) -> Array:
        """The distribution to play, (..., K): on the simplex, exactly 0 on removed experts."""

    def update(self, state: State, play: Array, feedback: Feedback) -> State:
        """The state after a round in which `play` (..., K) was used; `state` stays as it was."""

    def certificate(self, state: State) -> Array:
        """Upper bound on the regret so far to each survivor, (..., K), for the rounds as played.

        Rounding: the regret, computed exactly, is at most the certificate + 64 eps T (B +
        certificate), with the dtype's eps, T rounds and B the largest range of a round's losses.
        It is infinite where the bound is too large for the dtype.
        """


@runtime_checkable
class BanditLearner(Learner[State], Protocol[State]):
    """A learner that supports "bandit": it says what it makes of what it sees."""

    def estimate(self, state: State, feedback: Feedback) -> Array:
        """Estimated losses of a round, (..., K): of full information, the losses themselves.

        To be told these as full information is the same as to be told `feedback`.
        """
