"""Priors: from a climb, from a file, and what they charge."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from nas_adapter.advice.climb import Climbed, climb
from nas_adapter.advice.looks import Look
from nas_adapter.advice.prior import STRENGTH, UNIFORM, Prior, from_climb, from_file, uniform
from nas_adapter.advice.total import Total
from nas_adapter.errors import UserError
from nas_adapter.spaces import (
    DARTSCNN,
    DARTSRNN,
    NONE,
    Architecture,
    NASBench201,
    Space,
    nodes,
    random_architecture,
    uniform_over_choices,
    without,
)
from nas_adapter.spaces.genotype import read
from nas_adapter.spaces.moves import one_edge_changes
from tests.nas_adapter.advice.made_up import AdditiveLooker, random_scores
from tests.nas_adapter.spaces.test_genotype import SMALL

SPACE = NASBench201()
CPU = torch.device("cpu")
TOTAL = Total.of([Look(float(i), float(i), 0.0) for i in range(8)])
FOUND: dict[str, Space] = {
    "nasbench201": SPACE, "small": SMALL, "darts-cnn": DARTSCNN(), "darts-rnn": DARTSRNN()
}  # fmt: skip
SPACES: list[Any] = [
    pytest.param(without(space, left_out), id=f"{name}{'-none' * bool(left_out)}")
    for name, space in FOUND.items()
    for left_out in ([], [NONE])
]


def made_up_climb(space: Space, seed: int, tied: float = 0.5) -> Climbed:
    """As if a climb had ended at a random cell: its changes gain nothing, or lose something."""
    generator = np.random.default_rng(seed)
    end = random_architecture(space, torch.Generator().manual_seed(seed))
    gains = np.full((len(space.edges), len(space.operations)), -np.inf)
    for change in one_edge_changes(space, end):
        for edge, (old, new) in enumerate(zip(end, change, strict=True)):
            if old != new:
                gains[edge, new] = 0.0 if generator.random() < tied else -generator.exponential()
    gains[np.arange(len(end)), list(end)] = 0.0
    return Climbed(end, gains, TOTAL, end, [])


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("seed", range(3))
def test_rows_are_distributions_with_a_share_of_the_uniform_one(space: Space, seed: int) -> None:
    prior = from_climb(space, made_up_climb(space, seed))
    even = uniform_over_choices(space, CPU)
    torch.testing.assert_close(prior.weights.sum(-1), torch.ones(len(even), dtype=torch.float64))
    assert torch.equal(prior.weights > 0, even > 0), "0 exactly where nothing is offered"
    assert torch.all(prior.weights >= UNIFORM * even - 1e-12)
    caps = [math.log(len(offered) / UNIFORM) for offered in space.choices]
    dearest = [int(row.where(row > 0, math.inf).argmin()) for row in prior.weights]
    assert prior.price(space, tuple(dearest)) <= sum(caps) + 1e-9


def test_the_formula_where_every_edge_is_kept() -> None:
    climbed = made_up_climb(SPACE, 1)
    share = np.exp(STRENGTH * climbed.gains)
    expected = 0.9 * share / share.sum(-1, keepdims=True) + 0.1 / 5
    np.testing.assert_allclose(from_climb(SPACE, climbed).weights.numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("tied", [0.0, 0.7, 1.0])
def test_every_rule_reads_the_climb_s_cell_off_the_prior(space: Space, tied: float) -> None:
    """Also where many changes are worth as much, and where the edges that were dropped differ."""
    rules = ["mode", "auto"] + (["darts"] if space.inputs == 2 else [])
    for seed in range(8):
        climbed = made_up_climb(space, seed, tied)
        prior = from_climb(space, climbed)
        assert prior.architecture == climbed.architecture
        for rule in rules:
            assert read(space, rule, prior.weights, seed=0) == climbed.architecture


@pytest.mark.parametrize(
    "space", [SMALL, without(SMALL, [NONE]), DARTSCNN()], ids=["small", "no none", "darts-cnn"]
)
def test_edges_that_were_dropped_say_less_than_those_that_were_kept(space: Space) -> None:
    climbed = made_up_climb(space, 3)
    weights = from_climb(space, climbed).weights
    real = [index for index, name in enumerate(space.operations) if name != NONE]
    strength = weights[:, real].amax(-1)
    none = space.operations.index(NONE)
    for edges in nodes(space):
        kept = [float(strength[e]) for e in edges if climbed.architecture[e] != none]
        dropped = [float(strength[e]) for e in edges if climbed.architecture[e] == none]
        assert not dropped or max(dropped) < min(kept)


def test_a_real_climb_s_prior() -> None:
    """What gains more starts higher: the order on every edge is that of the made-up scores."""
    look: Any = AdditiveLooker(random_scores(6, 5, 2))
    climbed = climb(SPACE, look, 0, 40)
    prior = from_climb(SPACE, climbed)
    assert torch.equal(prior.weights.argmax(-1), torch.from_numpy(look.scores.argmax(-1)))
    assert prior.price(SPACE, climbed.architecture) == min(
        prior.price(SPACE, cell) for cell in itertools.product(range(5), repeat=6)
    )


def test_the_price() -> None:
    weights = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.9, 0.0]], dtype=torch.float64)
    prior = Prior(weights, "made up")
    space = cast(Space, SimpleNamespace(choices=((0, 1, 2),) * 2))
    assert prior.price(space, (1, 0)) == pytest.approx(math.log(4) + math.log(10))
    assert prior.price(space, (0, 2)) == math.inf
    assert uniform(SPACE).price(SPACE, (0, 1, 2, 3, 4, 0)) == pytest.approx(6 * math.log(5))


def test_a_dropped_edge_has_no_price_where_it_does_not_offer_none() -> None:
    space = without(DARTSCNN(), [NONE])
    cell = random_architecture(space, torch.Generator().manual_seed(0))
    assert uniform(space).price(space, cell) == pytest.approx(16 * math.log(7))


def written(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "prior.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def named(space: Space, weights: torch.Tensor) -> dict[str, dict[str, float]]:
    return {
        edge: {space.operations[o]: float(row[o]) for o in offered}
        for edge, row, offered in zip(space.edges, weights, space.choices, strict=True)
    }


@pytest.mark.parametrize("space", SPACES)
def test_a_result_s_edge_probabilities_come_back(space: Space, tmp_path: Path) -> None:
    weights = from_climb(space, made_up_climb(space, 0)).weights
    for content in (
        {"method": "xnas", "edge_probabilities": named(space, weights)},
        named(space, weights),
    ):
        path = written(tmp_path, content)
        prior = from_file(space, path)
        torch.testing.assert_close(prior.weights, weights, rtol=0, atol=1e-15)
        assert prior.kind == str(path)
        assert prior.architecture is None
    even = from_file(space, written(tmp_path, named(space, uniform(space).weights)))
    torch.testing.assert_close(even.weights, uniform(space).weights, rtol=0, atol=1e-16)


def test_what_a_file_leaves_out(tmp_path: Path) -> None:
    """Weights need not add up to 1; an edge without any is uniform; unoffered ones are ignored."""
    space = without(SPACE, [NONE])
    given = {
        "1<-0": {"skip_connect": 3, "nor_conv_3x3": 1},
        "2<-0": {},
        "2<-1": {NONE: 7.0},
        "3<-0": {NONE: 0.5, "skip_connect": 0.5},
        "3<-1": {"skip_connect": 0},
    }
    weights = from_file(space, written(tmp_path, given)).weights.tolist()
    assert weights[0] == [0, 0.75, 0, 0.25, 0]
    assert weights[1] == weights[2] == weights[4] == weights[5] == [0, *[0.25] * 4]
    assert weights[3] == [0, 1, 0, 0, 0]


@pytest.mark.parametrize(("least", "most"), [(1e-320, 3e-320), (1e308, 1.7e308)])
def test_weights_at_the_ends_of_the_numbers(least: float, most: float, tmp_path: Path) -> None:
    given = {"1<-0": {NONE: least, "skip_connect": least, "nor_conv_3x3": most}}
    row = from_file(SPACE, written(tmp_path, given)).weights[0]
    assert float(row.sum()) == pytest.approx(1)
    assert float(row[3] / row[0]) == pytest.approx(most / least, rel=1e-3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not a readable JSON file"),
        ("", "not a readable JSON file"),
        ("[1]", r"it must be {edge: {operation: weight}}"),
        ("3", r"it must be {edge: {operation: weight}}"),
        ({"edge_probabilities": None}, r"it must be {edge: {operation: weight}}"),
        ({"1<-0": [0.5, 0.5]}, r"it must be {edge: {operation: weight}}"),
        ({"1<-7": {NONE: 1}}, r"unknown edge in --prior .*: '1<-7': choose one of 1<-0, 2<-0"),
        ({"1<-0": {"conv": 1}}, r"unknown operation in --prior .*: 'conv': choose one of none, sk"),
        ({"1<-0": {NONE: -0.1}}, r"1<-0, none: -0.1 is no weight"),
        ({"1<-0": {NONE: "1"}}, r"1<-0, none: '1' is no weight"),
        ({"1<-0": {NONE: None}}, r"1<-0, none: None is no weight"),
        ({"1<-0": {NONE: True}}, r"1<-0, none: True is no weight"),
        ('{"1<-0": {"none": NaN}}', r"1<-0, none: nan is no weight"),
        ('{"1<-0": {"none": Infinity}}', r"1<-0, none: inf is no weight"),
        ('{"1<-0": {"none": 1' + "0" * 400 + "}}", r"1<-0, none: 10+ is no weight"),
    ],
)
def test_what_a_file_may_not_say(content: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        from_file(SPACE, written(tmp_path, content))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path, tmp_path / "bytes.json"):
        with pytest.raises(UserError, match="not a readable JSON file"):
            from_file(SPACE, path)
    with pytest.raises(UserError, match=r"there is no .*byte\.json; did you mean .*bytes\.json\?"):
        from_file(SPACE, tmp_path / "byte.json")
    with pytest.raises(UserError, match=r"unknown --prior 'score': .*; did you mean scores\?"):
        from_file(SPACE, Path("score"))


def test_architectures_are_not_needed_for_a_uniform_prior() -> None:
    architecture: Architecture | None = uniform(SPACE).architecture
    assert architecture is None
