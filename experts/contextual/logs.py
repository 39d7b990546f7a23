"""`Log`: what a bandit did, with which probability, and what came of it; `read_log` from a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from experts.numerics.arguments import flag, floats
from experts.numerics.cells import INDEX, Table
from experts.types import Array


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """n rows of a log: independent contexts, actions drawn by known probabilities.

    Parameters
    ----------
    action : int (n,)
        Numbers of the actions taken, 0 to K - 1.
    outcome : (n,)
        What was observed of the action taken: a reward, or a loss.
    propensity : (n,)
        Probability, in (0, 1], with which the action was going to be taken, given the context.
    context : (n, d), optional
        What was known before.
    actions
        Names of the K actions. Default: their numbers, up to the largest in the log.
    rewards
        Whether outcomes are to be made large.
    """

    action: Array
    outcome: Array
    propensity: Array
    context: Array | None = None
    actions: tuple[str, ...] = ()
    rewards: bool = True

    def __post_init__(self) -> None:
        action = np.asarray(self.action)
        if action.ndim != 1 or len(action) == 0 or action.dtype.kind not in "iu":
            raise ValueError(f"action must be whole numbers (n,), got {self.action!r}")
        names = _names(self.actions) or tuple(map(str, range(int(action.max()) + 1)))
        _refuse("action", action, ~((action >= 0) & (action < len(names))), f"< {len(names)}")
        object.__setattr__(self, "action", action)
        object.__setattr__(self, "actions", names)
        object.__setattr__(self, "rewards", flag("rewards", self.rewards))
        shapes: dict[str, tuple[int, ...]] = {
            "outcome": (len(action),),
            "propensity": (len(action),),
        }
        if self.context is not None:
            shapes["context"] = (len(action), max((1, *np.shape(self.context)[1:2])))
        for name, shape in shapes.items():
            array = floats(name, getattr(self, name))
            if array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
            _refuse(name, array, ~np.isfinite(array), "a finite number")
            object.__setattr__(self, name, array)
        wrong = ~((self.propensity > 0) & (self.propensity <= 1))
        _refuse("propensity", self.propensity, wrong, "in (0, 1]")

    def __len__(self) -> int:
        """n."""
        return len(self.action)


def read_log(
    path: str | Path,
    *,
    action: str | int = "action",
    outcome: str | int = "reward",
    propensity: str | int = "propensity",
    context: Sequence[str | int] | None = None,
    actions: Sequence[str] | None = None,
    rewards: bool = True,
    separator: str | None = None,
    decimal: str | None = None,
) -> Log:
    """The log in a CSV file (.gz too) with names of columns in its first line.

    Parameters
    ----------
    action, outcome, propensity
        Columns, by name or by number (from 0). Actions are any texts.
    context
        Columns of the context. Default: all others, but those without a name, and those called id,
        date, time, index, and the like.
    actions
        All actions, in the order of a target's columns. Default: those in the log, sorted.
    rewards
        False: outcomes are losses.
    separator, decimal
        Told by the cells if not given.

    Raises
    ------
    ValueError
        A column that is missing, a cell that is no finite number, a propensity outside (0, 1], an
        action that is not among `actions` or is empty; with the file's line and column.
    """
    if isinstance(context, str):
        raise ValueError(f"context must be a sequence of columns, [{context!r}], got {context!r}")
    table = replace(Table.guessed(Path(path), separator, decimal), advice="")
    taken = [table.find(column) for column in (action, outcome, propensity)]
    chosen = _others(table, taken) if context is None else [table.find(c) for c in context]
    columns = [*taken, *chosen]
    if len(set(columns)) < len(columns):
        raise ValueError("action, outcome, propensity and context must be columns of their own")
    names, numbers = _actions(table, taken[0], actions)
    chances = table.numbers(taken[2], positive=True)
    for t in np.flatnonzero(chances > 1)[:1]:
        raise ValueError(f"{table.place(t, taken[2])}: got {chances[t]}, expected at most 1")
    advised = replace(table, advice="name the columns of numbers with context=[...]")
    shown = [advised.numbers(column) for column in chosen]
    return Log(
        action=numbers,
        outcome=table.numbers(taken[1]),
        propensity=chances,
        context=np.stack(shown, axis=1) if shown else None,
        actions=names,
        rewards=rewards,
    )


def _others(table: Table, taken: Sequence[int]) -> list[int]:
    """Columns that may be of the context."""
    return [
        column
        for column, name in enumerate(table.names)
        if column not in taken
        and name
        and name.casefold() not in INDEX
        and not name.casefold().startswith("unnamed:")
    ]


def _actions(
    table: Table, column: int, actions: Sequence[str] | None
) -> tuple[tuple[str, ...], Array]:
    """Names of all actions, and each row's by its number."""
    cells = table.texts(column)
    names = _sorted(set(cells) - {""}) if actions is None else _names(actions)
    place = {name: k for k, name in enumerate(names)}
    for t, cell in enumerate(cells):
        if cell not in place:
            raise ValueError(
                f"{table.place(t, column)}: got {cell!r}, expected one of {', '.join(names)}"
            )
    return names, np.asarray([place[cell] for cell in cells])


def _sorted(names: set[str]) -> tuple[str, ...]:
    """In order; if all are numbers, by their size."""
    texts = sorted(names)
    try:
        return tuple(sorted(texts, key=float))
    except ValueError:
        return tuple(texts)


def _names(actions: Sequence[str]) -> tuple[str, ...]:
    """Names of actions as texts; ValueError unless they are a sequence, and differ."""
    names = tuple(map(str, actions))
    if isinstance(actions, str) or len(set(names)) < len(names):
        raise ValueError(f"actions must be a sequence of different names, got {actions!r}")
    return names


def _refuse(name: str, array: Any, wrong: Any, expected: str) -> None:
    """ValueError at the first wrong entry."""
    for place in np.argwhere(wrong)[:1]:
        row = tuple(place.tolist())
        raise ValueError(f"{name} must be {expected}, got {array[row]} in row {row[0]}")
