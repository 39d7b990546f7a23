"""Regret <= certificate <= the bound that the docstrings state, in games of many rounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from scipy.special import gammaln

from experts import bounds
from experts.convex import (
    Ball,
    Box,
    Domain,
    Simplex,
    WholeSpace,
    adagrad,
    ader,
    coin_betting,
    hinted_betting,
    linearised_ftrl,
    ogd,
    online_newton_step,
    strongly_convex_ogd,
)

ROUNDS, SIZE = 150, 4
Adversary = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(noise (d,), point played) -> the gradient, of norm at most 1."""


def noise(drawn: np.ndarray, play: np.ndarray) -> np.ndarray:
    return drawn


def outwards(drawn: np.ndarray, play: np.ndarray) -> np.ndarray:
    """The learner's own direction: it loses in every round."""
    size = np.linalg.norm(play)
    return play / size if size > 1e-9 else drawn


def sparse(drawn: np.ndarray, play: np.ndarray) -> np.ndarray:
    """One coordinate, rarely another."""
    return np.asarray(np.sign(drawn[0] + 0.2) * np.eye(len(drawn))[int(abs(drawn[1]) > 0.7)])


ADVERSARIES = [noise, outwards, sparse]
each_adversary = pytest.mark.parametrize("adversary", ADVERSARIES)


def game(learner: Any, adversary: Adversary, scale: float = 1.0) -> tuple[np.ndarray, ...]:
    """Points (T, d), gradients (T, d) and the last state."""
    rng = np.random.default_rng(0)
    state, plays, met = learner.init(np.zeros(SIZE)), [], []
    for _ in range(ROUNDS):
        drawn = rng.normal(size=SIZE)
        drawn = drawn / max(1.0, float(np.linalg.norm(drawn)))
        plays.append(learner.predict(state))
        met.append(scale * adversary(drawn, plays[-1]))
        state = learner.update(state, plays[-1], met[-1])
    return np.stack(plays), np.stack(met), state


def comparators(domain: Domain, total: np.ndarray) -> Iterator[np.ndarray]:
    """The best, and others."""
    yield domain.start(total)
    if domain.bounded:
        yield domain.minimise(total)
        yield domain.minimise(-total)
    for scale in (0.1, 1.0, 100.0):
        yield domain.project(-total / max(float(np.linalg.norm(total)), 1e-300) * scale)


def check(learner: Any, adversary: Adversary, limit: Any, scale: float = 1.0) -> None:
    """`limit`: (gradients, comparator) -> the a-priori bound."""
    plays, met, state = game(learner, adversary, scale)
    for point in comparators(learner.domain, met.sum(axis=0)):
        regret = learner.instantaneous(plays, met, point).sum()
        certificate = float(learner.certificate(state, point))
        assert regret <= certificate + 1e-9 * scale
        assert certificate <= limit(met, point) * (1 + 1e-9)


def square(gradients: np.ndarray) -> float:
    return float(np.sum(gradients**2))


DOMAINS = [Ball(0.5), Box(-1, 3), Simplex(), Simplex(2, cap=1)]


@each_adversary
@pytest.mark.parametrize("domain", DOMAINS, ids=repr)
def test_descent_of_convex_losses(domain: Domain, adversary: Adversary) -> None:
    diameter, reach = domain.diameter(SIZE), domain.reach(SIZE)
    check(ogd(domain), adversary, lambda g, u: bounds.ogd(diameter, square(g)))
    tuned = ogd(domain, horizon=ROUNDS)
    check(tuned, adversary, lambda g, u: bounds.ogd_tuned(diameter, ROUNDS))

    def roots(g: np.ndarray, u: np.ndarray) -> float:
        return bounds.adagrad(domain.width(SIZE), float(np.sqrt(np.sum(g**2, axis=0)).sum()))

    check(adagrad(domain), adversary, roots)
    ftrl = linearised_ftrl(domain)
    check(ftrl, adversary, lambda g, u: bounds.linearised_ftrl(reach, diameter, square(g)))
    anytime = linearised_ftrl(domain, gradient_bound=1.0)
    check(anytime, adversary, lambda g, u: math.sqrt(2 * ROUNDS) * reach)
    known = linearised_ftrl(domain, horizon=ROUNDS)
    check(known, adversary, lambda g, u: math.sqrt(ROUNDS) * reach)
    moving = ader(ROUNDS, domain)
    check(moving, adversary, lambda g, u: bounds.ader(diameter, ROUNDS))


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_learners_without_a_scale(scale: float) -> None:
    domain = Ball(0.5)
    check(ogd(domain), noise, lambda g, u: bounds.ogd(1.0, square(g)), scale)
    full = adagrad(domain, full=True)

    def trace(g: np.ndarray, u: np.ndarray) -> float:
        return bounds.adagrad(1.0, float(np.linalg.svd(g, compute_uv=False).sum()))

    check(full, sparse, trace, scale)
    ftrl = linearised_ftrl(domain)
    check(ftrl, noise, lambda g, u: bounds.linearised_ftrl(0.5, 1.0, square(g)), scale)


