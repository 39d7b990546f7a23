"""Spaces of choices: dimensions with unequal numbers of options, conditions among them, priors."""

from __future__ import annotations

import graphlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np

from experts.numerics.arguments import flag
from experts.types import Array

Point = dict[str, Any]
"""An option for every active dimension, by name."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One dimension of a space.

    Examples
    --------
    >>> Choice([0, 0.1, 0.3], when={"layers": [2, 3, 4]}).is_ordered
    True
    """

    options: Sequence[Any]
    """K >= 1 of them: numbers, strings, None or tuples of such, no two equal"""
    when: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """active only where each of these dimensions is, with one of these options"""
    prior: Sequence[float] | None = None
    """(K,) nonnegative weights of where to look first; 0: never asked. None: uniform"""
    ordered: bool | None = None
    """neighbours are alike. None: if the options are three or more numbers in order"""

    @property
    def is_ordered(self) -> bool:
        """`ordered`, or what the options say."""
        if self.ordered is not None:
            return self.ordered
        numbers = [o for o in self.options if isinstance(o, Real)]
        if len(numbers) < len(self.options) or any(isinstance(o, bool) for o in numbers):
            return False
        steps = [b > a for a, b in pairwise(numbers)]
        return len(steps) >= 2 and (all(steps) or not any(steps))


