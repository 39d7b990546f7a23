"""Values from logs: unbiased, and intervals that cover as often as they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats

import experts
from experts import contextual
from experts.contextual import Log, Value, doubly_robust, ips, replay, snips
from experts.contextual.off_policy import _fitted
from tests.experts.contextual.plays import rarer_than

MEANS = np.asarray([[0.2, 0.5, 0.8], [0.7, 0.6, 0.1], [0.4, 0.9, 0.3], [0.5, 0.5, 0.6]])
"""Expected reward of three actions in four contexts, which are drawn evenly."""
TARGET = 0.1 / 3 + 0.9 * np.eye(3)[MEANS.argmax(-1)]
LOGGED = np.asarray([[0.2, 0.4, 0.4], [0.3, 0.2, 0.5], [0.6, 0.2, 0.2], [0.3, 0.3, 0.4]])
TRUTH = float((TARGET * MEANS).sum(-1).mean())
LARGEST, GAMES, DELTA = 5.0, 300, 0.1
A_LEARNER = experts.exp3()


def world(
    rows: int, seed: int, logged: Any = LOGGED, low: float = 0.0, high: float = 1.0
) -> tuple[Log, Any]:
    """A log with outcomes in {low, high}, and the target's distributions."""
    rng = np.random.default_rng(seed)
    context = rng.integers(4, size=rows)
    action = experts.draw(logged[context], rng.random((rows, 1))).argmax(-1)
    wins = rng.random(rows) < MEANS[context, action]
    features = np.eye(4)[context]
    log = Log(action, np.where(wins, high, low), logged[context, action], features, ("a", "b", "c"))
    return log, TARGET[context]


def modelled(log: Log, target: Any, **options: Any) -> Value:
    """Doubly robust with a model that is off."""
    return doubly_robust(log, target, model=0.5 + 0.5 * np.asarray(log.context) @ MEANS, **options)


@pytest.mark.parametrize("rows", [60, 600])
@pytest.mark.parametrize("method", [ips, doubly_robust, modelled], ids=lambda f: f.__name__)
def test_exact_intervals_cover_and_values_are_unbiased(
    method: Callable[..., Value], rows: int
) -> None:
    options = {"largest_weight": LARGEST, "delta": DELTA}
    found = [method(*world(rows, seed), **options) for seed in range(GAMES)]
    missed = np.asarray([not v.low <= TRUTH <= v.high for v in found])
    assert rarer_than(DELTA, missed)
    values = np.asarray([v.value for v in found])
    assert abs(values.mean() - TRUTH) < 4 * values.std(ddof=1) / GAMES**0.5
    if rows == 600:
        assert np.mean([v.high - v.low for v in found]) < 0.9, "the intervals say nothing"


def test_the_interval_of_snips_covers_about_as_often_as_it_says() -> None:
    """Asymptotic: of 300 games 10 % are missed, up to 5 %."""
    found = [snips(*world(600, seed), delta=DELTA) for seed in range(GAMES)]
    missed = np.mean([not v.low <= TRUTH <= v.high for v in found])
    assert abs(missed - DELTA) < 0.05
    assert abs(np.mean([v.value for v in found]) - TRUTH) < 0.01


def test_a_model_and_normalisation_take_variance_away() -> None:
    logs = [world(600, seed) for seed in range(100)]
    plain = np.std([ips(*log, largest_weight=LARGEST).value for log in logs])
    assert np.std([snips(*log).value for log in logs]) < 0.8 * plain
    assert np.std([doubly_robust(*log, largest_weight=LARGEST).value for log in logs]) < 0.8 * plain


def test_the_formulas() -> None:
    log = Log([0, 1, 1, 0], [1.0, 0.0, 0.5, 0.25], [0.5, 0.25, 0.5, 0.5])
    target = [0.25, 0.75]
    weight = np.asarray([0.5, 3.0, 1.5, 0.5])
    assert ips(log, target, largest_weight=3).value == pytest.approx((weight @ log.outcome) / 4)
    normalised = weight @ log.outcome / weight.sum()
    assert snips(log, target).value == pytest.approx(normalised)
    model = np.asarray([[0.5, 0.25]] * 4)
    terms = 0.25 * 0.5 + 0.75 * 0.25 + weight * (log.outcome - model[range(4), log.action])
    robust = doubly_robust(log, target, largest_weight=3, model=model)
    assert robust.value == pytest.approx(terms.mean())
    assert robust.rows == 4


