"""Every method continues from its checkpoint to the same numbers. (Kills: test_run_xnas.py.)"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from nas_adapter.data import images as data_sets
from nas_adapter.runs.run import Run
from nas_adapter.runs.search import SearchSettings, search
from nas_adapter.spaces import NASBench201
from nas_adapter.strategies import METHODS, Context, MethodSettings, Strategy
from nas_adapter.strategies.random_search import RandomSearchSettings
from nas_adapter.strategies.xnas import XNASSettings
from nas_adapter.tasks import ImageClassification, ImageSettings

TASK = ImageClassification(
    data_sets.load("digits", Path("unused"), 32), ImageSettings(batch_size=240), seed=0
)
TRIED: list[MethodSettings] = [
    *(METHODS[name]() for name in METHODS if name not in {"xnas", "random"}),
    RandomSearchSettings(candidates=2),
    XNASSettings(reward_bound=1e-4),
    XNASSettings(reward_bound="auto", warmup=2),
]


class KilledError(Exception):
    """Stands for the end of the process."""


def searched(settings: SearchSettings, out: Path) -> tuple[Any, list[dict[str, Any]]]:
    """What was found and logged, without what a clock measured."""
    run = Run(out, {}, resume=True, device=torch.device("cpu"))
    try:
        found, report, _ = search(settings, NASBench201(), TASK, run, seed=0)
        steps = run.history("search")
    finally:
        run.close()
    timed = {name for name in report if "seconds" in name}
    for step in steps:
        del step["seconds"]
    return (found, {name: report[name] for name in report.keys() - timed}), steps


@pytest.mark.parametrize("method", TRIED, ids=str)
def test_a_search_that_ends_in_an_epoch_goes_on_as_if_it_had_not(
    method: MethodSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SearchSettings(method=method, epochs=4, channels=2)
    whole = searched(settings, tmp_path / "whole")

    class Mortal:
        """The method, until its 9th step, in the third epoch."""

        def __init__(self, strategy: Strategy) -> None:
            self.strategy, self.left = strategy, 8

        def __getattr__(self, name: str) -> Any:
            return getattr(self.strategy, name)

        def step(self, train: Any, valid: Any) -> Any:
            if self.left == 0:
                raise KilledError
            self.left -= 1
            return self.strategy.step(train, valid)

    start = type(method).start

    def start_mortal(settings: MethodSettings, context: Context) -> Mortal:
        return Mortal(start(settings, context))

    with monkeypatch.context() as patched:
        patched.setattr(type(method), "start", start_mortal)
        with pytest.raises(KilledError):
            searched(settings, tmp_path / "killed")
    assert searched(settings, tmp_path / "killed") == whole
    if isinstance(method, XNASSettings) and method.warmup == 0:
        assert whole[0][1]["wiped_out"], "nothing was wiped out: resuming that shows nothing"