@each_adversary
def test_a_fixed_rate_in_the_whole_space(adversary: Adversary) -> None:
    def limit(g: np.ndarray, u: np.ndarray) -> float:
        return bounds.ogd_fixed(float(np.linalg.norm(u)), square(g), 0.1)

    check(ogd(WholeSpace(), eta=0.1), adversary, limit)
    check(linearised_ftrl(WholeSpace(), eta=0.1), adversary, limit)


@each_adversary
@pytest.mark.parametrize("domain", [Ball(0.5), WholeSpace()], ids=repr)
@pytest.mark.parametrize("wealth", [0.01, 1.0])
def test_coin_betting(domain: Domain, wealth: float, adversary: Adversary) -> None:
    learner = coin_betting(domain, wealth=wealth, gradient_bound=2.0)

    def limit(g: np.ndarray, u: np.ndarray) -> float:
        length = np.linalg.norm(g, axis=1).sum() / 2
        return bounds.coin_betting(float(np.linalg.norm(u)), float(length), wealth, 2.0)

    check(learner, adversary, limit, scale=2.0)
    if not domain.bounded:
        alone = coin_betting(wealth=wealth, coordinates=True)

        def sums(g: np.ndarray, u: np.ndarray) -> float:
            lengths = np.abs(g).sum(axis=0)
            pairs = zip(np.abs(u), lengths, strict=True)
            return sum(bounds.coin_betting(float(a), float(v), wealth) for a, v in pairs)

        check(alone, adversary, sums)


@each_adversary
@pytest.mark.parametrize("domain", [Ball(0.5), WholeSpace()], ids=repr)
def test_hints(domain: Domain, adversary: Adversary) -> None:
    learner = hinted_betting(domain, wealth=0.5, gradient_bound=2.0)

    def limit(g: np.ndarray, u: np.ndarray) -> float:
        length = float(np.linalg.norm(g, axis=1).sum() / 2)
        return bounds.coin_betting(float(np.linalg.norm(u)), length, 0.5, 2.0) + 2 * 0.5

    check(learner, adversary, limit, scale=2.0)


def test_right_hints_help() -> None:
    """Gradients that keep their sign for long: less is lost to the best point of the box."""
    given = np.sign(np.sin(np.arange(1, 400) / 30))[:, None]
    regret = []
    learners: tuple[Any, ...] = (coin_betting(Box(-1, 1)), hinted_betting(Box(-1, 1)))
    for learner in learners:
        state, total = learner.init(given[0]), 0.0
        for gradient in given:
            total += float(gradient @ learner.predict(state))
            state = learner.update(state, learner.predict(state), gradient)
        regret.append(total)
        assert total + abs(given.sum()) <= learner.certificate(state, -np.sign(given.sum(axis=0)))
    assert regret[1] < regret[0] - 20


def test_the_potential_of_coin_betting() -> None:
    """The two inequalities of its proof, on a grid of lengths V, sums x and coins c."""
    v, x, c = np.meshgrid(np.geomspace(1e-3, 1e3, 40), np.linspace(-1, 1, 21),
        np.linspace(-1, 1, 21))  # fmt: skip
    x = x * v

    def log_potential(v: np.ndarray, x: np.ndarray) -> np.ndarray:
        ends = gammaln((v + 1 + x) / 2) + gammaln((v + 1 - x) / 2)
        return np.asarray(v * math.log(2) + ends - math.log(math.pi) - gammaln(v + 1))

    before, after = log_potential(v, x), log_potential(v + np.abs(c), x + c)
    assert np.all(after <= before + np.log1p(c * x / (v + 1)) + 1e-9)
    assert np.all(before >= x**2 / (2 * v) - np.log(math.pi * (2 * v + 1)) / 2 - 1e-9)


