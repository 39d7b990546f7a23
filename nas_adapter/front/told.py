"""What a reader has to know of a run's settings: those that are not the default, the command."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nas_adapter.errors import dashed
from nas_adapter.front.options import options
from nas_adapter.front.settings import Settings, make_settings
from nas_adapter.output.story import Changed
from nas_adapter.runs.choose import ChoiceSettings
from nas_adapter.spaces import SPACES

PROGRAM = "python experiments/run_xnas.py"


def changed(
    settings: Settings,
    space: Any,
    seed: int | None = None,
    settle: Callable[[ChoiceSettings], ChoiceSettings] | None = None,
) -> list[Changed]:
    """The settings that differ from those that hold where a user says nothing.

    Preset, smoke and epochs first, for others follow from them: what they bring is no difference.
    Neither is what has no effect with the other settings.

    Parameters
    ----------
    settle
        Where the settings are a resumed run's, in which nothing is open: what it makes of those
        that are open by default, see `ChoiceSettings.settled`.
    """
    method, first = settings.search.method.name, ("preset", "smoke", "epochs")
    here = options(settings)
    chosen = {"method": method, "preset": here["preset"], "smoke": here["smoke"]}
    before = options(make_settings(space, **chosen))
    usual = make_settings(space, **chosen, epochs=here["epochs"])
    default = options(usual) | (options(settle(usual.choice)) if settle else {})
    default |= {"preset": Settings.preset, "smoke": False, "epochs": before["epochs"]}
    rows = [("seed", seed, 0)] if seed is not None else []
    rows += [(name, here[name], default[name]) for name in first]
    rows += [(name, here[name], default[name]) for name in here if name not in first]
    idle = settings.search.method.idle() | settings.task.idle()
    return [Changed(*row) for row in rows if row[1] != row[2] and row[0] not in idle]


def command(
    space: str, data: str, found: Iterable[Changed], further: Mapping[str, Any]
) -> str | None:
    """The command that makes the same run in a new folder; None where there is none.

    Parameters
    ----------
    space, data
        Their names in the run's configuration.
    found
        See `changed`.
    further
        Other options, by name.
    """
    if data.startswith("own ") or not (space in SPACES or ".py:" in space):
        return None
    asked = {"space": space, "data": data, **further}
    asked |= {one.name: one.value for one in found if one.name != "data"}
    return shlex.join([*shlex.split(PROGRAM), *(w for n, v in asked.items() for w in _words(n, v))])


def _words(name: str, value: Any) -> list[str]:
    """An option on the command line."""
    if isinstance(value, bool):
        return [dashed(name) if value else dashed(f"no-{name}")]
    if isinstance(value, list | tuple):
        return [dashed(name), *map(str, value)]
    return [dashed(name), "none" if value is None else str(value)]
