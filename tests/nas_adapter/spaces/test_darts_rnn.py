"""The recurrent space of DARTS: notation, cell, network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from nas_adapter.spaces import DARTSRNN, Architecture, Size
from nas_adapter.spaces.darts_rnn import Dropout, Network
from nas_adapter.supernets.recurrent_cell import ENDS, OPERATIONS

SPACE = DARTSRNN()
WORDS, WIDTH, STREAMS, LENGTH = 11, 6, 4, 5
SIZE = Size(WORDS, WORDS, channels=WIDTH, cells=1)
PUBLISHED = (
    "Genotype(recurrent=[('sigmoid', 0), ('relu', 1), ('relu', 1), ('identity', 1), ('tanh', 2), "
    "('sigmoid', 5), ('tanh', 3), ('relu', 5)], concat=range(1, 9))"
)
recurrent = st.tuples(
    *[st.tuples(st.integers(1, 4), st.integers(0, node - 1)) for node in range(1, 9)]
)


def architecture(kept: tuple[tuple[int, int], ...]) -> Architecture:
    chosen = {(node, source): operation for node, (operation, source) in enumerate(kept, 1)}
    return tuple(chosen.get(end, 0) for end in ENDS)


def supernet(*, search: bool = True) -> Any:
    torch.manual_seed(0)
    return SPACE.network(SIZE, SPACE.choices, search=search).double()


def tokens(seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(WORDS, (LENGTH, STREAMS), generator=generator)


@given(kept=recurrent)
def test_genotypes_round_trip(kept: tuple[tuple[int, int], ...]) -> None:
    written = SPACE.genotype(architecture(kept))
    assert SPACE.parse(written) == architecture(kept)
    named = [(OPERATIONS[operation], source) for operation, source in kept]
    assert written == f"Genotype(recurrent={named}, concat=range(1, 9))"


def test_the_published_cell_is_read() -> None:
    found = SPACE.parse(PUBLISHED)
    assert SPACE.genotype(found) == PUBLISHED
    kept = {
        edge: OPERATIONS[operation]
        for edge, operation in zip(SPACE.edges, found, strict=True)
        if operation
    }
    assert kept == {
        "1<-0": "sigmoid", "2<-1": "relu", "3<-1": "relu", "4<-1": "identity", "5<-2": "tanh",
        "6<-5": "sigmoid", "7<-3": "tanh", "8<-5": "relu",
    }  # fmt: skip


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "Genotype(recurrent=[], concat=range(1, 9))",
        PUBLISHED.replace("('relu', 5)]", "('relu', 8)]"),
        PUBLISHED.replace("('relu', 5)]", "('relu', 5), ('relu', 5)]"),
        PUBLISHED.replace("sigmoid", "none"),
        PUBLISHED.replace("sigmoid", "gelu"),
        PUBLISHED.replace("range(1, 9)", "range(1, 8)"),
        PUBLISHED.replace("('tanh', 2)", "__import__('os')"),
        PUBLISHED.replace("('tanh', 2)", "'tanh'"),
    ],
)
def test_malformed_genotypes_are_refused(malformed: str) -> None:
    with pytest.raises(ValueError, match="not a recurrent cell of DARTS"):
        SPACE.parse(malformed)


def test_published_size() -> None:
    """Penn Treebank's 10,000 words at 850 units: the 23 M parameters of Liu et al., Table 3."""
    with torch.device("meta"):
        choices = [[operation] for operation in SPACE.parse(PUBLISHED)]
        net = SPACE.network(Size(10_000, 10_000, 850, 1), choices, search=False)
    assert sum(parameter.numel() for parameter in net.parameters()) == 22_960_000


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": sigmoid,
    "identity": lambda x: x,
}


def by_hand(net: Any, read: Tensor, weights: np.ndarray, *, normalise: bool) -> np.ndarray:
    """Logits of the docstring's equations, edge by edge and operation by operation."""
    value = {name: tensor.numpy() for name, tensor in net.state_dict().items()}

    def norm(s: np.ndarray) -> np.ndarray:
        return (s - s.mean(0)) / np.sqrt(s.var(0) + 1e-5) if normalise else s

    h, out = np.zeros((STREAMS, WIDTH)), []
    for x in value["embedding.weight"][read.numpy()]:
        c, u = np.split(np.hstack([x, h]) @ value["cell.weight"], 2, -1)
        states = [norm(h + sigmoid(c) * (np.tanh(u) - h))]
        for node in range(1, 9):
            total = np.zeros_like(h)
            for source in range(node):
                s = states[source]
                c, u = np.split(s @ value[f"cell.nodes.{node - 1}.weight"], 2, -1)
                for index, name in enumerate(OPERATIONS[1:], 1):
                    p = weights[ENDS.index((node, source)), index]
                    total += p * (s + sigmoid(c) * (FUNCTIONS[name](u) - s))
            states.append(norm(total))
        h = np.mean(states[1:], axis=0)
        out.append(h @ value["embedding.weight"].T + value["bias"])
    return np.stack(out)


