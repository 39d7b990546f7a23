"""States as flat dictionaries of arrays, to save and to load them."""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace, device, to_device

from experts.types import Array


def to_arrays(state: Any, prefix: str = "") -> dict[str, Array]:
    """All arrays of a (nested) NamedTuple, by dotted name."""
    arrays: dict[str, Array] = {}
    for name, value in state._asdict().items():
        if isinstance(value, tuple):
            arrays |= to_arrays(value, f"{prefix}{name}.")
        else:
            arrays[prefix + name] = value
    return arrays


def from_arrays(like: Any, arrays: dict[str, Array], prefix: str = "") -> Any:
    """The state that `to_arrays` made `arrays` of; `like` is any state of the same learner.

    Arrays take the dtype and the device that they have in `like`.

    Raises
    ------
    ValueError
        If an array is missing, unknown, or of another shape than in `like`.
    """
    if not prefix:
        expected = to_arrays(like)
        if arrays.keys() != expected.keys():
            odd = ", ".join(sorted(arrays.keys() ^ expected.keys()))
            raise ValueError(f"arrays do not belong to this learner's state: {odd}")
        for name, value in expected.items():
            if tuple(arrays[name].shape) != tuple(value.shape):
                raise ValueError(
                    f"{name} has shape {tuple(arrays[name].shape)}, expected {tuple(value.shape)}"
                )
    fields = {
        name: from_arrays(value, arrays, f"{prefix}{name}.")
        if isinstance(value, tuple)
        else _as(value, arrays[prefix + name])
        for name, value in like._asdict().items()
    }
    return type(like)(**fields)


def _as(like: Array, array: Array) -> Array:
    moved = to_device(array, device(like))
    return array_namespace(like).astype(moved, like.dtype)
