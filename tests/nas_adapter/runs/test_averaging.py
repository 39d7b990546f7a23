"""Averaging of weights after validation has stopped improving."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nas_adapter.runs.averaging import Averaging

values = st.lists(st.integers(0, 6), min_size=1, max_size=12)


class Walk:
    """A network of one weight that walks through 1, 2, 3, ..., and is measured by a list."""

    def __init__(self, patience: int, *, higher_is_better: bool = False) -> None:
        self.net = nn.Linear(1, 1, bias=False)
        self.averaging = Averaging(self.net, patience, higher_is_better=higher_is_better)
        self.place = 0
        self.measured: list[float] = []

    def epoch(self, value: float, steps: int = 3) -> None:
        for _ in range(steps):
            self.place += 1
            nn.init.constant_(self.net.weight, self.place)
            self.averaging.step()

        def measure(net: nn.Module) -> float:
            self.measured.append(next(net.parameters()).item())
            return value

        assert self.averaging.epoch(measure) == value


@given(perplexities=values, patience=st.integers(0, 3), higher=st.booleans())
def test_it_starts_averages_and_keeps_the_best(
    perplexities: list[int], patience: int, higher: bool
) -> None:
    """Against the rule of Merity et al.: v_t > min(v_1 ... v_{t-n-1}), and plain means."""
    walk = Walk(patience, higher_is_better=higher)
    sign = -1 if higher else 1
    start: int | None = None
    kept: list[float] = []
    for epoch, value in enumerate(perplexities):
        before = [sign * v for v in perplexities[: max(0, epoch - patience)]]
        walk.epoch(value)
        places = range(1, walk.place + 1)
        averaged = places if start is None else places[start:]
        kept.append(walk.place if start is None else sum(averaged) / len(averaged))
        if start is None and before and sign * value > min(before):
            start = walk.place
        assert walk.averaging.started == (start is not None)
    assert walk.measured == pytest.approx(kept)
    walk.averaging.take_best()
    best = min(range(len(kept)), key=lambda epoch: sign * perplexities[epoch])
    assert walk.net.weight.item() == pytest.approx(kept[best])


@pytest.mark.parametrize("cut", range(1, 6))
def test_it_continues_from_its_state(cut: int) -> None:
    course = [5.0, 3.0, 4.0, 4.0, 2.0, 6.0]
    whole, first, second = Walk(1), Walk(1), Walk(1)
    for value in course:
        whole.epoch(value)
    for value in course[:cut]:
        first.epoch(value)
    second.net.load_state_dict(first.net.state_dict())
    second.place = first.place
    second.averaging.load_state_dict(first.averaging.state_dict())
    for value in course[cut:]:
        second.epoch(value)
    assert first.measured + second.measured == whole.measured
    whole.averaging.take_best()
    second.averaging.take_best()
    assert torch.equal(whole.net.weight, second.net.weight)
