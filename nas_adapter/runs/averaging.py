"""Averaging of weights late in a training, and the choice of the best epoch.

Source: Merity, Keskar & Socher 2018, "Regularizing and Optimizing LSTM Language Models", Algorithm
1 (NT-ASGD); Liu et al. 2019 (DARTS) retrain their language models so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.optim.swa_utils import AveragedModel


class Averaging:
    """Averages the weights of `network` once its validation metric has stopped improving.

    After an epoch with metric v_t, averaging starts if v_t is worse than the best of
    v_1 ... v_{t-1-patience}; the average is then the plain mean of the weights after every later
    step. The training itself continues at its constant rate; the average is what converges.

    Parameters
    ----------
    network
        The network in training.
    patience
        Epochs n, at least 0.
    higher_is_better
        Which way the metric points.
    """

    def __init__(self, network: nn.Module, patience: int, *, higher_is_better: bool) -> None:
        self._network, self._patience = network, patience
        self._sign = 1 if higher_is_better else -1
        self._history: list[float] = []
        self._average: AveragedModel | None = None
        self._best: dict[str, Any] = {}

    @property
    def started(self) -> bool:
        """Whether the weights are being averaged."""
        return self._average is not None

    def step(self) -> None:
        """Take in the weights; to be called after each step of the optimizer."""
        if self._average is not None:
            self._average.update_parameters(self._network)

    def epoch(self, measure: Callable[[nn.Module], float]) -> float:
        """End an epoch; the metric of the average if there is one, else of the network."""
        candidate = self._network if self._average is None else self._average.module
        value = measure(candidate)
        before = self._history[: max(0, len(self._history) - self._patience)]
        if self._average is None and any(self._better(old, value) for old in before):
            self._average = AveragedModel(self._network)
        if all(self._better(value, old) for old in self._history):
            self._best = {name: part.clone() for name, part in candidate.state_dict().items()}
        self._history.append(value)
        return value

    def take_best(self) -> None:
        """Load the weights of the best epoch into the network; ties: the first."""
        self._network.load_state_dict(self._best)

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs."""
        average = None if self._average is None else self._average.state_dict()
        return {"history": self._history, "average": average, "best": self._best}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from `state_dict()`."""
        self._history, self._best = saved["history"], saved["best"]
        if saved["average"] is not None:
            self._average = AveragedModel(self._network)
            self._average.load_state_dict(saved["average"])

    def _better(self, one: float, other: float) -> bool:
        return self._sign * one > self._sign * other
