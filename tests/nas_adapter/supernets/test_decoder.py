"""Loss and gradients in blocks are those at once."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from nas_adapter.supernets import decoder


def problem(tokens: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x, table, bias = (
        torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in ((tokens, 6), (11, 6), (11,))
    )
    return x, table, bias, torch.randint(11, (tokens,), generator=generator)


@pytest.mark.parametrize("tokens", [1, 7, 12])
@pytest.mark.parametrize("entries", [1, 44, 2**20])
@pytest.mark.parametrize("frozen", [(), (0,), (1, 2)])
def test_blocks(
    tokens: int, entries: int, frozen: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(decoder.ENTRIES, "cpu", entries)
    x, table, bias, targets = problem(tokens)
    parts = x, table, bias
    for index in frozen:
        parts[index].requires_grad_(False)
    wanted = [part for part in parts if part.requires_grad]
    found = decoder.mean_cross_entropy(x, table, bias, targets)
    expected = functional.cross_entropy(functional.linear(x, table, bias), targets)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(
        torch.autograd.grad(3 * found, wanted),
        torch.autograd.grad(3 * expected, wanted),
        atol=1e-12,
        rtol=1e-12,
    )


def test_second_derivatives() -> None:
    parts = problem(4)

    def second(loss: Tensor) -> tuple[Tensor, ...]:
        first = torch.autograd.grad(loss, parts[:3], create_graph=True)
        size = torch.cat([part.flatten() for part in first]).square().sum()
        return torch.autograd.grad(size, parts[:3])

    x, table, bias, targets = parts
    expected = functional.cross_entropy(functional.linear(x, table, bias), targets)
    torch.testing.assert_close(second(decoder.mean_cross_entropy(*parts)), second(expected))