def test_the_intervals_are_those_of_maurer_and_pontil() -> None:
    """Their lower halves, sqrt(2 v L / n) + 7 B L / (3 (n - 1)), which are not cut here."""
    rows = np.arange(3000)
    options: dict[str, Any] = {"interval": (0.5, 1.0), "largest_weight": LARGEST}
    log, target = world(3000, 0, low=0.5)
    weight = target[rows, log.action] / log.propensity

    def half(terms: Any, reach: float, delta: float) -> float:
        count, log_term = len(terms), np.log(4 / delta)
        spread = np.sqrt(2 * terms.var(ddof=1) * log_term / count)
        return float(spread + 7 * reach * log_term / (3 * (count - 1)))

    def corrected(model: Any, part: Any) -> Any:
        terms = (target * model).sum(-1) + weight * (log.outcome - model[rows, log.action])
        return terms[part]

    plain = ips(log, target, delta=DELTA, **options)
    assert plain.value - plain.low == pytest.approx(half(weight * log.outcome, LARGEST, DELTA))
    reach, model = (1 + 2 * LARGEST) * 0.5, np.random.default_rng(0).random((3000, 3))
    robust = doubly_robust(log, target, model=model, delta=DELTA, **options)
    terms = corrected(model.clip(0.5, 1), rows)
    assert robust.value == pytest.approx(terms.mean())
    assert robust.value - robust.low == pytest.approx(half(terms, reach, DELTA))
    fitted = doubly_robust(log, target, delta=DELTA, **options)
    halves = [rows[::2], rows[1::2]]
    model = np.empty((3000, 3))
    for own, other in zip(halves, halves[::-1], strict=True):
        model[own] = _fitted(log, other, own).clip(0.5, 1)
    each = [half(corrected(model, part), reach, DELTA / 2) for part in halves]
    assert fitted.value - fitted.low == pytest.approx(np.mean(each))


def test_the_policy_that_logged_has_the_value_that_it_had() -> None:
    log, _ = world(400, 0)
    assert log.context is not None
    own = LOGGED[log.context.argmax(-1)]
    for value in (ips(log, own, largest_weight=1.0), snips(log, own)):
        assert value.value == pytest.approx(log.outcome.mean())


def test_other_intervals_are_the_same_in_other_units() -> None:
    (coins, target), (pounds, _) = world(300, 1), world(300, 1, low=-20.0, high=30.0)
    one = doubly_robust(coins, target, largest_weight=LARGEST)
    two = doubly_robust(pounds, target, largest_weight=LARGEST, interval=(-20, 30))
    np.testing.assert_allclose(np.asarray(two[:3]), -20 + 50 * np.asarray(one[:3]), rtol=1e-9)
    wide = ips(pounds, target, largest_weight=LARGEST, interval=(-20, 30))
    assert -20 <= wide.low <= wide.value <= wide.high <= 30


EVEN = np.full((4, 3), 1 / 3)


@pytest.mark.parametrize(
    "policy",
    [contextual.linucb(), contextual.linear_thompson(), A_LEARNER],
    ids=["linucb", "linear_thompson", "exp3"],
)
def test_replay_plays_about_every_kth_row_and_learns(policy: Any) -> None:
    log, _ = world(1500, 0, EVEN)
    value = replay(policy, log)
    assert abs(value.rows - 500) < 5 * (1500 * 2 / 9) ** 0.5
    assert value.low <= value.value <= value.high
    assert (value.high - value.low) / 2 == pytest.approx((np.log(2 / 0.05) / 2 / value.rows) ** 0.5)
    if policy.loss_interval is None:  # those that see the context
        assert value.value > 0.65 > MEANS.mean(0).max()


def test_replay_shows_advice_and_counts_losses() -> None:
    log, _ = world(1500, 0, EVEN)
    costs = Log(
        log.action, 1 - log.outcome, log.propensity, log.context, log.actions, rewards=False
    )
    policy = contextual.exp4()
    advice = {"good": TARGET, "bad": TARGET[:, ::-1]}

    def show(context: Any) -> Any:
        return np.stack([part[context.argmax()] for part in advice.values()])

    rewards, losses = replay(policy, log, show=show), replay(policy, costs, show=show)
    assert rewards.value == pytest.approx(1 - losses.value)
    assert rewards.value > 0.6


class Fixed:
    """Plays by the context's row of a table, and learns nothing but what it was told."""

    reads, horizon, loss_interval = "features", None, None

    def __init__(self, table: Any) -> None:
        self.table = table

    def init(self, context: Any) -> Any:
        return np.zeros(3)

    def predict(self, state: Any, context: Any, uniforms: Any) -> Any:
        return context[0] @ self.table

    def update(self, state: Any, context: Any, play: Any, feedback: Any) -> Any:
        assert feedback.loss[feedback.seen][0] in (-1.0, 0.0)
        self.counts = state + feedback.seen
        return self.counts


def alike(context: Any) -> Any:
    """The context for each action."""
    return contextual.shared(context, 3)


def test_the_interval_of_replay_covers() -> None:
    """A learner whose choices are known: the mean of its expected outcomes is known as well."""
    missed = []
    for seed in range(200):
        log, _ = world(120, seed, EVEN)
        value = replay(Fixed(TARGET), log, show=alike, seed=seed, delta=DELTA)
        missed.append(not value.low <= TRUTH <= value.high)
    assert rarer_than(DELTA, np.asarray(missed))


