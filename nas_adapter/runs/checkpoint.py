"""Checkpoint and configuration of a run: written, read back, compared with what is asked for."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch

from nas_adapter.errors import UserError

FORMAT = 3
"""Of checkpoints; one of another is refused."""


def write_checkpoint(content: dict[str, Any], path: Path) -> None:
    """Write with `torch.save`, and raise OSError for a full disk, which it does not always."""
    with path.open("wb") as file:
        try:
            torch.save({"format": FORMAT, **content}, file)
        except RuntimeError as error:
            raise (error.__context__ if isinstance(error.__context__, OSError) else error) from None


def read_checkpoint(out: Path, device: torch.device) -> dict[str, Any]:
    """The checkpoint of the run in a folder; UserError if it is none, or of another version."""
    path = out / "checkpoint.pt"
    try:
        with zipfile.ZipFile(path) as file:
            if file.testzip() is not None:  # torch.load does not look
                raise ValueError("a checksum is wrong")
        saved = torch.load(path, map_location=device, weights_only=True)
        kinds = {"config": dict, "phases": dict, "lines": int, "bytes": int}
        if not all(isinstance(saved[name], kind) for name, kind in kinds.items()):
            raise ValueError("it holds something else")
    except Exception as error:  # a damaged file makes torch.load raise almost anything
        raise UserError(
            f"{path} is truncated or not a checkpoint of this program; it was left as it is"
        ) from error
    if saved.get("format") != FORMAT:
        raise UserError(
            f"{path} is of another version of this program, which has to go on with it; it was "
            "left as it is"
        )
    return saved  # type: ignore[no-any-return]


def signed(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with a checksum, as config.json holds it."""
    text = json.dumps(config, sort_keys=True)
    return config | {"sha256": hashlib.sha256(text.encode()).hexdigest()}


def read_config(out: Path) -> dict[str, Any]:
    """The configuration of the run in a folder; UserError if there is none, or it was changed."""
    path = out / "config.json"
    try:
        saved = json.loads(path.read_text())
        config = {name: value for name, value in saved.items() if name != "sha256"}
    except (OSError, ValueError, AttributeError, RecursionError):
        saved = config = {}
    if saved != signed(config):
        raise UserError(
            f"{path} is not the configuration of a run, or was changed; it was left as it is"
        )
    return config


def compare(
    out: Path, config: dict[str, Any], saved: dict[str, Any], free: Collection[str]
) -> None:
    """Raise `UserError`, by name, for settings that were others and are not `free` to change."""
    differing = [
        f"{name} is {config.get(name)!r} but was {saved.get(name)!r}"
        for name in sorted(config.keys() | saved.keys())
        if name not in free and config.get(name) != saved.get(name)
    ]
    if differing:
        raise UserError(f"{out} holds a run of another configuration: {'; '.join(differing)}")
