"""The decision among advisors: which architecture is reported as the one that was found."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from nas_adapter import ranks
from nas_adapter.advice.fidelity import LEAST, fidelity
from nas_adapter.errors import UserError, choose, not_negative, positive
from nas_adapter.randomness import Stream, stream
from nas_adapter.runs.retrain import Retraining, Trained, build
from nas_adapter.spaces import Architecture, Space, random_architecture

RULES = ("auto", "trained", "advice", "search")
AFFORDABLE = 1e13
"""Floating point operations of all candidates' training up to which "auto" trains them."""
WHOLE = 10
"""Passes over the data from which on "auto" takes a training for a whole one: shorter ones reward
cells that learn fast, whatever they end at."""
CONFIDENCE = 0.05
"""delta of the guarantee."""


@dataclass(frozen=True, kw_only=True)
class ChoiceSettings:
    """Settings of the decision, and of how far it can be believed."""

    decide: str = "search"
    """What decides among the advisors (the search, the prior, the largest cell, random cells):
    trained (all are retrained, held-out loss decides), advice (the prior's cell, unless it is
    broken), search (the search's own cell); auto: trained where whole trainings are cheap, else
    advice."""
    fidelity_cells: int | None = None
    """Random cells that are trained to say how far the search can be believed; at least 12, or 0:
    none. Default: 12 where the decision is trained."""
    fidelity_epochs: int | None = None
    """Passes over the data in their training. Default: a quarter of --retrain-epochs."""

    def __post_init__(self) -> None:
        choose("--decide", self.decide, RULES)
        positive(fidelity_epochs=self.fidelity_epochs)
        if self.fidelity_cells is not None:
            not_negative(fidelity_cells=self.fidelity_cells)
            if 0 < self.fidelity_cells < LEAST:
                raise UserError(
                    f"--fidelity-cells must be 0 or at least {LEAST}, got {self.fidelity_cells}"
                )

    def as_settled(self, before: Mapping[str, Any]) -> ChoiceSettings:
        """The same with what is open as in the configuration of the run before, if it is there."""
        unset = {"decide": "auto", "fidelity_cells": None, "fidelity_epochs": None}
        known = {
            name: before[name]
            for name, value in unset.items()
            if getattr(self, name) == value and name in before
        }
        return dataclasses.replace(self, **known)

    def settled(self, retraining: Retraining, candidates: int) -> ChoiceSettings:
        """The same without "auto" and None, for `candidates` trainings as in `retraining`."""
        decide = self.decide
        if decide == "auto":
            whole = retraining.settings.epochs >= WHOLE
            cheap = whole and candidates * training_flops(retraining) <= AFFORDABLE
            decide = "trained" if cheap else "advice"
        cells = self.fidelity_cells
        if cells is None:
            cells = LEAST if decide == "trained" else 0
        epochs = self.fidelity_epochs or max(1, retraining.settings.epochs // 4)
        return ChoiceSettings(decide=decide, fidelity_cells=cells, fidelity_epochs=epochs)

    @property
    def judged(self) -> bool:
        """Whether examples must be set aside to judge by."""
        return self.decide == "trained" or bool(self.fidelity_cells)


def training_flops(retraining: Retraining) -> float:
    """Floating point operations of one training, a backward pass taken as two forward ones."""
    task = retraining.task
    cell = random_architecture(retraining.space, stream(0, Stream.FIDELITY))
    net = build(retraining.space, cell, retraining.size, seed=0).to(task.device)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        task.loss(net, next(task.retrain_batches(0)), cell)
    steps = retraining.settings.epochs * task.retrain_steps
    return 3.0 * counter.get_total_flops() * steps * ranks.count()


class Candidate(NamedTuple):
    """An architecture, the advisors that stand behind it, and what its training showed."""

    advisors: list[str]
    architecture: Architecture
    trained: Trained | None

    @property
    def phase(self) -> str:
        """Name of its training in the run."""
        return f"retrain {self.advisors[0]}"


def candidates(advised: Mapping[str, Architecture | None]) -> list[Candidate]:
    """One for each different architecture, untrained, in the order of their first advisors."""
    by_cell: dict[Architecture, list[str]] = {}
    for advisor, architecture in advised.items():
        if architecture is not None:
            by_cell.setdefault(tuple(architecture), []).append(advisor)
    return [Candidate(advisors, cell, None) for cell, advisors in by_cell.items()]


def capped(losses: Tensor, guess: float) -> Tensor:
    """Losses (n,) cut at `guess`, what guessing loses (`Task.guess`), and scaled to [0, 1].

    A loss that is no number, as of a network that has blown up, counts as guessing.
    """
    return (losses / guess).nan_to_num(nan=1.0).clamp(max=1.0)


def best_trained(found: Sequence[Candidate], guess: float) -> tuple[Candidate, dict[str, Any]]:
    """The candidate with the smallest mean capped held-out loss (ties: the first), and the facts.

    Guarantee, for n independent held-out examples that nothing depended on before: with probability
    1 - delta the chosen one's expected capped loss is at most the best candidate's plus
    2 sqrt(ln(2 N / delta) / (2 n)), N the number of candidates.

    Source: Hoeffding 1963, with a union bound over the candidates.
    """
    means = [_judged(candidate, guess) for candidate in found]
    best = means.index(min(means))
    judged = found[best].trained
    assert judged is not None
    assert judged.judged is not None
    count = len(judged.judged)
    width = 2 * math.sqrt(math.log(2 * len(found) / CONFIDENCE) / (2 * count))
    spread = max(means) - min(means)
    return found[best], {
        "judging_examples": count,
        "capped_loss": means[best],
        "spread": spread,
        "guarantee": width,
        "guarantee_is_vacuous": width >= spread,
    }


def _judged(candidate: Candidate, guess: float) -> float:
    trained = candidate.trained
    assert trained is not None
    assert trained.judged is not None
    return float(capped(trained.judged, guess).mean())


def guarantee_sentence(facts: Mapping[str, Any], independent: bool) -> str:
    """The guarantee of a trained decision, in words."""
    if not independent:
        return "no guarantee: the tokens of a text are not independent"
    text = (
        f"with probability {1 - CONFIDENCE:.0%} the chosen cell's expected held-out loss, cut at "
        f"guessing and scaled to [0, 1], is within {facts['guarantee']:.3f} of the best candidate's"
    )
    if facts["guarantee_is_vacuous"]:
        text += f"; that is vacuous here, as all candidates lie within {facts['spread']:.3f}"
    return text


def fidelity_cells(space: Space, seed: int, count: int) -> list[Architecture]:
    """The random cells that a search is asked about."""
    return [
        random_architecture(space, stream(seed, Stream.FIDELITY, index)) for index in range(count)
    ]


def measured_fidelity(
    retraining: Retraining,
    settings: ChoiceSettings,
    cells: Sequence[Architecture],
    beliefs: Mapping[str, Sequence[float]],
) -> dict[str, Any] | None:
    """For every advisor how its beliefs go with the held-out losses of trained random cells.

    The trainings are `fidelity_epochs` long, and `retraining` says how else. None without cells.
    """
    if not cells:
        return None
    epochs = settings.fidelity_epochs or 1
    short = dataclasses.replace(
        retraining, settings=dataclasses.replace(retraining.settings, epochs=epochs)
    )
    losses = []
    for number, cell in enumerate(cells, 1):
        judged = short.train(cell, f"fidelity {number}").judged
        assert judged is not None
        losses.append(float(judged.mean()))
    said = {who: fidelity(values, losses, retraining.seed) for who, values in beliefs.items()}
    return {"epochs": epochs, "held_out_losses": losses, **said}
