"""Settings in files: TOML, YAML, or the config.json of a run."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nas_adapter.errors import UserError, meant
from nas_adapter.files import missing
from nas_adapter.front.options import Option
from nas_adapter.front.values import checked, kind_of
from studies.xnas.groups import grouped

OF_A_RUN = ("operations", "data_fingerprint", "space_fingerprint", "sha256")
"""What a run's config.json holds besides options: what they stood for then."""
NOT_WRITTEN = ("out", "resume")
"""Options that say where a run is kept, not what it is."""


def _yaml(text: str) -> Any:
    try:
        import yaml  # noqa: PLC0415 (only YAML needs it)
    except ModuleNotFoundError:
        raise UserError("--config: YAML needs PyYAML: pip install pyyaml; or write TOML") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


READERS: dict[str, Callable[[str], Any]] = {
    ".toml": tomllib.loads, ".yaml": _yaml, ".yml": _yaml, ".json": json.loads,
}  # fmt: skip
"""What reads a file with this ending."""


def read_file(path: str, known: Mapping[str, Option]) -> dict[str, Any]:
    """The options that a file holds, by name.

    Parameters
    ----------
    path
        A .toml, .yaml or .json file: names of options, with _ or -, and their values.
    known
        All options.

    Raises
    ------
    UserError
        No such file, another format, a name of no option, another kind of value.
    """
    file = Path(path).expanduser()
    ending = file.suffix.lower()
    if ending not in READERS:
        raise UserError(f"--config {path} must be a file that ends in {', '.join(READERS)}")
    if not file.exists():
        raise UserError(f"--config {path}: {missing(file)}")
    try:
        content = READERS[ending](file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"--config {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"--config {path} cannot be read: {error}") from error
    if content is None:  # an empty YAML file
        content = {}
    if not isinstance(content, dict):
        raise UserError(f"--config {path} must hold names and values, as: epochs = 10")
    return checked_all(content, known, path, run=ending == ".json")


def checked_all(
    content: Mapping[str, Any], known: Mapping[str, Option], path: str, *, run: bool
) -> dict[str, Any]:
    """The options that the `content` of a file holds, by name; `UserError` as for `read_file`.

    `run`: it may be a run's config.json, which holds more.
    """
    found = {}
    for key, value in content.items():
        name = str(key).replace("-", "_")
        if run and name in OF_A_RUN:
            continue
        if name not in known:
            hint = meant(name, known) or "; --print-config lists all"
            raise UserError(f"{path}: unknown setting {key} = {value!r:.80}{hint}")
        if name in found:
            raise UserError(f"{path}: {key} is there twice")
        found[name] = checked(f"{path}: {key}", kind_of(known[name].kind), value)
    return found


def as_toml(options: Mapping[str, Option]) -> str:
    """Options with their values, as `read_file` reads them."""
    lines = ["# Settings of run_xnas.py, for --config. The command line goes before them."]
    for title, members in grouped(options).items():
        kept = [option for option in members if option.name not in NOT_WRITTEN]
        if kept:
            lines += ["", f"# {title}"]
        lines += [f"{option.name} = {_toml(option.value)}" for option in kept]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    """A value; JSON's notation is TOML's for all that options hold, but for null."""
    plain = "none" if value is None else str(value) if isinstance(value, Path) else value
    return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007f")
