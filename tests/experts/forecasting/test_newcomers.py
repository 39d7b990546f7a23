"""Experts that come later: what they get, what the others keep, and the bounds on all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import experts
from experts import Feedback
from experts.forecasting.newcomers import admit
from experts.forecasting.rescaled import Rescaled

LEARNERS: dict[str, Any] = {
    "ml_poly": experts.ml_poly(),
    "ml_prod": experts.ml_prod(),
    "boa": experts.boa(),
    "boa-range": experts.boa(loss_range=4.0),
    "squint": experts.squint(),
    "squint-uniform": experts.squint("uniform"),
    "normal_hedge": experts.normal_hedge(),
    "adahedge": experts.adahedge(),
    "hedge": experts.hedge(eta=0.5),
    "anytime_hedge": experts.anytime_hedge(),
    "optimistic_hedge": experts.optimistic_hedge(eta=0.5),
    "fixed_share": experts.fixed_share(eta=0.5, alpha=0.05),
    "rescaled": Rescaled(experts.fixed_share(eta=0.5, alpha=0.05)),
}
learners = pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)


def played(learner: Any, rounds: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    state = learner.init(np.zeros((2, 3)))
    for _ in range(rounds):
        state = learner.update(state, learner.predict(state), Feedback(rng.random((2, 3))))
    return state


@pytest.mark.parametrize("name", ["hedge", "adahedge", "anytime_hedge", "fixed_share"])
@pytest.mark.parametrize("rounds", [1, 2, 30])
def test_exponential_weights_give_exactly_the_share(name: str, rounds: int) -> None:
    learner = LEARNERS[name]
    before = played(learner, rounds)
    after = learner.predict(admit(learner, before, np.asarray([0.1, 0.2])))
    if name == "fixed_share":  # shares a part of its weight before it plays
        return np.testing.assert_allclose(
            after[:, 3:], 0.95 * np.asarray([[0.1, 0.2]] * 2) + 0.05 / 5
        )
    expected = np.concatenate([0.7 * learner.predict(before), np.asarray([[0.1, 0.2]] * 2)], axis=1)
    return np.testing.assert_allclose(after, expected, rtol=1e-9)


def test_regret_matching_takes_nothing_from_the_others() -> None:
    """ML-Poly's newcomer has no regret yet, so no weight; the others' bounds stay."""
    learner = LEARNERS["ml_poly"]
    before = played(learner, 30)
    after = admit(learner, before, np.asarray([0.25]))
    np.testing.assert_allclose(learner.predict(after)[:, :3], learner.predict(before))
    np.testing.assert_allclose(learner.certificate(after)[:, :3], learner.certificate(before))


@learners
@pytest.mark.parametrize("late", [0, 5])
@pytest.mark.parametrize("adversary", ["random", "leader", "newest", "oldest"])
def test_regret_of_old_and_new(learner: Any, adversary: str, late: int) -> None:
    """Against losses that hit the leader, or favour the newest or the oldest, of growing size.

    Learners that may be told any distribution play that of some rounds ago.
    """
    late = late if "delayed" in learner.supports else 0
    plays: list[Any] = []
    rng = np.random.default_rng(1)
    state = learner.init(np.zeros((1, 2)))
    regret = np.zeros((1, 2))
    for t in range(120):
        if t in (0, 10, 11, 60):
            share = np.asarray([0.2, 0.01]) if t == 60 else np.asarray([0.3])
            state = admit(learner, state, share)
            regret = np.concatenate([regret, np.zeros((1, len(share)))], axis=1)
        plays.append(learner.predict(state))
        old = plays[max(0, t - late)]
        play = np.concatenate([old, np.zeros((1, regret.size - old.size))], axis=1)
        np.testing.assert_allclose(play.sum(axis=1), 1.0)
        loss = rng.random(play.shape)
        if adversary == "leader":
            loss = (play == play.max()).astype(float)
        if adversary in ("newest", "oldest"):
            loss = 0.5 + 0.5 * loss
            loss[:, -1 if adversary == "newest" else 0] = 0.0
        loss = loss * (1 + t // 40)
        state = learner.update(state, play, Feedback(loss))
        regret = regret + np.sum(play * loss) - loss
        assert (regret <= learner.certificate(state) + 1e-9).all()


def test_many_newcomers_do_not_raise_rates() -> None:
    """BOA's rates are functions of the prior and of K, both of which change."""
    learner = LEARNERS["boa"]
    before = played(learner, 200)
    after = before
    for _ in range(5):
        after = admit(learner, after, np.asarray([0.3]))
        play = learner.predict(after)
        after = learner.update(after, play, Feedback(np.zeros(play.shape)))
    assert (after.scale[:, :3] >= before.scale).all()


def test_no_proof_for_other_learners() -> None:
    learner = experts.tsallis_inf()
    with pytest.raises(ValueError, match="nothing is proved of experts that come later"):
        admit(learner, learner.init(np.zeros(3)), np.asarray([0.1]))
