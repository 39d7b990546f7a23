"""`Feedback`, and the contracts: `Learner`, and those of other worlds (`PROTOCOLS`).

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


@runtime_checkable
class Policy(Protocol[State]):
    """A stochastic bandit: it chooses one arm a round, and learns that arm's loss.

    Its guarantee is on the pseudo-regret in the environments that it is proved for, losses drawn
    independently; there is none against an adversary, and no certificate.
    """

    @property
    def horizon(self) -> int | None:
        """Number of rounds that the policy is tuned for; None: any."""

    @property
    def loss_interval(self) -> tuple[float, float] | None:
        """Smallest and largest loss that it is proved for; None: any finite number."""

    def init(self, like: Array) -> State:
        """State before the first round, for problems shaped, typed and placed as `like` (..., K).

        A (nested) NamedTuple of arrays.
        """

    def choose(self, state: State, uniforms: Array) -> Array:
        """The arm to pull, one-hot bool (..., K); `uniforms` (..., K) in [0, 1), fresh each round.

        They break ties; a randomised policy makes its samples of them.
        """

    def update(self, state: State, arm: Array, loss: Array) -> State:
        """The state after `arm`, one-hot bool (..., K), had its entry of `loss` (..., K).

        Other entries of `loss` are ignored and may be nan.
        """


@runtime_checkable
class ContextualPolicy(Protocol[State]):
    """A bandit that is shown a context before every round.

    The context has one row for each expert or arm: advice (..., N, K), a distribution over the K
    arms from each of N experts; or features (..., K, d), a vector for each arm. A policy that is
    for a known set of contexts has them as `contexts`, (J, rows, columns), and their
    probabilities, where they differ, as `chances`, (J,).
    """

    @property
    def horizon(self) -> int | None:
        """Number of rounds that the policy is tuned for; None: any."""

    @property
    def loss_interval(self) -> tuple[float, float] | None:
        """Smallest and largest loss that it is proved for; None: any finite number."""

    @property
    def reads(self) -> str:
        """What a context is: "advice" (..., N, K) or "features" (..., K, d)."""

    def init(self, context: Array) -> State:
        """State before the first round, for contexts shaped, typed and placed as `context`."""

    def predict(self, state: State, context: Array, uniforms: Array) -> Array:
        """The distribution to draw the arm from, (..., K); `uniforms` (..., K) as in `Policy`.

        One-hot where the policy decides by itself.
        """

    def update(self, state: State, context: Array, play: Array, feedback: Feedback) -> State:
        """The state after a round in which `play` (..., K) was used; `feedback` has `seen`."""


@runtime_checkable
class ConvexLearner(Protocol[State]):
    """Online convex optimisation: points of a convex domain, linear or curved losses.

    It plays x_t, pays f_t(x_t), and is shown the gradient g_t of f_t at x_t.
    """

    @property
    def horizon(self) -> int | None:
        """Number of rounds that the learner is tuned for; None: any."""

    @property
    def domain(self) -> Any:
        """Where its points lie: a part of `experts.convex.domains`."""

    @property
    def gradient_bound(self) -> float | None:
        """Largest norm of a gradient that its certificate holds for; None: any."""

    def init(self, like: Array) -> State:
        """State before the first round, for points shaped, typed and placed as `like` (..., d).

        A (nested) NamedTuple of arrays.
        """

    def predict(self, state: State) -> Array:
        """The point to play, (..., d), in the domain."""

    def update(self, state: State, play: Array, gradient: Array) -> State:
        """The state after a round in which `play` (..., d) met the gradient (..., d)."""

    def instantaneous(self, play: Array, gradient: Array, comparator: Array) -> Array:
        """The most that f(x) - f(u) can be, (...), for a loss with this gradient at x = `play`.

        <g, x - u> for convex losses; of a learner for curved ones that less what it knows of the
        curvature: here the kind of losses is said that it is for.
        """

    def certificate(self, state: State, comparator: Array) -> Array:
        """Upper bound on the regret so far to `comparator` (..., d) of the domain, (...).

        More exactly on the sum of `instantaneous` over the rounds, which is at least the regret.
        """


@runtime_checkable
class StructuredLearner(Protocol[State]):
    """A learner over actions that are sets of components: subsets, paths, permutations.

    An action is a vector a in {0, 1}^d; its loss is <a, l>, the sum over its components.
    """

    @property
    def horizon(self) -> int | None:
        """Number of rounds that the learner is tuned for; None: any."""

    @property
    def structure(self) -> Any:
        """The set of actions: a part of `experts.structured`.

        With `dimension` d, `uniforms` (how many a draw takes), and for small ones `actions()`, all
        of them, bool (N, d).
        """

    def init(self, like: Array) -> State:
        """State before the first round, for losses shaped, typed and placed as `like` (..., d)."""

    def predict(self, state: State) -> Array:
        """The probability of each component, (..., d): the mean of the action to draw."""

    def draw(self, state: State, uniforms: Array) -> Array:
        """An action, bool (..., d), drawn with mean `predict(state)`.

        `uniforms` (..., structure.uniforms) in [0, 1). The same ones give the same action.
        """

    def update(self, state: State, play: Array, feedback: Feedback) -> State:
        """The state after a round in which actions of mean `play` (..., d) were drawn.

        Losses of components (..., d): all, or with `seen`, the action, and `chance`, the mean it
        was drawn with, those of the action.
        """

    def estimate(self, state: State, feedback: Feedback) -> Array:
        """Estimated losses of components, (..., d); of full information, the losses themselves.

        To be told these as full information is the same as to be told `feedback`.
        """

    def certificate(self, state: State, action: Array) -> Array:
        """Upper bound on the regret so far to `action`, bool (..., d): (...).

        The regret is sum_t <play_t - a, l_t>, in estimated losses where not all were seen.
        """


PROTOCOLS: tuple[type, ...] = (Learner, Policy, ContextualPolicy, ConvexLearner, StructuredLearner)
"""Every kind of learner; none has all methods of another."""
