"""Drawing, estimating, product distributions, the ledger, online to batch, and what is imported."""

from __future__ import annotations

import ast
import itertools
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import experts
from experts import Feedback, Ledger, ProductDistribution, Weighted
from experts.structured.product import edge_entropy

PACKAGE = Path(experts.__file__).parent
IN_NUMPY = {
    PACKAGE / "simulation",
    PACKAGE / "analysis" / "worst_case.py",
    PACKAGE / "structured" / "black_box.py",
}
"""Around the algorithms: whole games, which are played in numpy, and whole searches, which draw
from numpy's generators."""
weights = hnp.arrays(np.float64, st.integers(1, 8), elements=st.integers(0, 5)).filter(np.any)


@given(weights=weights, uniform=st.floats(0, 1, exclude_max=True))
def test_draw_gives_one_expert_of_positive_probability(weights: np.ndarray, uniform: float) -> None:
    drawn = experts.draw(weights, np.asarray([uniform]))
    assert drawn.sum() == 1
    assert weights[drawn] > 0


def test_draw_frequencies_are_the_probabilities() -> None:
    play = np.asarray([0.1, 0.0, 0.6, 0.3])
    uniforms = (np.arange(1000)[:, None] + 0.5) / 1000  # stratified: exact to one in a thousand
    drawn = experts.draw(np.broadcast_to(play, (1000, 4)), uniforms)
    np.testing.assert_allclose(drawn.mean(0), play, atol=1.1e-3)


@given(weights=weights.filter(np.all), data=st.data())
def test_importance_weights_are_unbiased_by_enumeration(
    weights: np.ndarray, data: st.DataObject
) -> None:
    """E over the drawn arm of the estimate is the loss itself; with a bias it is below."""
    play = weights / weights.sum()
    loss = np.asarray(data.draw(st.lists(st.floats(0, 1), min_size=len(play), max_size=len(play))))
    one = np.ones(1)
    for bias in (0.0, 0.1):
        mean = np.zeros_like(loss)
        for arm, seen in enumerate(np.eye(len(play), dtype=bool)):
            revealed = np.where(seen, loss, np.nan)
            mean += play[arm] * Weighted(bias).estimate(Feedback(revealed, seen, play), one)
        np.testing.assert_allclose(mean, loss * play / (play + bias), atol=1e-12)


@given(
    edges=hnp.arrays(np.float64, (3, 3), elements=st.integers(0, 4)).filter(
        lambda w: bool(np.all(w.sum(-1) > 0))
    )
)
def test_product_distribution_by_enumeration(edges: np.ndarray) -> None:
    product = ProductDistribution(edges / edges.sum(-1, keepdims=True))
    architectures = np.asarray(list(itertools.product(range(3), repeat=3)))
    probability = np.exp(product.log_probability(architectures))
    best = np.exp(product.log_probability(product.mode()))
    assert probability.sum() == pytest.approx(1)
    assert best == probability.max()
    known = probability[probability > 0]
    assert float(product.entropy()) == pytest.approx(-(known * np.log(known)).sum(), abs=1e-12)


def test_product_samples_follow_the_marginals() -> None:
    edges = np.asarray([[0.2, 0.8, 0.0], [0.0, 0.5, 0.5]])
    uniforms = np.random.default_rng(0).random((20_000, 2))
    drawn = ProductDistribution(np.broadcast_to(edges, (20_000, 2, 3))).sample(uniforms)
    frequency = (drawn[..., None] == np.arange(3)).mean(0)
    np.testing.assert_allclose(frequency, edges, atol=0.02)
    assert np.all(frequency[edges == 0] == 0)


def test_edge_entropy() -> None:
    np.testing.assert_allclose(
        edge_entropy(np.asarray([[0.5, 0.5], [1, 0]])), [math.log(2), 0], atol=1e-15
    )


def test_ledger_keeps_unknown_losses_out_of_the_player_s_account() -> None:
    ledger = Ledger.open(np.zeros(3))
    ledger = ledger.add(np.asarray([0.25, 0.75, 0.0]), np.asarray([1.0, 0.0, np.nan]))
    assert ledger.loss.tolist() == [0.25]
    np.testing.assert_array_equal(ledger.regret, [-0.75, 0.25, np.nan])
    assert ledger.worst(np.asarray([True, True, False])).tolist() == [0.25]


@given(game=hnp.arrays(np.float64, (6, 3), elements=st.integers(0, 4)))
def test_ledger_is_the_definition_of_regret(game: np.ndarray) -> None:
    plays = np.random.default_rng(0).dirichlet(np.ones(3), size=6)
    ledger = Ledger.open(game[0])
    for play, loss in zip(plays, game, strict=True):
        ledger = ledger.add(play, loss)
    regret = (plays * game).sum() - game.sum(0)
    np.testing.assert_allclose(ledger.regret, regret, atol=1e-12)
    np.testing.assert_allclose(ledger.worst(np.ones(3, dtype=bool)), regret.max(), atol=1e-12)


def test_average_iterate_has_no_more_than_the_mean_convex_loss() -> None:
    """Jensen, the step that online-to-batch rests on, for a squared loss."""
    rng = np.random.default_rng(0)
    plays, target = rng.dirichlet(np.ones(4), size=50), rng.random(4)
    loss = ((plays - target) ** 2).sum(-1)
    average = experts.average_iterate(plays)
    assert ((average - target) ** 2).sum() < loss.mean()


def test_sample_iterate_returns_each_round_equally_often() -> None:
    plays = np.eye(4)
    uniforms = (np.arange(100)[:, None] + 0.5) / 100
    drawn = experts.sample_iterate(np.broadcast_to(plays[:, None], (4, 100, 4)), uniforms)
    np.testing.assert_allclose(drawn.mean(0), 0.25)


def test_best_cumulative_is_the_leader_among_survivors() -> None:
    loss, alive = np.asarray([0.0, 2.0, 1.0, 1.0]), np.asarray([False, True, True, True])
    assert experts.best_cumulative(loss, alive) == 2


def test_experts_imports_no_heavy_or_optional_library() -> None:
    code = (
        "import sys, experts; "
        "heavy = {'torch', 'nas_adapter', 'matplotlib', 'numba', 'pandas', 'tqdm'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_algorithms_name_no_array_library_and_only_masks_makes_infinities(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    libraries = {name.split(".")[0] for name in imported} & {"numpy", "torch", "jax", "cupy"}
    in_numpy = bool(IN_NUMPY & {path, *path.parents})
    assert libraries <= ({"numpy"} if in_numpy else set())
    infinities = [
        node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "inf"
    ]
    assert path.name == "masks.py" or not infinities
