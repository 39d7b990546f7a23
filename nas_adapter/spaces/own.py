"""Operations of one's own, beside those of a space."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from nas_adapter.errors import UserError

Make = TypeVar("Make", bound=Callable[..., object] | None)
WIDTH, SIDE = 4, 6


def with_own(
    known: Mapping[str, Make],
    own: Mapping[str, Make] | None,
    tried: Callable[[Make], Iterable[tuple[Tensor, Tensor]]],
) -> dict[str, Make]:
    """The operations of a space, and after them those of one's own: name -> constructor.

    Parameters
    ----------
    tried
        From a constructor pairs of tensors that must have one shape: what its operation gives, and
        something of the shape that it should have.

    Raises
    ------
    UserError
        A name that is taken or not made of letters, digits and _; an operation that fails, or gives
        another shape.
    """
    for name, make in (own or {}).items():
        if name in known:
            raise UserError(f"own: there is an operation {name!r} already")
        if not name.isidentifier():
            raise UserError(f"own: {name!r} must be made of letters, digits and _")
        try:
            with torch.random.fork_rng(devices=[]), torch.no_grad():
                shapes = [(tuple(got.shape), tuple(due.shape)) for got, due in tried(make)]
        except Exception as error:  # it is the user's own code: anything can happen
            raise UserError(f"own: operation {name!r} fails: {error}") from error
        for got, due in shapes:
            if got != due:
                raise UserError(f"own: operation {name!r} must give {due} here, got {got}")
    return {**known, **(own or {})}


def on_images(operation: nn.Module | None, stride: int = 1) -> tuple[Tensor, Tensor]:
    """What an operation on images of `WIDTH` channels gives, and what has the right shape."""
    images = torch.zeros(2, WIDTH, SIDE, SIDE)
    due = images[..., ::stride, ::stride]
    return due if operation is None else operation(images), due
