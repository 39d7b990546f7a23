"""Settings of a whole run: what there is, and what holds where a user says nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nas_adapter.errors import UserError, choose, dashed, not_negative, typed
from nas_adapter.front.options import flattened, options, with_options
from nas_adapter.front.presets import PRESETS, defaults
from nas_adapter.front.values import checked, kind_of
from nas_adapter.runs.choose import ChoiceSettings
from nas_adapter.runs.retrain import RetrainSettings
from nas_adapter.runs.search import SearchSettings
from nas_adapter.spaces import Space, find_space
from nas_adapter.strategies import METHODS
from nas_adapter.strategies.xnas import XNASSettings
from nas_adapter.supernets.precision import PRECISIONS
from nas_adapter.tasks import TASKS, TaskSettings


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a whole run; `retrain` reads the precision, the checkpoints and the last two."""

    preset: str = "default"
    """Defaults of the other settings:"""
    smoke: bool = False
    """A tiny run, in under a minute, to see that everything works: other values where you give
    none."""
    without: tuple[str, ...] = ()
    """Operations that the search leaves out, as: none."""
    baselines: int = 3
    """Random architectures that are trained the same way, to compare with."""
    compare: tuple[str, ...] = ()
    """Architectures in the space's notation, or published ones by name, that are trained the same
    way as well."""
    precision: str = "tf32"
    """Of training on a GPU: tf32 (products of 10-bit mantissas, sums in float32), float32, or bf16
    (activations of 7-bit mantissas); float64, on the CPU too, to compare two ways of computing the
    same. Holds for the whole process."""
    checkpoint_minutes: float = 1.0
    """Minutes between checkpoints of a search or a training under way. 0: one after every step."""
    search: SearchSettings
    choice: ChoiceSettings
    retrain: RetrainSettings
    task: TaskSettings

    def __post_init__(self) -> None:
        choose("--preset", self.preset, PRESETS)
        choose("--precision", self.precision, PRECISIONS)
        not_negative(baselines=self.baselines, checkpoint_minutes=self.checkpoint_minutes)

    @property
    def channels(self) -> int:
        """C of the retrained networks."""
        return self.retrain.channels or self.search.channels


def open_space(space: str | Space) -> tuple[str, Space]:
    """Name and space, of either; see `find_space` for names."""
    if isinstance(space, str):
        return space, find_space(space)
    name = type(space).__name__
    if isinstance(space, type):
        raise UserError(f"space must be a name or a space, got a class; write {space.__name__}()")
    if not all(hasattr(space, member) for member in ("task", "edges", "network")):
        raise UserError(f"space must be a name or a space, got {name}")
    return name, space


def check_settings(settings: Any, space: Space) -> None:
    """Raise `UserError` unless the settings are of `make_settings`, for the space's task."""
    if not isinstance(settings, Settings):
        raise UserError(f"settings must be of make_settings, got {type(settings).__name__}")
    if not isinstance(settings.task, TASKS[space.task]):
        raise UserError(f"settings are not for {space.task}, which this space is for")


def check_seeds(seeds: Any) -> tuple[int, ...]:
    """The seeds; `UserError` unless they are one or more different numbers, 0 or more."""
    listed = seeds if isinstance(seeds, str) or not isinstance(seeds, Iterable) else list(seeds)
    found: tuple[int, ...] = checked("--seeds", kind_of(tuple[int, ...]), listed)
    if not found or len(set(found)) < len(found):
        said = " ".join(map(str, found))
        raise UserError(f"--seeds must be one or more different numbers, got {said or 'none'}")
    for seed in found:
        not_negative(seeds=seed)
    return found


def make_settings(
    space: str | Space,
    *,
    method: str = "xnas",
    preset: str = "default",
    smoke: bool = False,
    **values: Any,
) -> Settings:
    """The settings of a run: `values`, and the defaults of space, method and preset for the others.

    Parameters
    ----------
    space
        Its name, see `find_space`, or the space.
    method
        Search method: a key of `METHODS`.
    preset
        A key of `PRESETS`.
    smoke
        Defaults of a tiny run, to see that everything works.
    values
        Any options of run_xnas.py that are not arguments of `search`, with _ for -.

    Raises
    ------
    UserError
        A value that cannot be, or a name of no option, or of another method's or task's.

    Examples
    --------
    >>> settings = make_settings("darts-cnn", method="darts-first", epochs=3, cutout=16)
    >>> settings.search.epochs, settings.task.cutout, settings.retrain.epochs
    (3, 16, 20)
    """
    name, opened = open_space(space)
    choose("--method", method, METHODS)
    choose(f"task of {name}", opened.task, TASKS)
    plain = Settings(
        preset=preset,
        smoke=smoke,
        search=SearchSettings(method=METHODS[method]()),
        choice=ChoiceSettings(),
        retrain=RetrainSettings(),
        task=TASKS[opened.task](),
    )
    known = flattened(plain)
    here = ((METHODS, f"this is {method}"), (TASKS, f"{name} is for {opened.task}"))
    for option, value in values.items():
        if option not in known:
            _refuse_foreign(typed(option, value), option, here)
            choose("setting", option, known)
    given = {
        option: checked(dashed(option), kind_of(known[option].kind), value)
        for option, value in {"smoke": smoke, **values}.items()
    }
    standard = defaults(name, opened, method=method, preset=preset, smoke=smoke, given=given)
    return with_options(plain, standard | given)


def saved_settings(config: Mapping[str, Any], space: str | Space) -> Settings:
    """The settings that the configuration of a run holds, see config.json.

    Raises
    ------
    UserError
        It holds none.
    """
    method = config.get("method", XNASSettings.name)
    known = options(make_settings(space, method=method, preset="published"))
    values = {name: value for name, value in config.items() if name in known}
    return make_settings(space, method=method, **values)


def _refuse_foreign(
    said: str, option: str, here: Iterable[tuple[Mapping[str, type[Any]], str]]
) -> None:
    """Raise `UserError` for an option that another method or task has; `said`: as it was given.

    `here`: all methods, and what this run has instead, for the message; all tasks, likewise.
    """
    for everyone, instead in here:
        users = [user for user, other in everyone.items() if option in options(other())]
        if users:
            raise UserError(f"{said} is for {' and '.join(users)}, but {instead}")
