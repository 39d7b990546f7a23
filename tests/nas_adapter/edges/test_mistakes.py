"""Every mistake is a sentence that says what was wrong and what would work."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

import experts
from nas_adapter import EdgeExperts, UserError
from tests.nas_adapter.edges.games import started

ONES = torch.ones(2, 3, dtype=torch.bool)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"choices": torch.ones(2, 3)}, r"choices must be a mask .* got \(2, 3\) of torch.float32"),
        ({"choices": "darts"}, "choices must be a mask .* got 'darts'"),
        ({"choices": {}}, "choices must be a mask .* got no group"),
        ({"choices": []}, "choices must be a mask"),
        ({"choices": [3, 0]}, r"every edge needs an operation: edges \[1\] of 2 have none"),
        ({"choices": [-1]}, r"every edge needs an operation: edges \[0\] of 1"),
        ({"steps": 0}, "steps must be a whole number of at least 1, got 0"),
        ({"steps": 2.5}, "steps must be a whole number of at least 1, got 2.5"),
        ({"warmup": -1}, "warmup must be a whole number of at least 0, got -1"),
        ({"warmup": 9}, "warmup = 9 leaves none of the 9 steps"),
        ({"tell_every": 0}, "tell_every must be a whole number of at least 1"),
        ({"explore": 1.0}, r"explore must be in \[0, 1\), got 1.0"),
        ({"reward_bound": -1.0}, 'reward_bound must be a positive number or "auto", got -1.0'),
        ({"reward_bound": math.inf}, "reward_bound must be a positive number"),
        ({"reward_bound": "large"}, "reward_bound must be a positive number or .*, got 'large'"),
        ({"reward_bound": "auto"}, 'reward_bound="auto" needs a warmup of at least one round'),
        ({"loss_interval": (0, 1)}, "give reward_bound, .* or loss_interval, .* not both"),
        (
            {"reward_bound": None, "loss_interval": (1, 0)},
            r"loss_interval must be \(low, high\), .* got \(1, 0\)",
        ),
        (
            {"reward_bound": None, "loss_interval": (0, 1), "explore": 0.1},
            "explore is for gradients",
        ),
        (
            {"reward_bound": None, "loss_interval": (0, 1), "learner": experts.squint()},
            "learner .* does not learn from sampled architectures",
        ),
        ({"learner": experts.hedge}, r"learner must be a learner, .* did you mean hedge\(...\)"),
        (
            {"learner": experts.hedge(horizon=8)},
            "learner is tuned for 8 rounds, but steps - warmup = 9",
        ),
        ({"learner": experts.squint(), "explore": 0.1}, "must be played as it is: explore must"),
        ({"learner": experts.hedge(eta=[[1.0]] * 3)}, "eta has shape"),
        ({"prior": [[1.0, 0.0]]}, r"prior has shape \(1, 2\), expected \(2, 3\)"),
        ({"prior": torch.ones(2, 3)}, "the sum of prior must be 1, got 3.0"),
        ({"prior": ONES}, "prior must be of a floating point type"),
        (
            {"choices": [3, 2], "prior": torch.full((2, 3), 1 / 3)},
            "prior must be 0 where an edge does not offer",
        ),
        (
            {"choices": {"a": [2], "b": [3]}, "prior": [[0.5, 0.5]]},
            "prior must be a dictionary with the keys a, b",
        ),
        (
            {"choices": {"a": [2]}, "prior": {"a": [[0.5, 0.3, 0.2]]}},
            r"prior\['a'\] has shape \(1, 3\), expected \(1, 2\)",
        ),
    ],
)
def test_settings(options: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"choices": ONES, "steps": 9, "reward_bound": 0.5, **options}
    with pytest.raises(UserError, match=message):
        EdgeExperts(given.pop("choices"), **given)


def copied(edges: EdgeExperts) -> Any:
    return edges.distribution(requires_grad=True).clone()


def without_gradient(edges: EdgeExperts) -> Any:
    return edges.distribution()


def of_an_earlier_round(edges: EdgeExperts) -> Any:
    p = edges.distribution(requires_grad=True)
    p.grad = torch.zeros_like(p)
    edges.update(p)
    edges.distribution(requires_grad=True)
    return p


@pytest.mark.parametrize("given", [copied, without_gradient, of_an_earlier_round])
def test_a_p_that_was_not_handed_out(given: Callable[[EdgeExperts], Any]) -> None:
    edges = started(ONES, 9)
    with pytest.raises(UserError, match=r"update takes the very p that .* gave in this round"):
        edges.update(given(edges))


def test_a_p_without_its_gradient() -> None:
    edges = started(ONES, 9)
    p = edges.distribution(requires_grad=True)
    with pytest.raises(UserError, match=r"call backward\(\) .* net\(xv, p\) does not depend on p"):
        edges.update(p)
    p.grad = torch.zeros_like(p)
    assert edges.update(p) == [], "the round can be ended once the gradient is there"


def test_a_group_without_its_gradient() -> None:
    edges = EdgeExperts({"normal": [2], "reduction": [3]}, steps=9, reward_bound=1.0)
    p = edges.distribution(requires_grad=True)
    p["normal"].sum().backward()
    with pytest.raises(UserError, match=r"p\['reduction'\] has no gradient"):
        edges.update(p)


def test_more_rounds_than_steps() -> None:
    edges = started(ONES, 1, warmup=0)
    p = edges.distribution(requires_grad=True)
    p.grad = torch.zeros_like(p)
    edges.update(p)
    with pytest.raises(UserError, match="all 1 steps were played: steps was too small"):
        edges.update(edges.distribution(requires_grad=True))


def test_sampled_architectures() -> None:
    edges = EdgeExperts([2, 2], steps=9, loss_interval=(0, 1))
    with pytest.raises(UserError, match=r"sampled must be the architecture that sample\(\) gave"):
        edges.update(0.5, sampled=(0, 0))
    drawn = edges.sample()
    with pytest.raises(UserError, match="update needs the loss of the sampled architecture"):
        edges.update(sampled=drawn)
    other = tuple(1 - operation for operation in drawn)
    with pytest.raises(UserError, match="sampled must be the architecture that"):
        edges.update(0.5, sampled=other)
    with pytest.raises(UserError, match="nan or infinite"):
        edges.update(math.nan, sampled=drawn)
    gradients = started(ONES, 9)
    with pytest.raises(UserError, match="construct with loss_interval"):
        gradients.update(0.5, sampled=gradients.sample())


def test_a_warm_up_without_rewards() -> None:
    edges = started(ONES, 9, reward_bound="auto", warmup=1)
    p = edges.distribution(requires_grad=True)
    p.grad = torch.zeros_like(p)
    with pytest.raises(UserError, match='reward_bound="auto" saw no reward but 0 in the warm-up'):
        edges.update(p)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 8}, "saved with steps = 9, not 8"),
        ({"explore": 0.1}, "saved with explore = 0.0, not 0.1"),
        ({"learner": experts.adahedge()}, "saved with learner = 'None', not 'FTRL"),
        ({"prior": [[0.5, 0.2, 0.3]] * 2}, "saved with other choices or another prior"),
        ({"choices": [3, 2]}, "saved with other choices or another prior"),
    ],
)
def test_a_checkpoint_of_another_search(options: dict[str, Any], message: str) -> None:
    saved = started(ONES, 9).state_dict()
    given: dict[str, Any] = {"choices": ONES, "steps": 9, "reward_bound": 0.5, **options}
    with pytest.raises(UserError, match=message):
        EdgeExperts(given.pop("choices"), **given).load_state_dict(saved)


def test_something_else_than_a_checkpoint() -> None:
    with pytest.raises(
        UserError,
        match=r"saved lacks prior, problems, rewards, settings, wiped: is it a state_dict\(\)\?",
    ):
        started(ONES, 9).load_state_dict({"step": 3})
