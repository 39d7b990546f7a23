"""A whole search: prior, search, decision, retraining, report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import nn

from nas_adapter.advice.largest import count_parameters
from nas_adapter.advice.prior import Prior
from nas_adapter.errors import UserError, not_negative
from nas_adapter.front.beforehand import check_retraining, check_search
from nas_adapter.front.begin import begin, remembered
from nas_adapter.front.fingerprints import described, fingerprints
from nas_adapter.front.live import Live
from nas_adapter.front.machine import machine, pick_device
from nas_adapter.front.options import options
from nas_adapter.front.results import write_result
from nas_adapter.front.settings import (
    Settings,
    check_settings,
    make_settings,
    open_space,
    saved_settings,
)
from nas_adapter.front.source import announce, open_data
from nas_adapter.front.told import changed, command
from nas_adapter.front.values import checked, kind_of
from nas_adapter.output.export import standalone
from nas_adapter.output.story import Story
from nas_adapter.randomness import Stream, stream
from nas_adapter.runs.advise import check_prior, make_prior
from nas_adapter.runs.choose import ChoiceSettings, fidelity_cells, measured_fidelity
from nas_adapter.runs.cost import EXAMPLES, cost
from nas_adapter.runs.decide import decide, judged, tested
from nas_adapter.runs.notes import Unwritten
from nas_adapter.runs.retrain import Retraining
from nas_adapter.runs.run import Run
from nas_adapter.runs.search import Found
from nas_adapter.runs.search import search as search_cell
from nas_adapter.spaces import NONE, Architecture, Size, Space, random_architecture, without
from nas_adapter.spaces.genotype import carries
from nas_adapter.spaces.published import read_cell
from nas_adapter.stopping import stoppable
from nas_adapter.supernets.precision import set_precision
from nas_adapter.tasks import Goal, Task

NO_METRIC: dict[str, Any] = {
    "valid_accuracy": None,
    "test_accuracy": None,
    "valid_perplexity": None,
    "test_perplexity": None,
}
"""In result.json, for the metrics that a task does not have."""

NO_LEARNER: dict[str, Any] = {
    "edge_probabilities": None,
    "wiped_out": [],
    "regret": None,
    "regret_bound": None,
}
"""In result.json, for a method without expert problems."""


@dataclass(frozen=True)
class Searched:
    """What a whole search found."""

    architecture: Architecture
    """for each edge the index of its operation"""
    genotype: str
    """the same in the space's notation"""
    network: nn.Module = field(repr=False)
    """retrained from scratch, on the CPU; takes inputs as the data set has them"""
    metric: str
    """name of the next two"""
    test_metric: float
    """of the network, on data that decided nothing"""
    valid_metric: float
    """of the supernet, on the half that drove the architecture"""
    test_loss: float
    report: dict[str, Any] = field(repr=False)
    """all of result.json"""


@stoppable()
def search(
    space: str | Space,
    data: Any,
    settings: Settings | None = None,
    *,
    goal: Goal | None = None,
    seed: int = 0,
    device: str = "auto",
    out: str | Path | None = None,
    resume: bool = False,
    export: bool = False,
) -> Searched:
    """Search an architecture, retrain it, and report.

    Parameters
    ----------
    space
        A name, see `find_space`, or a space, e.g. ``nas_adapter.NASBench201(own=...)``.
    data
        A data set or a pair of them, for training and test, of (image tensor, target), see
        `as_images`; or `Images`, `Text`, the name of a data set, or `TaskSettings` of one's own.
    settings
        Of `make_settings`. Default: those of the run that is resumed; else the space's, with a
        uniform prior for a `goal`.
    goal
        What is learnt from images of one's own. None: their classes.
    seed
        Seed of every random choice.
    device
        "auto", "cpu" or "cuda".
    out
        Folder for the run's files, which must be empty. None: nothing is written.
    resume
        Continue the run in `out`. Settings that leave its search as it is, like those of
        retraining, may be others; what they concern is done anew.
    export
        Write the retrained network as network.pt2 and network.onnx, too.

    Raises
    ------
    UserError
        An argument that cannot be; a search or a training that diverges.
    Stopped
        A KeyboardInterrupt: SIGINT or SIGTERM came; with `out`, all is saved that was done.

    Source: Nayman et al. 2019 for the search; docs/xnas.md for what is around it.
    """
    seed = checked("--seed", kind_of(int), seed)
    not_negative(seed=seed)
    name, opened = open_space(space)
    before = remembered(out, resume=resume)
    if settings is None and before is not None:
        settings = saved_settings(before, space)
    elif settings is None:
        settings = make_settings(space) if goal is None else make_settings(space, prior="uniform")
    check_settings(settings, opened)
    opened = _left(opened, name, settings)
    place = pick_device(device)
    set_precision(settings.precision)
    source, settings = open_data(data, goal, settings, opened)
    given = [read_cell(opened, cell, "--compare") for cell in settings.compare]
    loaded = source.load(seed, place)
    announce(loaded)
    if before is None:
        check_search(opened, loaded, settings.search.channels, settings.search.read)
    size = loaded.size(settings.channels, search=False)
    check_retraining(opened, loaded, size, export=export)
    settle = _settle(settings, size, opened, loaded)
    choice = settle(settings.choice.as_settled(before or {}))
    task = loaded.with_judges() if choice.judged else loaded
    check_prior(settings.search.prior, opened, task)
    method = settings.search.method.name
    title = {"method": method, "space": name, "data": source.name, "seed": seed}
    config = options(settings) | options(choice) | title | {"operations": opened.operations}
    config |= fingerprints(space, loaded, settings.search.channels)
    minutes = settings.checkpoint_minutes
    run = begin(out, config, resume=resume, export=export, device=place, minutes=minutes)
    try:
        retraining = Retraining(
            settings.retrain, size, opened, task, run, seed, choice.judged, described(settings)
        )  # fmt: skip
        told = changed(settings, space, seed, None if before is None else settle)
        again = command(name, source.name, told, {"method": method})
        known = {**title, "metric": task.metric, **task.facts}
        story = Story(result=known, records=(), space=opened, cells={}, changed=told, command=again)
        if isinstance(run, Run):
            steps = settings.search.epochs * task.search_steps
            epochs = {"retrain": settings.retrain.epochs, "fidelity": choice.fidelity_epochs or 1}
            run.between = Live(run, story, steps, epochs, settings.search.max_minutes)
        return _searched(settings, choice, retraining, given, story, export)
    finally:
        run.close()