class Space:
    """E named dimensions. A point's code is an int (E,): its options' indices, -1 if inactive.

    Parameters
    ----------
    dimensions
        A `Choice`, or a sequence of options, by name.

    Raises
    ------
    ValueError
        For an empty space or dimension, equal options, a prior that is none, and a `when` that
        names what there is not, or goes in a circle.
    """

    def __init__(self, dimensions: Mapping[str, Choice | Sequence[Any]]) -> None:
        if not isinstance(dimensions, Mapping):
            raise ValueError(f"space must be a mapping of names to options, got {dimensions!r}")
        self.choices = {name: _choice(name, given) for name, given in dimensions.items()}
        if not self.choices:
            raise ValueError("space must have at least one dimension, got none")
        self.names = list(self.choices)
        self.sizes = np.asarray([len(choice.options) for choice in self.choices.values()])
        self._index = {
            name: {option: index for index, option in enumerate(choice.options)}
            for name, choice in self.choices.items()
        }
        width = int(self.sizes.max())
        self.prior = np.zeros((len(self.names), width))
        """(E, K): every dimension's distribution, 0 where it has no option"""
        self.offered = np.arange(width) < self.sizes[:, None]
        """bool (E, K): where it has one"""
        for row, choice in zip(self.prior, self.choices.values(), strict=True):
            row[: len(choice.options)] = 1.0 if choice.prior is None else choice.prior
        self.prior /= self.prior.sum(-1, keepdims=True)
        kinds = [(*choice.options, choice.is_ordered) for choice in self.choices.values()]
        self.groups = np.asarray([kinds.index(kind) for kind in kinds])
        """(E,): dimensions with the same options, ordered or not, have the same number"""
        self.parents = [self._parents(name) for name in self.names]
        """of every dimension: its direct conditions, index of the parent -> bool (K,)"""
        graph = {child: list(parents) for child, parents in enumerate(self.parents)}
        try:
            self.order = list(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as wrong:
            circle = " -> ".join(self.names[index] for index in reversed(wrong.args[1]))
            raise ValueError(f"when must not go in a circle, got {circle}") from None
        self.conditions = self._conditions()
        """(e, q, bool (K,)): e is active only where q has one of these; also through others"""

    def encode(self, point: Mapping[str, Any]) -> Array:
        """Code of a point; ValueError unless it has an option for exactly what is active."""
        if not isinstance(point, Mapping):
            raise ValueError(f"point must be a mapping of names to options, got {point!r}")
        if unknown := [name for name in point if name not in self.choices]:
            raise ValueError(f"point has no dimension {unknown[0]!r}: they are {self.names}")
        code = np.full(len(self.names), -1)
        for at in self.order:
            name = self.names[at]
            if not self.active(at, code):
                if name in point:
                    raise ValueError(f"point must leave out {name!r}, which is inactive there")
            elif name not in point:
                raise ValueError(f"point lacks {name!r}, got {dict(point)}")
            else:
                code[at] = self._look_up(name, point[name])
        return code

    def decode(self, code: Array) -> Point:
        """The point of a code."""
        return {
            name: choice.options[index]
            for (name, choice), index in zip(self.choices.items(), code, strict=True)
            if index >= 0
        }

    def active(self, at: int, code: Array) -> bool:
        """Whether a dimension is active, from the code of those before it in `order`."""
        return all(code[q] >= 0 and allowed[code[q]] for q, allowed in self.parents[at].items())

    def trim(self, code: Array) -> Array:
        """The code of a point, from one with an option also where it is inactive."""
        code = code.copy()
        for at in self.order:
            if self.parents[at] and not self.active(at, code):
                code[at] = -1
        return code

    def walk(self, generator: np.random.Generator) -> Iterator[Array]:
        """All points of positive prior, each once; the options in a random order."""
        columns = [generator.permutation(np.flatnonzero(row)) for row in self.prior]
        code = np.full(len(self.names), -1)
        open_columns = [iter(columns[self.order[0]])]
        while open_columns:
            last = self.order[len(open_columns) - 1]
            index = next(open_columns[-1], None)
            code[last] = -1 if index is None else index
            if index is None:
                open_columns.pop()
            elif len(open_columns) == len(self.order):
                yield code.copy()
            else:
                at = self.order[len(open_columns)]
                open_columns.append(iter(columns[at] if self.active(at, code) else [-1]))

    def _parents(self, name: str) -> dict[int, Array]:
        """The direct conditions of a dimension."""
        found = {}
        for parent, options in self.choices[name].when.items():
            if parent not in self.choices:
                raise ValueError(f"when of {name!r} names {parent!r}: there are {self.names}")
            allowed = np.zeros(self.prior.shape[1], dtype=bool)
            if not _is_list(options) or not options:
                raise ValueError(
                    f"when of {name!r} must list options of {parent!r}, got {options!r}"
                )
            allowed[[self._look_up(parent, option) for option in options]] = True
            found[self.names.index(parent)] = allowed
        return found

    def _conditions(self) -> list[tuple[int, int, Array]]:
        """All conditions, also those of the parents."""
        closure: list[dict[int, Array]] = [{} for _ in self.names]
        for child in self.order:
            found = closure[child] = dict(self.parents[child])
            for parent in self.parents[child]:
                for above, allowed in closure[parent].items():
                    found[above] = found.get(above, True) & allowed
            if not all(allowed.any() for allowed in found.values()):
                raise ValueError(f"when of {self.names[child]!r} can never hold: conditions clash")
        return [(e, q, allowed) for e, found in enumerate(closure) for q, allowed in found.items()]

    def _look_up(self, name: str, option: Any) -> int:
        index = self._index[name].get(option) if _is_option(option) else None
        if index is None:
            raise ValueError(
                f"{name!r} has no option {option!r}: it offers {list(self.choices[name].options)}"
            )
        return index


def _choice(name: str, given: Choice | Sequence[Any]) -> Choice:
    """A checked `Choice`."""
    if not isinstance(name, str):
        raise ValueError(f"space must have strings as names, got {name!r}")
    choice = given if isinstance(given, Choice) else Choice(given)
    options = _plain(choice.options)
    if not _is_list(options):
        raise ValueError(f"{name!r} must be a Choice or a list of options, got {given!r}")
    if not isinstance(choice.when, Mapping):
        raise ValueError(
            f"when of {name!r} must be a mapping of names to options, got {choice.when!r}"
        )
    when = {parent: _plain(some) for parent, some in choice.when.items()}
    if not options:
        raise ValueError(f"{name!r} must offer at least one option, got none")
    for option in options:
        if not _is_option(option):
            raise ValueError(f"{name!r}: options must be hashable and not nan, got {option!r}")
    if len(set(options)) < len(options):
        raise ValueError(f"{name!r} must not offer equal options, got {options}")
    ordered = None if choice.ordered is None else flag(f"ordered of {name!r}", choice.ordered)
    prior = None if choice.prior is None else _weights(name, choice.prior, len(options))
    return Choice(options, when, prior, ordered)


def _weights(name: str, given: Any, count: int) -> list[float]:
    """A checked prior."""
    try:
        prior = np.asarray(given, dtype=float)
        right = (
            prior.shape == (count,)
            and np.isfinite(prior).all()
            and prior.min() >= 0
            and prior.max() > 0
        )
    except (TypeError, ValueError, OverflowError):
        right = False
    if not right:
        raise ValueError(
            f"prior of {name!r} must be {count} nonnegative weights, not all 0, got {given!r}"
        )
    weights: list[float] = (prior / max(prior.max() / 1e300, 1.0)).tolist()  # their sum is finite
    return weights


def _is_list(options: Any) -> bool:
    return isinstance(options, Sequence) and not isinstance(options, str | bytes | bytearray)


def _is_option(option: Any) -> bool:
    """Whether an option can be looked up: it is hashable, and equal to itself, unlike nan."""
    try:
        hash(option)
    except TypeError:
        return False
    parts = option if isinstance(option, tuple) else ()
    return bool(option == option) and all(map(_is_option, parts))  # noqa: PLR0124


def _plain(options: Any) -> Any:
    """Options as a list of Python's own values; what is none, as it is."""
    if not (_is_list(options) or (isinstance(options, np.ndarray) and options.ndim == 1)):
        return options
    return [option.item() if isinstance(option, np.generic) else option for option in options]


def to_json(space: Space) -> str:
    """A space's choices; ValueError if an option is no number, string, None or tuple of such."""

    def refuse(option: Any) -> None:
        raise ValueError(f"only numbers, strings, None and tuples can be saved, not {option!r}")

    every = {
        name: {each.name: getattr(choice, each.name) for each in fields(choice)}
        for name, choice in space.choices.items()
    }
    return json.dumps(every, default=refuse)


def from_json(text: str) -> dict[str, Choice]:
    """The choices of `to_json`."""

    def frozen(options: Any) -> Any:
        return tuple(map(frozen, options)) if isinstance(options, list) else options

    every = json.loads(text)
    for found in every.values():
        found["options"] = frozen(found["options"])
        found["when"] = {parent: frozen(some) for parent, some in found["when"].items()}
    return {name: Choice(**found) for name, found in every.items()}
