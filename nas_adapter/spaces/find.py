"""Lookup of a space by its name, or in a file of the user's own."""

from __future__ import annotations

from pathlib import Path

from nas_adapter.errors import UserError, choose, meant
from nas_adapter.files import run_file
from nas_adapter.spaces.base import NONE, Space, ends
from nas_adapter.spaces.darts_cnn import DARTSCNN
from nas_adapter.spaces.darts_rnn import DARTSRNN
from nas_adapter.spaces.nasbench201 import NASBench201

SPACES: dict[str, type[Space]] = {
    "nasbench201": NASBench201,
    "darts-cnn": DARTSCNN,
    "darts-rnn": DARTSRNN,
}


def find_space(name: str) -> Space:
    """The space called `name`: a key of `SPACES`, or FILE.py:CLASS.

    The class takes no arguments; a function that makes a space will do.

    Raises
    ------
    UserError
        Unknown name; a file that is not there or that Python cannot run; no such class in it; a
        class that lacks something of `Space` or contradicts itself.
    """
    path, colon, kind = name.rpartition(":")
    if not colon:
        choose("--space", name, (*SPACES, "FILE.py:CLASS"))
        return SPACES[name]()
    module = run_file(Path(path).expanduser(), "space")
    made = getattr(module, kind, None)
    if not callable(made):
        raise UserError(f"--space: {path} has no class {kind!r}{meant(kind, vars(module))}")
    try:
        space: Space = made()
    except Exception as error:
        raise UserError(f"--space {name}: {kind}() failed: {error}") from error
    _check(space, name)
    return space


def _check(space: Space, name: str) -> None:
    """Raise `UserError` unless `space` has all members of `Space` and they fit each other."""
    asked = [member for member in vars(Space) if not member.startswith("_")]
    missing = [member for member in asked if not hasattr(space, member)]
    if missing:
        raise UserError(f"--space {name} lacks {', '.join(missing)}")
    try:
        ends(space)
    except ValueError as error:
        raise UserError(
            f"--space {name}: edges must be named target<-source or cell/target<-source: {error}"
        ) from error
    count = len(space.operations)
    if len(space.choices) != len(space.edges):
        raise UserError(
            f"--space {name}: choices must have one entry for each of the {len(space.edges)} "
            f"edges, got {len(space.choices)}"
        )
    for edge, offered in zip(space.edges, space.choices, strict=True):
        if not offered or not set(offered) <= set(range(count)):
            raise UserError(
                f"--space {name}: choices of edge {edge} must be indices below {count}, got "
                f"{offered}"
            )
    if space.inputs is not None and NONE not in space.operations:
        raise UserError(f"--space {name}: with `inputs` there must be an operation {NONE!r}")