def _searched(
    settings: Settings,
    choice: ChoiceSettings,
    retraining: Retraining,
    given: list[Architecture],
    story: Story,
    export: bool,
) -> Searched:
    """The search itself, the decision and the report, from what has been opened for them."""
    space, task, run, seed = retraining.space, retraining.task, retraining.run, retraining.seed
    prior = make_prior(
        settings.search.prior, space, task, settings.channels, run, seed, settings.search.looks
    )
    asked = fidelity_cells(space, seed, choice.fidelity_cells or 0)
    found = search_cell(settings.search, space, task, run, seed=seed, prior=prior, asked=asked)
    decision = decide(retraining, choice, found, prior, _drawn(settings, space, seed))
    cell = decision.architecture
    result = {
        **story.result,
        "architecture": space.genotype(cell),
        **cost(retraining, cell),
        "example": EXAMPLES[space.task],
        "higher_is_better": task.higher_is_better,
        **NO_METRIC,
        "compared_architectures": _compared(retraining, given),
        "prior": {
            "kind": prior.kind,
            "price_nats": prior.price(space, found.architecture),
            **prior.facts,
        },
        "fidelity": _believed(retraining, choice, found, prior, asked),
        "fidelity_reason": None if asked else "no random cells were trained for it",
        **NO_LEARNER,
        **found.report,
        **decision.facts,  # its candidates, not random search's number of them
        "carries": carries(space, cell),
        **machine(task.device),
    }
    network = standalone(task, retraining.network(cell, decision.phase), cell)
    if isinstance(run, Run):
        whole = replace(story, result=result, records=run.records(), cells={"cell": cell})
        write_result(run, task, whole, {"": network} if export else {})
    return Searched(
        genotype=result["architecture"],
        architecture=tuple(cell),
        network=network,
        metric=task.metric,
        test_metric=result[f"test_{task.metric}"],
        valid_metric=result[f"valid_{task.metric}"],
        test_loss=result["test_loss"],
        report=result,
    )


def _settle(
    settings: Settings, size: Size, space: Space, task: Task
) -> Callable[[ChoiceSettings], ChoiceSettings]:
    """How the run decides where that is left open."""
    trial = Retraining(settings.retrain, size, space, task, Unwritten(), seed=0)
    return lambda choice: choice.settled(trial, candidates=3 + settings.baselines)


def _left(space: Space, name: str, settings: Settings) -> Space:
    """The space, without the operations that the search leaves out."""
    left = without(space, settings.without)
    if settings.search.read == "darts" and NONE not in left.operations:
        raise UserError(f"--read darts needs an operation {NONE!r}, which {name} lacks")
    return left


def _drawn(settings: Settings, space: Space, seed: int) -> list[Architecture]:
    """The random architectures to compare with."""
    return [
        random_architecture(space, stream(seed, Stream.BASELINE, index))
        for index in range(settings.baselines)
    ]


def _compared(retraining: Retraining, given: list[Architecture]) -> list[dict[str, Any]]:
    """The architectures of --compare, each retrained from scratch."""
    rows = []
    for number, other in enumerate(given, 1):
        trained = retraining.train(other, f"retrain given {number}")
        rows.append(
            {
                "architecture": retraining.space.genotype(other),
                **cost(retraining, other),
                **judged(trained),
                **tested(retraining, trained),
                "seconds": trained.seconds,
            }
        )
    return rows


def _believed(
    retraining: Retraining,
    choice: ChoiceSettings,
    searched: Found,
    prior: Prior,
    asked: list[Architecture],
) -> dict[str, Any] | None:
    """Fidelity of the search, of its prior, and of the trivial advisor, the parameters."""
    space, size = retraining.space, retraining.size
    beliefs = {
        "search": searched.beliefs,
        **(
            {}
            if prior.kind == "uniform"
            else {"prior": [-prior.price(space, cell) for cell in asked]}
        ),
        "parameters": [count_parameters(space, size, cell) for cell in asked],
    }
    return measured_fidelity(retraining, choice, asked, beliefs)
