"""The decision of a run: who is asked, what is trained, which cell is reported as found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nas_adapter.advice.largest import largest
from nas_adapter.advice.prior import Prior
from nas_adapter.errors import UserError
from nas_adapter.runs.choose import (
    Candidate,
    ChoiceSettings,
    best_trained,
    candidates,
    guarantee_sentence,
)
from nas_adapter.runs.cost import cost
from nas_adapter.runs.retrain import Retraining, Trained
from nas_adapter.runs.search import Found
from nas_adapter.spaces import Architecture


class Decision(NamedTuple):
    """The architecture that is reported, and why."""

    architecture: Architecture
    phase: str
    """of its training in the run"""
    facts: dict[str, Any]
    """for result.json"""


def decide(
    retraining: Retraining,
    settings: ChoiceSettings,
    searched: Found,
    prior: Prior,
    random: Sequence[Architecture],
) -> Decision:
    """Ask the advisors and decide by `settings.decide`; see `ChoiceSettings`.

    The advisors are the search, the prior, the largest cell and the random cells. With "trained"
    all of them are retrained and the held-out loss of examples that were set aside decides; else
    only the cell that is reported and the random ones are.
    """
    advised: dict[str, Architecture | None] = {
        "search": searched.architecture,
        "prior": prior.architecture,
        "largest": largest(retraining.space, retraining.size),
    }
    draws = {f"random {number}": cell for number, cell in enumerate(random, 1)}
    found = candidates(advised | draws)
    if settings.decide == "trained":
        found = [_trained(retraining, candidate) for candidate in found]
        best, facts = best_trained(found, retraining.task.guess)
        facts["guarantee_sentence"] = guarantee_sentence(facts, retraining.task.independent)
    else:
        chosen, facts = _advised(retraining, found, settings.decide)
        kept = {chosen.architecture, *random}
        found = [_trained(retraining, c) if c.architecture in kept else c for c in found]
        best = next(c for c in found if c.architecture == chosen.architecture)
    assert best.trained is not None
    space = retraining.space
    facts = {
        **tested(retraining, best.trained),
        "search_architecture": space.genotype(searched.architecture),
        "decision": {"rule": settings.decide, "advisors": best.advisors, **facts},
        "candidates": [_row(retraining, candidate) for candidate in found],
        "best_random": _best_random(retraining, found),
        **_random(retraining, found, draws, best.trained),
    }
    return Decision(best.architecture, best.phase, facts)


def _trained(retraining: Retraining, candidate: Candidate) -> Candidate:
    return candidate._replace(trained=retraining.train(candidate.architecture, candidate.phase))


def tested(retraining: Retraining, trained: Trained | None) -> dict[str, Any]:
    """What the test data says of a network."""
    metric = f"test_{retraining.task.metric}"
    if trained is None:
        return {metric: None, "test_loss": None}
    further = {f"test_{name}": value for name, value in (trained.further or {}).items()}
    return {metric: trained.metric, **further, "test_loss": trained.loss}


def judged(trained: Trained | None) -> dict[str, Any]:
    """What the examples that were set aside say of a network: mean loss and its standard error."""
    losses = None if trained is None else trained.judged
    return {
        "held_out_loss": None if losses is None else float(losses.mean()),
        "held_out_loss_error": None if losses is None else float(losses.std() / len(losses) ** 0.5),
    }


def _advised(
    retraining: Retraining, found: Sequence[Candidate], rule: str
) -> tuple[Candidate, dict[str, Any]]:
    """The first advisor's cell that is not broken: the prior's for "advice", else the search's."""
    order = ("prior", "search") if rule == "advice" else ("search",)
    vetoed: list[str] = []
    for advisor in order:
        for candidate in found:
            if advisor not in candidate.advisors:
                continue
            if rule == "search" or retraining.learns(candidate.architecture):
                return candidate, {"vetoed": vetoed}
            vetoed.append(advisor)
    raise UserError(
        f"the cells of {' and '.join(vetoed)} do not learn: their loss has not fallen after the "
        "first steps of a training; --decide trained or search goes on all the same"
    )


def _row(retraining: Retraining, candidate: Candidate) -> dict[str, Any]:
    trained = candidate.trained
    return {
        "advisors": candidate.advisors,
        "architecture": retraining.space.genotype(candidate.architecture),
        **cost(retraining, candidate.architecture),
        **judged(trained),
        **tested(retraining, trained),
        "seconds": None if trained is None else trained.seconds,
    }


def _best_random(retraining: Retraining, found: Sequence[Candidate]) -> dict[str, Any] | None:
    """The rival that costs no thought: the random cell with the smallest held-out loss.

    Its seconds are those of all random cells' trainings; None where nothing was set aside.
    """
    random = [
        (candidate, candidate.trained)
        for candidate in found
        if any(advisor.startswith("random") for advisor in candidate.advisors)
        and candidate.trained is not None
        and candidate.trained.judged is not None
    ]
    if not random:
        return None
    best = min(random, key=lambda pair: float(pair[1].judged.mean()))  # type: ignore[union-attr]
    return {
        "architecture": retraining.space.genotype(best[0].architecture),
        **tested(retraining, best[1]),
        "seconds": sum(trained.seconds for _, trained in random),
    }


def _random(
    retraining: Retraining,
    found: Sequence[Candidate],
    draws: Mapping[str, Architecture],
    best: Trained,
) -> dict[str, Any]:
    """The random cells, and how far the found one is from their mean, with its standard error."""
    by_cell = {candidate.architecture: candidate.trained for candidate in found}
    trained = [by_cell[tuple(cell)] for cell in draws.values()]
    losses = [one.loss for one in trained if one is not None]
    rows = [
        {"architecture": retraining.space.genotype(cell), **tested(retraining, one)}
        for cell, one in zip(draws.values(), trained, strict=True)
    ]
    if not losses:
        return {"random_architectures": rows, "against_random": None}
    mean = sum(losses) / len(losses)
    spread = sum((loss - mean) ** 2 for loss in losses) / max(1, len(losses) - 1)
    against = {
        "mean_test_loss": mean,
        "found_less_by": mean - best.loss,
        "standard_error": math.sqrt(spread / len(losses)) if len(losses) > 1 else None,
        "cells": len(losses),
    }
    return {"random_architectures": rows, "against_random": against}
