"""A space that is searched without some of its operations."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from nas_adapter.errors import UserError, choose
from nas_adapter.spaces.base import Space


class _Without:
    """The space with other choices."""

    def __init__(self, space: Space, choices: tuple[tuple[int, ...], ...]) -> None:
        self._space, self.choices = space, choices

    def __getattr__(self, name: str) -> Any:
        return getattr(self._space, name)


def without(space: Space, names: Collection[str]) -> Space:
    """`space` with the operations `names` offered on no edge; architectures keep their notation.

    Where a node keeps `Space.inputs` edges, the other edges of an architecture are "none" even
    without "none".

    Raises
    ------
    UserError
        A name that is none of the space's operations; an edge with no operation left.

    Examples
    --------
    >>> from nas_adapter.spaces import NASBench201
    >>> without(NASBench201(), ["none", "skip_connect"]).choices[0]
    (2, 3, 4)
    """
    for name in names:
        choose("--without", name, space.operations)
    choices = tuple(
        tuple(index for index in offered if space.operations[index] not in names)
        for offered in space.choices
    )
    for edge, left in zip(space.edges, choices, strict=True):
        if not left:
            raise UserError(f"--without {' '.join(names)}: nothing is left of edge {edge}")
    return cast(Space, _Without(space, choices)) if names else space
