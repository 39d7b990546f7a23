"""States as flat dictionaries of arrays, to save and to load them."""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace, device, is_array_api_obj, to_device

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


def from_arrays(like: Any, arrays: dict[str, Any], prefix: str = "") -> Any:
    """The state that `to_arrays` made `arrays` of; `like` is any state of the same learner.

    Copies, in the library, the dtype and on the device of the arrays in `like`. `arrays` may be
    of another library, or nested lists (from JSON).

    Raises
    ------
    ValueError
        If an array is missing, unknown, of another shape than in `like`, a mask where `like` has
        numbers or the other way round, or not finite.
    """
    if not prefix:
        odd = ", ".join(sorted(arrays.keys() ^ to_arrays(like).keys()))
        if odd:
            raise ValueError(f"arrays do not belong to this learner's state: {odd}")
    fields = {
        name: from_arrays(value, arrays, f"{prefix}{name}.")
        if isinstance(value, tuple)
        else convert(prefix + name, arrays[prefix + name], value)
        for name, value in like._asdict().items()
    }
    return type(like)(**fields)


def choose(which: Array, one: Any, other: Any) -> Any:
    """State `one` for the problems in `which`, bool (..., 1), and else `other`."""
    if isinstance(one, tuple):
        pairs = zip(one, other, strict=True)
        return type(one)(*(choose(which, a, b) for a, b in pairs))
    return array_namespace(one).where(which, one, other)


def copied(array: Array) -> Array:
    """A copy, so that writing into either leaves the other alone."""
    return array_namespace(array).asarray(array, copy=True)


def convert(name: str, value: Any, like: Array) -> Array:
    """A copy of `value`, an array of any library or a nested list, as an array such as `like`.

    Raises
    ------
    ValueError
        With `name`: if it has another shape, is a mask where `like` is none or the other way
        round, or is not finite.
    """
    xp = array_namespace(like)
    fresh = _moved(value, like)
    if _is_empty(value) and 0 in like.shape:  # a list does not tell (0, 3) from (0,)
        fresh = xp.zeros_like(like)
    if tuple(fresh.shape) != tuple(like.shape):
        raise ValueError(f"{name} has shape {tuple(fresh.shape)}, expected {tuple(like.shape)}")
    mask = xp.isdtype(like.dtype, "bool")
    if xp.isdtype(fresh.dtype, "bool") != mask:
        raise ValueError(f"{name} must be of type {like.dtype}, got {fresh.dtype}")
    fresh = xp.astype(fresh, like.dtype)
    if not mask and readable(like) and not bool(xp.all(xp.isfinite(fresh))):
        raise ValueError(f"{name} must be finite, got nan or infinity")
    return fresh


def readable(array: Array) -> bool:
    """Whether it has values: on torch's meta device there are none."""
    return str(device(array)) != "meta"


def _moved(value: Any, like: Array) -> Array:
    """A copy of `value` in the library and on the device of `like`, in a type that loses nothing.

    Through nested lists, which all know, unless the libraries can hand over the memory.
    """
    xp = array_namespace(like)
    if is_array_api_obj(value):
        if array_namespace(value) is xp:
            return to_device(xp.asarray(value, copy=True), device(like))
        if not hasattr(value, "tolist"):
            return to_device(xp.asarray(xp.from_dlpack(value), copy=True), device(like))
        value = value.tolist()
    found = xp.asarray(value, device=device(like))
    # Python's floats would become float32 in some libraries.
    is_mask = xp.isdtype(found.dtype, "bool") or xp.isdtype(like.dtype, "bool")
    return found if is_mask else xp.asarray(value, dtype=like.dtype, device=device(like))


def _is_empty(value: Any) -> bool:
    """Whether it is a list without numbers."""
    return isinstance(value, list) and all(_is_empty(part) for part in value)
