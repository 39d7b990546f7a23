"""From looks to an architecture: an additive fit, then a climb along single changes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

from nas_adapter.advice.looks import Looker
from nas_adapter.advice.total import Total, normal_scores
from nas_adapter.progress import progress
from nas_adapter.randomness import Stream, stream
from nas_adapter.spaces import Architecture, Space, random_architecture
from nas_adapter.spaces.genotype import read
from nas_adapter.spaces.moves import one_edge_changes

Numbers = np.ndarray[Any, Any]

LOOKS = 120
"""Random architectures that set the scale and the start, unless told otherwise."""
RIDGE = 0.09
"""Of the additive fit to normal scores: noise of 0.3 standard deviations, effects of 1."""
CONDITIONS = 4
"""Initialisations and batches by which a change is judged."""
SHORTLIST = 8
"""Changes that are judged by all of them: the best by the first."""
SIGNIFICANT = 3.0
"""Standard errors by which a change has to gain."""
MOVES = 8
"""At most."""


class Climbed(NamedTuple):
    """Where a climb ended, and what a change from there is worth."""

    architecture: Architecture
    gains: Numbers
    """(E, K): the total's change when an edge gets an operation, 0 for what it has, at most 0 where
    it is not significant; -inf for what is no single change"""
    total: Total
    start: Architecture
    path: list[dict[str, Any]]
    """every move: edge changes, gain and its standard error, JSON-ready"""


def climb(space: Space, look: Looker, seed: int, looks: int = LOOKS) -> Climbed:
    """The best architecture by training-free looks.

    1. `looks` random architectures are looked at once. They set the scale of the `Total`.
    2. An additive ridge regression of its normal scores on the edges' operations; its best
       architecture is the start.
    3. Single changes: all are looked at under the first condition, the best `SHORTLIST` under all
       `CONDITIONS`, which are the same for the architecture and its changes, so that gains are
       paired. The best one is made if its mean gain is more than `SIGNIFICANT` standard errors (of
       the mean; variances of the shortlist pooled), and step 3 is repeated; else the climb ends.

    A gain within the noise of initialisation is no gain: without this rule the climb follows it.
    """
    drawn = [
        random_architecture(space, stream(seed, Stream.LOOKED_AT, index)) for index in range(looks)
    ]
    first = [look(cell, 0) for cell in progress(drawn, "looking at random cells")]
    total = Total.of(first)
    start = current = _best_additive(space, drawn, normal_scores(total(first)))
    path: list[dict[str, Any]] = []
    while True:
        changes, gains, error = _judge(space, look, total, current)
        if len(path) == MOVES or not gains.max(initial=0.0) > SIGNIFICANT * error:
            break
        best = int(np.argmax(gains))
        current = changes[best]
        path.append(
            {"to": space.genotype(current), "gain": float(gains[best]), "standard_error": error}
        )
    return Climbed(current, _table(space, current, changes, gains), total, start, path)


def _best_additive(space: Space, drawn: list[Architecture], scores: Numbers) -> Architecture:
    count = len(space.operations)
    hot = np.eye(count)[np.asarray(drawn)].reshape(len(drawn), -1)
    centred = hot - hot.mean(0)
    weights = np.linalg.solve(
        centred.T @ centred + RIDGE * np.eye(hot.shape[1]), centred.T @ (scores - scores.mean())
    )
    return read(space, "additive", torch.from_numpy(weights.reshape(-1, count)), seed=0)


def _judge(
    space: Space, look: Looker, total: Total, current: Architecture
) -> tuple[list[Architecture], Numbers, float]:
    """All single changes, their mean gains, and the standard error of one on the shortlist."""
    own = np.asarray([float(total(look(current, c))[0]) for c in range(CONDITIONS)])
    changes = one_edge_changes(space, current)
    if not changes:  # the only architecture of its space
        return changes, np.empty(0), 0.0
    bar = progress(changes, "looking at single changes")
    gains = np.asarray([float(total(look(change, 0))[0]) - own[0] for change in bar])
    shortlist = np.argsort(-gains, kind="stable")[:SHORTLIST]
    paired = np.asarray(
        [
            [float(total(look(changes[index], c))[0]) - own[c] for c in range(CONDITIONS)]
            for index in shortlist
        ]
    )
    error = float(np.sqrt(paired.var(axis=1, ddof=1).mean() / CONDITIONS))
    others = np.setdiff1d(np.arange(len(changes)), shortlist)
    gains[shortlist] = paired.mean(axis=1)
    gains[others] = np.minimum(gains[others], gains[shortlist].min())
    return changes, gains, error


def _table(
    space: Space, current: Architecture, changes: list[Architecture], gains: Numbers
) -> Numbers:
    """(E, K): of the changes that give edge e operation o the best; see `Climbed.gains`."""
    found = np.full((len(space.edges), len(space.operations)), -np.inf)
    for change, gain in zip(changes, gains, strict=True):
        for edge, (old, new) in enumerate(zip(current, change, strict=True)):
            if old != new:
                found[edge, new] = max(found[edge, new], min(gain, 0.0))
    found[np.arange(len(current)), list(current)] = 0.0
    return found
