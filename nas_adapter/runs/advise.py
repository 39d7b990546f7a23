"""The prior of a run: made once, then kept in its checkpoint."""

from __future__ import annotations

import time
from pathlib import Path

from nas_adapter.advice.climb import climb
from nas_adapter.advice.looks import Looker
from nas_adapter.advice.prior import Prior, from_climb, from_file, uniform
from nas_adapter.runs.run import Run
from nas_adapter.spaces import Space
from nas_adapter.tasks import Task

PHASE = "prior"


def make_prior(
    name: str, space: Space, task: Task, channels: int, run: Run, seed: int, looks: int
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
    if name != "scores":
        return from_file(space, Path(name))
    saved = run.phase(PHASE)
    if saved is not None:
        return Prior(saved["weights"].cpu(), name, tuple(saved["architecture"]), saved["facts"])
    start, look = time.perf_counter(), Looker(space, task, channels, seed)
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