@pytest.mark.parametrize("search", [True, False])
def test_the_mixed_cell_is_the_equations(search: bool) -> None:
    net = supernet(search=search)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(10)  # away from where all operations are nearly linear
        net.bias.copy_(torch.arange(WORDS))
        weights = torch.rand(36, 5, generator=torch.Generator().manual_seed(1)).double() / 5
        logits, hidden = net(tokens(), None, weights)
    expected = by_hand(net, tokens(), weights.numpy(), normalise=search)
    np.testing.assert_allclose(logits, expected, atol=1e-9)
    assert hidden.shape == (STREAMS, WIDTH)


@given(kept=recurrent)
def test_one_hot_weights_are_the_discrete_path(kept: tuple[tuple[int, int], ...]) -> None:
    net, found = supernet(), architecture(kept)
    one_hot = nn.functional.one_hot(torch.tensor(found), 5).double()
    with torch.no_grad():
        torch.testing.assert_close(net(tokens(), None, one_hot), net(tokens(), None, found))


@given(kept=recurrent)
def test_a_network_of_its_own_has_one_matrix_product_a_node(
    kept: tuple[tuple[int, int], ...],
) -> None:
    found = architecture(kept)
    whole = supernet(search=False)
    own = SPACE.network(SIZE, [[operation] for operation in found], search=False).double()
    own.load_state_dict(whole.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(own(tokens(), None, found), whole(tokens(), None, found))


def test_removed_operations_are_neither_computed_nor_rewarded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = supernet()
    weights = torch.full((36, 5), 0.25).double()
    gone = [("3<-0", 1), ("3<-2", 2), ("5<-1", 4), *(("2<-1", index) for index in range(5))]
    for edge, operation in gone:
        weights[SPACE.edges.index(edge), operation] = 0
    expected = net(tokens(), None, weights)
    for edge, operation in gone:
        net.remove(SPACE.edges.index(edge), operation)
    seen: list[int] = []

    def counting(x: Tensor) -> Tensor:
        seen.append(len(x))
        return torch.tanh(x)

    for node in net.cell.nodes:
        monkeypatch.setitem(node.activations, 1, counting)
    weights.requires_grad_()
    found = net(tokens(), None, weights)
    torch.testing.assert_close(found, expected)
    # tanh is computed for the edges that offer it: one fewer at node 3, one fewer at node 2.
    assert seen == [1, 1, 2, 4, 5, 6, 7, 8] * LENGTH
    (gradient,) = torch.autograd.grad(found[0].square().sum(), weights)
    for edge, operation in gone:
        assert gradient[SPACE.edges.index(edge), operation] == 0
    assert (gradient[:, 1:] != 0).sum() == 36 * 4 - 7


def test_a_cell_without_operations_is_a_zero_state() -> None:
    net = supernet(search=False)
    for edge in range(36):
        for operation in range(5):
            net.remove(edge, operation)
    logits, hidden = net(tokens(), None, torch.full((36, 5), 0.2).double())
    assert torch.all(hidden == 0)
    assert torch.all(logits == 0)


def test_dropout_is_the_same_at_all_positions() -> None:
    net: Network = supernet(search=False)
    with torch.no_grad():
        net.embedding.weight.fill_(1)
        net.cell.weight.zero_()
        read = torch.zeros(LENGTH, STREAMS, dtype=torch.long)
        found = SPACE.parse(PUBLISHED)
        for name in ("words", "embedded", "inputs", "hidden", "outputs"):
            rates = Dropout(**{name: 0.5})
            torch.manual_seed(0)
            one = net(read, None, found, rates)
            torch.manual_seed(0)
            torch.testing.assert_close(net(read, None, found, rates), one)
        # With W_0 = 0 every state is halfway to zero, so only the mask on the outputs shows.
        net.cell.weight.fill_(0.1)
        torch.manual_seed(0)
        kept = [
            (state != 0).all(0)
            for state in net(read, None, found, Dropout(outputs=0.5))[0].unbind()
        ]
        assert all(torch.equal(each, kept[0]) for each in kept)