@pytest.mark.parametrize("domain", [Ball(2.0), Box(-1, 3)], ids=repr)
def test_strongly_convex_losses(domain: Domain) -> None:
    """f_t(x) = (mu / 2) |x - y_t|**2: the regret itself, against the best point and others."""
    modulus, rng = 0.5, np.random.default_rng(0)
    learner, targets = strongly_convex_ogd(modulus, domain), rng.normal(size=(ROUNDS, SIZE)) + 0.3
    state, plays, met = learner.init(targets[0]), [], []
    for target in targets:
        plays.append(learner.predict(state))
        met.append(modulus * (plays[-1] - target))
        state = learner.update(state, plays[-1], met[-1])
    most = float(np.linalg.norm(met, axis=1).max())
    for point in (domain.project(targets.mean(axis=0)), *comparators(domain, targets.sum(axis=0))):
        losses = (np.asarray(plays) - targets) ** 2 - (point - targets) ** 2
        regret, certificate = modulus / 2 * losses.sum(), learner.certificate(state, point)
        assert regret <= certificate + 1e-9
        assert certificate <= bounds.strongly_convex_ogd(ROUNDS, modulus, most) + 1e-9


def test_exp_concave_losses() -> None:
    """f_t(x) = (<a_t, x> - b_t)**2: 1 / (2 max f)-exp-concave; the regret itself, in a ball."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(ROUNDS, SIZE))
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    targets = np.clip(rows @ np.full(SIZE, 0.3) + rng.normal(size=ROUNDS) / 5, -1, 1)
    largest, slope, diameter = 4.0, 4.0, 2.0  # of a loss, and of a gradient's norm
    gamma = min(1 / (8 * slope * diameter), 1 / (2 * largest) / 2)
    learner = online_newton_step(gamma, Ball())
    state, plays, met = learner.init(rows[0]), [], []
    for row, target in zip(rows, targets, strict=True):
        plays.append(learner.predict(state))
        met.append(2 * (row @ plays[-1] - target) * row)
        state = learner.update(state, plays[-1], met[-1])
    best = np.linalg.lstsq(rows, targets, rcond=None)[0]
    limit = bounds.online_newton_step(SIZE, ROUNDS, gamma, diameter, slope)
    for point in (Ball().project(best), *comparators(Ball(), np.asarray(met).sum(axis=0))):
        losses = (np.sum(rows * plays, axis=1) - targets) ** 2 - (rows @ point - targets) ** 2
        surrogate = learner.instantaneous(np.asarray(plays), np.asarray(met), point)
        assert np.all(losses <= surrogate + 1e-9)
        assert losses.sum() <= learner.certificate(state, point) + 1e-9
        assert learner.certificate(state, point) <= limit + 1e-9


def test_mistakes_are_told() -> None:
    for domain in ("ball", Ball, 3):
        with pytest.raises(ValueError, match="domain must be a domain such as Ball"):
            ogd(domain)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at most one of eta and horizon"):
        ogd(eta=0.1, horizon=3)
    with pytest.raises(ValueError, match="a ball or the whole space"):
        adagrad(Simplex(), full=True).init(np.zeros(3))
    with pytest.raises(ValueError, match="with coordinates=True"):
        coin_betting(Ball(), coordinates=True)
    with pytest.raises(ValueError, match="horizon must be a whole number"):
        ader(0)
    with pytest.raises(ValueError, match=r"domain must be bounded, got WholeSpace"):
        ader(3, WholeSpace())
    with pytest.raises(ValueError, match="like must have last axis 2"):
        ader(3, Box([0, 0], [1, 1])).init(np.zeros(3))
    with pytest.raises(ValueError, match="horizon must be a whole number of at least 1, got 0"):
        linearised_ftrl(horizon=0)
    for options in ({}, {"eta": 0.1}, {"horizon": 3}):
        for make in (ogd, linearised_ftrl):
            with pytest.raises(ValueError, match="gradient_bound must be a positive number"):
                make(gradient_bound=-1.0, **options)
    with pytest.raises(ValueError, match="gamma must be a positive number"):
        online_newton_step(0.0)
    with pytest.raises(ValueError, match="modulus must be a positive number"):
        strongly_convex_ogd(-1.0)