def test_replay_draws_what_the_learner_plays() -> None:
    """The rounds have the actions of its distribution, whatever the log has."""
    policy = Fixed(np.tile([0.5, 0.3, 0.2], (4, 1)))
    rows = replay(policy, world(4000, 0, EVEN)[0], show=alike).rows
    assert policy.counts.sum() == rows
    assert scipy.stats.chisquare(policy.counts, rows * policy.table[0]).pvalue > 1e-3


def test_mistakes_are_named() -> None:
    log, target = world(50, 0)
    even, _ = world(50, 0, EVEN)
    bare = Log(even.action, even.outcome, even.propensity, actions=even.actions)
    cases: tuple[tuple[Callable[[], Any], str], ...] = (
        (lambda: ips(log, target[:5], largest_weight=5), r"target has shape \(5, 3\), expected"),
        (
            lambda: ips(log, target * 2, largest_weight=5),
            "target must be distributions, got .* row 0",
        ),
        (
            lambda: ips(log, target, largest_weight=1),
            "largest_weight must be at least every weight",
        ),
        (lambda: ips(log, target, largest_weight=5, interval=(0, 0.5)), "outcome must lie in"),
        (lambda: ips(log, target, largest_weight=5, delta=0), "delta must lie in"),
        (
            lambda: doubly_robust(log, target, largest_weight=5, model=[1.0]),
            r"model must be finite",
        ),
        (lambda: snips(Log([0, 0], [1.0, 1], [0.5, 0.5]), [2]), "target must be distributions"),
        (lambda: snips(Log([0, 1], [1.0, 1], [0.5, 0.5]), [0, 1]), "at least 2 rows .* got 1"),
        (lambda: snips(log, "even"), "target must be an array of numbers"),
        (lambda: snips(log.outcome, target), "log must be a Log, as of read_log, got ndarray"),
        (lambda: ips(log, target, largest_weight=5, interval=(1, 0)), "^interval must be"),
        (lambda: replay(contextual.linucb(), log), "log must be of actions drawn uniformly"),
        (lambda: replay(contextual.exp4(), even), "show is needed"),
        (lambda: replay(contextual.linucb(), bare), "log must have a context"),
        (lambda: replay(contextual.linucb, even), "policy must be"),
        (lambda: replay(A_LEARNER, even, delta=2), "delta must lie in"),
    )
    for make, message in cases:
        with pytest.raises(ValueError, match=message):
            make()
    assert replay(A_LEARNER, bare).rows > 0


@pytest.mark.parametrize(
    ("policy", "show", "message"),
    [
        (contextual.linucb(), lambda x: x, r"features \(3, d\), got shape \(4,\) in row 0"),
        (contextual.linucb(), lambda x: np.ones((4, 2)), r"got shape \(4, 2\) in row 0"),
        (contextual.linucb(), lambda x: np.full((3, 2), np.nan), "finite numbers"),
        (contextual.linucb(), lambda x: np.ones((3, 1 + int(x[0]))), "one shape for all rows"),
        (contextual.exp4(), lambda x: np.full((2, 4), 0.25), r"advice \(N, 3\), got shape"),
        (contextual.exp4(), lambda x: np.ones((2, 3)), "distributions as advice"),
        (contextual.exp4(), lambda x: [[2.0, -1.0, 0.0]], "distributions as advice"),
    ],
)
def test_what_a_policy_cannot_read_is_refused(policy: Any, show: Any, message: str) -> None:
    log, _ = world(50, 0, EVEN)
    with pytest.raises(ValueError, match=message):
        replay(policy, log, show=show)


def test_lists_and_whole_numbers_are_shown_as_floats() -> None:
    log, _ = world(300, 0, EVEN)
    lists = replay(contextual.linucb(), log, show=lambda x: contextual.disjoint(x, 3).astype(int))
    assert lists == replay(contextual.linucb(), log)


def test_propensities_that_cannot_be_true_are_refused() -> None:
    log, target = world(3000, 0)
    halved = Log(log.action, log.outcome, log.propensity / 2, log.context)
    certain = Log(np.zeros(3000, int), np.ones(3000), np.ones(3000), actions=("a", "b"))
    for wrong, policy in ((halved, target), (certain, [0.5, 0.5])):
        for method in (ips, doubly_robust):
            with pytest.raises(ValueError, match="propensity must be true, and positive for all"):
                method(wrong, policy, largest_weight=2 * LARGEST)


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_the_fitted_model_does_not_depend_on_the_units_of_the_context(scale: float) -> None:
    log, target = world(300, 0)
    assert log.context is not None
    stamps = np.full((300, 2), 1.7e12) + np.arange(300)[:, None]  # two columns alike, and large
    context = np.hstack([log.context, stamps])
    one, other = (
        doubly_robust(Log(log.action, log.outcome, log.propensity, each), target, largest_weight=5)
        for each in (context, scale * context)
    )
    assert other == pytest.approx(one, rel=1e-6)
