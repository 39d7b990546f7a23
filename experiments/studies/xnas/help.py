"""What --help says, and what a preset stands for."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Collection, Mapping
from typing import Any

from nas_adapter.errors import dashed, typed
from nas_adapter.front.options import Option
from nas_adapter.front.presets import PRESETS, defaults
from nas_adapter.front.values import kind_of
from nas_adapter.spaces import SPACES, find_space
from nas_adapter.strategies import METHODS
from studies.xnas.groups import SETTINGS, grouped

CHOICES = {
    "space": f"{', '.join(SPACES)}, or FILE.py:CLASS for one of your own.",
    "method": f"{', '.join(METHODS)}.",
    "preset": "; ".join(f"{name}: {preset.help}" for name, preset in PRESETS.items()) + ".",
}
"""What there is, where the settings' own help does not say."""
METAVARS: dict[type, str] = {int: "N", float: "X"}


def help_text(
    space: str, here: Mapping[str, Option], shown: Mapping[str, Option], hidden: Collection[str]
) -> str:
    """Options in groups, as wide as the terminal, or as COLUMNS says.

    Parameters
    ----------
    space
        The space that is searched.
    here
        The options of its task and of the method, with the values that hold.
    shown
        The options to show.
    hidden
        Names of those that have no effect and are not shown.
    """
    values = {name: option.value for name, option in here.items()}
    holds = " ".join(typed(name, values[name]) for name in ("space", "method", "preset"))
    parser = argparse.ArgumentParser(
        usage="%(prog)s [OPTION ...]",
        description="Search an architecture, retrain it, and report. Shown are the defaults for "
        f"{holds}. The preset {stands_for(space, values)}.".replace("%", "%%"),
        epilog=f"{len(hidden)} more options have no effect here: --help all" if hidden else None,
        formatter_class=_Formatter,
        add_help=False,
    )
    for title, members in grouped(shown).items():
        group = parser.add_argument_group(title)
        for option in members:
            _add(group, option, values)
        if title == SETTINGS:
            _add_others(group)
    return parser.format_help()


def stands_for(space: str, values: Mapping[str, Any]) -> str:
    """The preset, and the options that it stands for, of those that hold, as they are typed."""
    chosen = {name: values[name] for name in ("method", "preset", "smoke")}
    found = defaults(space, find_space(space), **chosen, given=values)
    said = [typed(name, value) for name, value in found.items() if values.get(name) == value]
    tiny = " with --smoke" if values["smoke"] else ""
    return f"{values['preset']}{tiny} stands for {' '.join(said) or 'no other defaults'}"


def _add(group: argparse._ArgumentGroup, option: Option, values: Mapping[str, Any]) -> None:
    """An option, with its default."""
    kind, said = kind_of(option.kind), option.help
    if option.name in CHOICES:
        said += f" {CHOICES[option.name]}"
    value = values.get(option.name)
    if value not in (None, ()):
        value = ("yes" if value else "no") if isinstance(value, bool) else value
        said = said.partition(" Default: ")[0]  # what holds without a value
        said += f" (default: {' '.join(value) if isinstance(value, tuple) else value})"
    if kind.base is bool:
        how: dict[str, Any] = {"action": argparse.BooleanOptionalAction}
    else:
        path = option.name in ("out", "data_root")
        metavar = "PATH" if path else METAVARS.get(kind.base, "NAME")
        how = {"nargs": "*" if kind.many else None, "metavar": metavar}
    said = said.replace("%", "%%")
    group.add_argument(dashed(option.name), help=said, default=argparse.SUPPRESS, **how)


def _add_others(group: argparse._ArgumentGroup) -> None:
    """What is no setting itself; see `read_words`."""
    for words, metavar, said in (
        (
            ["--config"], "FILE",
            "Take settings from a TOML or YAML file, or a run's config.json. The command line goes "
            "before it, and it before the preset.",
        ),
        (["--print-config"], None, "Print all settings that hold, as TOML for --config."),
        (["-h", "--help"], "[all]", "Show this; with all, options that have no effect here too."),
    ):  # fmt: skip
        how: dict[str, Any] = {"metavar": metavar} if metavar else {"action": "store_true"}
        group.add_argument(*words, help=said, **how)


class _Formatter(argparse.HelpFormatter):
    """Lines that do not break in the middle of an option."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(text, width, break_on_hyphens=False)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return textwrap.fill(
            text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        )
