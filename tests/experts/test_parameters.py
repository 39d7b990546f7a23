"""Parameters: a number, (1,) or batch + (1,); in the problems' type; a copy; compared by value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import experts
from experts import FTRL, Anytime, Entropy, Feedback, Player, Weighted
from experts.environments import Given
from experts.testing.games import as_numpy

LIBRARIES = pytest.mark.parametrize(
    "xp", [np, torch, array_api_strict], ids=["numpy", "torch", "strict"]
)
MAKERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "hedge": ("eta", experts.hedge),
    "exponentiated_gradient": ("eta", experts.exponentiated_gradient),
    "optimistic_hedge": ("eta", experts.optimistic_hedge),
    "exp3": ("eta", experts.exp3),
    "exp3_ix": ("eta", experts.exp3_ix),
    "fixed_share": ("eta", lambda value: experts.fixed_share(value, 0.1)),
    "fixed_share alpha": ("alpha", lambda value: experts.fixed_share(0.5, value)),
    "anytime": ("eta", lambda value: FTRL(Entropy(), Anytime(eta=value), Weighted())),
    "anytime range": ("loss_range", experts.anytime_hedge),
    "horizon range": ("loss_range", lambda value: experts.hedge(horizon=50, loss_range=value)),
    "ml_poly": ("loss_range", experts.ml_poly),
    "ml_prod": ("loss_range", experts.ml_prod),
    "boa": ("loss_range", experts.boa),
    "squint": ("loss_range", lambda value: experts.squint(loss_range=value)),
}
every_parameter = pytest.mark.parametrize(("name", "make"), MAKERS.values(), ids=MAKERS)


def end(learner: Any, losses: Any, xp: Any = np) -> tuple[np.ndarray, np.ndarray]:
    """Distribution and certificate after losses (T, ..., K)."""
    state = learner.init(xp.asarray(losses[0]))
    for loss in losses:
        state = learner.update(state, learner.predict(state), Feedback(xp.asarray(loss)))
    found = learner.predict(state), learner.certificate(state)
    assert found[0].dtype == found[1].dtype == xp.asarray(losses[0]).dtype
    return as_numpy(found[0]), as_numpy(found[1])


@every_parameter
@LIBRARIES
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_sweep_is_a_batch_of_learners_in_the_type_of_the_problems(
    name: str, make: Any, xp: Any, dtype: Any
) -> None:
    losses = np.random.default_rng(0).random((9, 2, 3, 4)).astype(dtype)
    values = np.asarray([[[0.1], [0.25], [0.5]], [[0.125], [0.75], [0.3]]])  # (2, 3, 1)
    plays, certificates = end(make(xp.asarray(values)), losses, xp)
    assert plays.shape == losses.shape[1:]
    rtol = 1e-4 if dtype is np.float32 else 1e-9
    for at in np.ndindex(2, 3):
        play, certificate = end(make(float(values[at][0])), losses[:, *at])
        np.testing.assert_allclose(plays[at], play, rtol=rtol)
        np.testing.assert_allclose(certificates[at], certificate, rtol=rtol)
    alone, number = end(make(xp.asarray([0.25])), losses, xp), end(make(0.25), losses, xp)
    np.testing.assert_array_equal(alone[0], number[0])


@every_parameter
@given(data=st.data())
def test_another_shape_is_refused(name: str, make: Any, data: st.DataObject) -> None:
    """It broadcasts to batch + (1,) without making it larger, or it is refused."""
    sizes = st.integers(1, 3)
    shape = tuple(data.draw(st.lists(sizes, min_size=1, max_size=4)))
    batch = tuple(data.draw(st.lists(sizes, max_size=3)))
    like = np.zeros((*batch, 3))
    values = np.full(shape, 0.5)
    if shape[-1] != 1:
        with pytest.raises(ValueError, match=f"{name} has shape"):
            make(values)
        return
    try:
        fits = np.broadcast_shapes(shape, (*batch, 1)) == (*batch, 1)
    except ValueError:
        fits = False
    learner = make(values)
    if fits:
        assert Player(learner, like).predict().shape == like.shape
        return
    with pytest.raises(ValueError, match=rf"{name} has shape .*, expected a number, \(1,\) or"):
        Player(learner, like)
    with pytest.raises(ValueError, match=f"{name} has shape"):
        learner.init(like)


@every_parameter
@LIBRARIES
def test_an_array_as_long_as_the_experts_is_refused(name: str, make: Any, xp: Any) -> None:
    """It was broadcast over the experts: regret 72 above the certificate."""
    with pytest.raises(ValueError, match=rf"{name} has shape \(3,\), expected a number, \(1,\)"):
        make(xp.asarray([0.1, 0.5, 0.9]))


@every_parameter
@pytest.mark.parametrize(
    "value",
    [1j, np.complex128(0.5), np.asarray([[0.5 + 0j]]), torch.tensor([[0.5 + 0j]]), "0.5",
     float("nan"), np.asarray([[0.5], [float("nan")]]), np.asarray([[-0.5]]), np.zeros((0, 1)),
     [[0.5], [0.5, 0.5]], object(), True, np.True_, [[True]], torch.tensor([[True]])],
    ids=["complex", "numpy complex", "complex array", "complex tensor", "text", "nan", "nan array",
         "negative", "empty", "ragged", "object", "truth", "numpy truth", "truths", "truth tensor"],
)  # fmt: skip
def test_what_is_no_positive_number_is_refused(name: str, make: Any, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} (must|has shape)"):
        make(value)


@every_parameter
@LIBRARIES
def test_writing_to_the_array_changes_no_learner(name: str, make: Any, xp: Any) -> None:
    values = xp.asarray([[0.25], [0.5]])
    learner, same = make(values), make(xp.asarray([[0.25], [0.5]]))
    values[0, 0] = 0.75
    losses = np.random.default_rng(0).random((5, 2, 3))
    np.testing.assert_array_equal(end(learner, losses)[0], end(same, losses)[0])
    assert learner == same
    assert hash(learner) == hash(same)


@every_parameter
def test_a_state_of_another_sweep_is_refused(name: str, make: Any) -> None:
    """numpy abbreviates the repr of long arrays, and rounds it."""
    like = np.zeros((2000, 2))
    values = np.linspace(0.1, 0.9, 2000)[:, None]
    other = values.copy()
    other[1000] += 1e-15
    saved = Player(make(values), like).state_dict()
    Player(make(values.copy()), like).load_state_dict(saved)
    with pytest.raises(ValueError, match="saved by"):
        Player(make(other), like).load_state_dict(saved)


def test_integers_and_arrays_without_axes_are_numbers() -> None:
    hedge = experts.hedge
    assert hedge(np.asarray(2)) == hedge(2) == hedge(torch.asarray(2.0)) == hedge(2.0)


@pytest.mark.parametrize(("name", "make"), [m for m in MAKERS.values() if m[0] != "alpha"])
def test_a_parameter_that_the_type_cannot_hold_is_refused(name: str, make: Any) -> None:
    with pytest.raises(ValueError, match=rf"{name} must lie in \[.*\] in float32, got 1e\+30"):
        make(1e30).init(np.zeros(2, np.float32))
    make(1e30).init(np.zeros(2))


@pytest.mark.parametrize("engine", ["plain", "scan", "numba"])
def test_engines_take_and_refuse_the_same_sweeps(engine: str) -> None:
    losses = np.random.default_rng(0).random((50, 2, 3))
    eta = np.asarray([[0.5], [2.0]])
    trace = experts.play(experts.hedge(eta), Given(losses), seeds=2, engine=engine)
    for edge in range(2):
        alone = experts.play(experts.hedge(eta[edge, 0]), Given(losses[:, edge]), engine="plain")
        np.testing.assert_allclose(trace.regret[:, 0, edge], alone.regret[:, 0], atol=1e-12)
    for wrong in (np.full((3, 1), 0.5), np.full((4, 2, 2, 1), 0.5)):
        with pytest.raises(ValueError, match="eta has shape"):
            experts.play(experts.hedge(wrong), Given(losses), seeds=2, engine=engine)
