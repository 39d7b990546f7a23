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
    3. Single changes: all are looked at under the first condition (of more than `looks`, those that
       the fit puts first), the best `SHORTLIST` under all `CONDITIONS`, which are the same for the
       architecture and its changes, so that gains are paired. The best one is made if its mean gain
       is more than `SIGNIFICANT` standard errors (of the mean; variances of the shortlist pooled),
       and step 3 is repeated; else the climb ends.

    A gain within the noise of initialisation is no gain: without this rule the climb follows it.
    """
    drawn = [
        random_architecture(space, stream(seed, Stream.LOOKED_AT, index)) for index in range(looks)
    ]
    first = [look(cell, 0) for cell in progress(drawn, "looking at random cells")]
    total = Total.of(first)
    effects = _additive(space, drawn, normal_scores(total(first)))
    start = current = read(space, "additive", torch.from_numpy(effects), seed=0)
    path: list[dict[str, Any]] = []
    while True:
        changes = one_edge_changes(space, current)
        promising = _most_promising(changes, effects, looks)
        gains, error = _judge(look, total, current, changes, promising)
        if len(path) == MOVES or not gains.max(initial=0.0) > SIGNIFICANT * error:
            break
        best = int(np.argmax(gains))
        current = changes[best]
        path.append(
            {"to": space.genotype(current), "gain": float(gains[best]), "standard_error": error}
        )
    return Climbed(current, _table(space, current, changes, gains), total, start, path)


def _additive(space: Space, drawn: list[Architecture], scores: Numbers) -> Numbers:
    """(E, K): the ridge estimate of what an operation on an edge adds to the scores."""
    count = len(space.operations)
    hot = np.eye(count)[np.asarray(drawn)].reshape(len(drawn), -1)
    centred = hot - hot.mean(0)
    effects = np.linalg.solve(
        centred.T @ centred + RIDGE * np.eye(hot.shape[1]), centred.T @ (scores - scores.mean())
    )
    return effects.reshape(-1, count)


def _most_promising(changes: list[Architecture], effects: Numbers, most: int) -> Numbers:
    """Indices of at most so many of the changes: those with the largest sums of effects."""
    if len(changes) <= most:
        return np.arange(len(changes))
    sums = np.take_along_axis(effects, np.asarray(changes).T, axis=1).sum(0)
    return np.sort(np.argsort(-sums, kind="stable")[:most])


def _judge(
    look: Looker,
    total: Total,
    current: Architecture,
    changes: list[Architecture],
    promising: Numbers,
) -> tuple[Numbers, float]:
    """Mean gains of the changes, and the standard error of one on the shortlist."""
    if not changes:  # the only architecture of its space
        return np.empty(0), 0.0
    own = np.asarray([float(total(look(current, c))[0]) for c in range(CONDITIONS)])
    first = np.asarray(
        [
            float(total(look(changes[index], 0))[0]) - own[0]
            for index in progress(promising, "looking at single changes")
        ]
    )
    best = np.argsort(-first, kind="stable")[:SHORTLIST]
    shortlist = promising[best]
    paired = np.asarray(
        [
            [float(total(look(changes[index], c))[0]) - own[c] for c in range(CONDITIONS)]
            for index in shortlist
        ]
    )
    error = float(np.sqrt(paired.var(axis=1, ddof=1).mean() / CONDITIONS))
    means = paired.mean(axis=1)
    gains = np.full(len(changes), means.min())
    gains[promising] = np.minimum(first, means.min())
    gains[shortlist] = means
    return gains, error


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
