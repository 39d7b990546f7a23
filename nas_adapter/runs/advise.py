"""The prior of a run: made once, then kept in its checkpoint."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch

from nas_adapter.advice.climb import climb
from nas_adapter.advice.looks import Looker, check_looks
from nas_adapter.advice.prior import Prior, from_climb, from_file, uniform
from nas_adapter.errors import UserError
from nas_adapter.runs.notes import Notes
from nas_adapter.runs.training import fitting
from nas_adapter.spaces import Space
from nas_adapter.stopping import held
from nas_adapter.tasks import Task

PHASE = "prior"


def check_prior(name: str, space: Space, task: Task) -> None:
    """Raise `UserError` where there can be no prior of this name, before a run is begun for it."""
    if name == "scores":
        check_looks(space, task)
    elif name != "uniform":
        from_file(space, Path(name))


def make_prior(
    name: str, space: Space, task: Task, channels: int, run: Notes, seed: int, looks: int
) -> Prior:
    """The prior called `name`: uniform, scores, or a JSON file (see `advice.prior.from_file`).

    Parameters
    ----------
    channels
        C of the retrained network, which the looked-at ones are thin copies of.
    looks
        Random cells to look at, for "scores".
    """
    if name == "uniform":
        return uniform(space)
    saved = run.phase(PHASE)
    if name != "scores":
        prior = from_file(space, Path(name))
        if saved is None:
            run.save(PHASE, {"weights": prior.weights})
        elif not torch.equal(saved["weights"].cpu(), prior.weights):
            raise UserError(f"--prior {name} is not what it was when this run began")
        return prior
    if saved is not None and "weights" in saved:
        return Prior(saved["weights"].cpu(), name, tuple(saved["architecture"]), saved["facts"])
    start = time.perf_counter()

    def state() -> dict[str, Any]:
        return {**look.state_dict(), "seconds": time.perf_counter() - start}

    look = Looker(space, task, channels, seed, lambda: run.pause(PHASE, state))
    if saved is not None:
        with fitting():
            look.load_state_dict(saved)
            start -= saved["seconds"]
    with held():
        climbed = climb(space, look, seed, looks)
    prior = from_climb(space, climbed)
    facts = {
        "looks": look.looks,
        "start": space.genotype(climbed.start),
        "moves": climbed.path,
        "trainability_sd_nats": climbed.total.trainability_sd,
        "prior_seconds": time.perf_counter() - start,
    }
    run.save(PHASE, {"weights": prior.weights, "architecture": prior.architecture, "facts": facts})
    return Prior(prior.weights, name, prior.architecture, facts)
