"""Random splits that keep the shares of the classes."""

from __future__ import annotations

import torch
from torch import Tensor

FIFTH = 5


def halves(order: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
    """The positions `order` (n,), a permutation, in two halves, each in the order that they had.

    Of every class the halves have equally many, up to one; which half has that one is random.

    Parameters
    ----------
    labels
        Of all positions, (n,). None: there are no classes.
    """
    by_class = order
    if labels is not None:
        found, which = torch.unique(labels[order], return_inverse=True)
        place = torch.arange(len(order))
        first = torch.full((len(found),), len(order)).scatter_reduce(0, which, place, "amin")
        by_class = order[first[which].argsort(stable=True)]  # classes in their order in `order`
    second = torch.zeros(len(order), dtype=torch.bool)
    second[by_class[::2]] = True
    return order[~second[order]], order[second[order]]


def fifth(order: Tensor, labels: Tensor | None, least: int) -> Tensor:
    """A mask (n,) of a fifth of the positions `order` (n,), a permutation: its first ones.

    It has a fifth of every class, rounded down, but one at least of a class of `least` or more.
    `labels` (n,) as in `halves`.
    """
    if labels is None:
        labels = torch.zeros(len(order), dtype=torch.long)
    aside = torch.zeros(len(order), dtype=torch.bool)
    for label in torch.unique(labels):
        members = order[labels[order] == label]
        if len(members) >= least:
            aside[members[: max(1, len(members) // FIFTH)]] = True
    return aside
