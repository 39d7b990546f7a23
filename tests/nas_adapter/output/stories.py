"""Stories of runs that never took place, of every kind that a page has to tell."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from nas_adapter.output.story import Changed, Story
from nas_adapter.spaces import DARTSCNN, DARTSRNN, NASBench201, Space

TAG = "<script>document.title = 'taken over'</script>"
NASTY = ("none", TAG, "a & b \"q\" 'r' </td>", "תפעול מימין לשמאל", "very_long_name_" * 12)
"""Names that a user may give to operations."""


class Nasty(NASBench201):
    """NAS-Bench-201's edges with names that break pages."""

    operations = NASTY


def searched(space: Space | None = None, name: str = "nasbench201", steps: int = 40) -> Story:
    """A finished search with everything in it."""
    space = space or NASBench201()
    cell = tuple(offered[-1] for offered in space.choices)
    other = tuple(offered[0] for offered in space.choices)
    removed = [
        {"edge": edge, "operation": space.operations[space.choices[index][0]], "step": 30}
        for index, edge in enumerate(space.edges[:3])
    ]
    rows = [
        row(space, ["search"], cell, 0.97),
        row(space, ["largest"], other, 0.985),
        row(space, ["random 1"], other, 0.96),
        row(space, ["random 2"], cell, 0.95),
    ]
    said = {"spearman": 0.5, "low": -0.1, "high": 0.8, "cells": 12, "sentence": "no better"}
    result: dict[str, Any] = {
        "method": "xnas", "space": name, "data": "digits", "metric": "accuracy",
        "higher_is_better": True, "architecture": rows[0]["architecture"],
        "test_accuracy": 0.97, "test_loss": 0.1, "test_images": 355, "steps": steps,
        "planned_steps": steps, "parameters": 89818.0, "multiply_adds": 616064.0,
        "example": "image", "peak_memory_mib": 900.0, "device": "cpu", "candidates": rows,
        "random_architectures": rows[2:], "compared_architectures": [row(space, [], other, 0.9)],
        "decision": {"rule": "search", "advisors": ["search"]},
        "fidelity": {"epochs": 5, "held_out_losses": [0.1], "search": said, "parameters": said},
        "wiped_out": removed, "regret": 4.0, "regret_certificate": 5.0, "regret_bound": 9.0,
        "clipped_share": 0.01, "reward_bound": 0.2, "classes": ["cat", "dog"],
        "understood": "1,442 training images", "versions": {"python": "3.11", "torch": None},
    }  # fmt: skip
    return Story(
        result=result, records=[*search_records(space, steps), *training_records(space)],
        space=space, cells={"cell": cell}, changed=[Changed("epochs", 40, 20)],
        command="python experiments/run_xnas.py --epochs 40",
    )  # fmt: skip


def row(
    space: Space, advisors: list[str], cell: tuple[int, ...], accuracy: float
) -> dict[str, Any]:
    return {
        "advisors": advisors, "architecture": space.genotype(cell), "parameters": 127226.0,
        "multiply_adds": 4.6e8, "held_out_loss": 0.03, "held_out_loss_error": 0.01,
        "test_accuracy": accuracy, "test_loss": 0.1, "seconds": 4000.0,
    }  # fmt: skip


def search_records(space: Space, steps: int) -> list[dict[str, Any]]:
    def play(step: int, offered: tuple[int, ...]) -> list[float]:
        weights = [
            math.exp(0.1 * min(step, 99) * operation) if operation in offered else 0.0
            for operation in range(len(space.operations))
        ]
        return [weight / sum(weights) for weight in weights]

    return [
        {
            "phase": "search", "step": step, "epoch": 0, "seconds": 0.5, "train_loss": 2 / step,
            "valid_loss": 3 / step, "regret": step / 10, "regret_certificate": step / 8,
            "regret_bound": 9.0, "probabilities": [play(step, o) for o in space.choices],
        }
        for step in range(1, steps + 1)
    ]  # fmt: skip


def training_records(space: Space) -> list[dict[str, Any]]:
    return [
        {"phase": f"{kind}", "epoch": epoch, "train_loss": 1 / epoch, "seconds": 2.0}
        for kind in ("retrain search", "retrain largest", "retrain random 1", "fidelity 1")
        for epoch in (1, 2, 3)
    ]


def with_results(story: Story, **changed: Any) -> Story:
    return dataclasses.replace(story, result={**story.result, **changed})


def nasty() -> Story:
    """A search whose names break pages that do not escape them."""
    story = searched(Nasty(), name=f"{'folder/' * 30}{TAG}")
    names = [TAG, "שלום & עולם", "x" * 300]
    story = with_results(story, data=f"folder:{TAG}", classes=names, understood=TAG, device=TAG)
    return dataclasses.replace(story, command=f"python x.py '{TAG}'", changed=[
        Changed("compare", (TAG, "y" * 200), ()),
    ])  # fmt: skip


def bare() -> Story:
    """A search that knows as little as can be: no rivals, no fidelity, no players, cut short."""
    story = searched()
    unknown = ("regret", "regret_certificate", "regret_bound", "probabilities")
    records = [{k: v for k, v in r.items() if k not in unknown} for r in story.records]
    result = {k: v for k, v in story.result.items() if k not in ("clipped_share", "reward_bound")}
    result |= {"candidates": result["candidates"][:1], "random_architectures": [],
               "compared_architectures": [], "fidelity": None, "wiped_out": [], "regret": None,
               "regret_bound": None, "steps": 39, "classes": None}  # fmt: skip
    return dataclasses.replace(story, result=result, records=records, changed=(), command=None)


def unbounded() -> Story:
    """A search whose learner has no bound before the run, and removes nothing."""
    story = searched()
    records = [{**record, "regret_bound": None} for record in story.records]
    story = dataclasses.replace(story, records=records)
    return with_results(story, regret_bound=None, wiped_out=[], clipped_share=None)


def running() -> Story:
    """A search under way."""
    story = searched()
    kept = ("method", "space", "data", "metric", "classes", "understood")
    result = {name: story.result[name] for name in kept}
    return dataclasses.replace(
        story, result=result, records=search_records(story.space, 20), progress="Running: step 20"
    )


def retrained(seeds: int = 2) -> Story:
    """Two given cells, trained with some seeds."""
    space = DARTSRNN()
    cells = {"DARTS_V1": (1,) * len(space.edges), "cell 2": (2,) * len(space.edges)}
    rows = [
        {**row(space, [], cell, 0.9), "name": name, "seed": seed, "test_perplexity": 100.0 + seed}
        for name, cell in cells.items()
        for seed in range(seeds)
    ]
    error = 0.5 if seeds > 1 else None
    summary = [
        {"name": name, "seeds": seeds, "parameters": 1.0, "multiply_adds": 2.0, "seconds": 3.0,
         "test_perplexity": 100.5, "test_perplexity_error": error, "test_loss": 4.6,
         "test_loss_error": error, "held_out_loss": None, "held_out_loss_error": None}
        for name in cells
    ]  # fmt: skip
    result = {"method": "retrain", "space": "darts-rnn", "data": "pydoc", "metric": "perplexity",
              "higher_is_better": False, "cells": rows, "summary": summary}  # fmt: skip
    records = [
        {"phase": f"retrain {name} seed {seed}", "epoch": epoch, "train_loss": 5.0, "seconds": 1.0}
        for name in cells for seed in range(seeds) for epoch in (1, 2)
    ]  # fmt: skip
    return Story(result=result, records=records, space=space, cells=cells, command="python x.py")


def black_box() -> Story:
    """A search without players, with a model of the trained cells."""
    story = bare()
    effects = [
        {"options": {edge: name}, "effect": 0.1 * place - 0.2, "standard_error": 0.1}
        for edge in story.space.edges
        for place, name in enumerate(story.space.operations)
    ]
    return with_results(story, effects=effects)


STORIES = {
    "searched": searched, "darts": lambda: searched(DARTSCNN(), "darts-cnn"), "nasty": nasty,
    "bare": bare, "unbounded": unbounded, "running": running, "retrained": retrained,
    "one seed": lambda: retrained(1), "black-box": black_box,
}  # fmt: skip
