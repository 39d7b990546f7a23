"""Commands: from command-line arguments to a configuration, from a mistake to an exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import tyro

from nas_adapter import ranks
from nas_adapter.errors import UserError, dashed

Config = TypeVar("Config")


def run_command(
    config: type[Config],
    main: Callable[[Config], int | None],
    arguments: list[str] | None,
    parse: Callable[[list[str] | None], Config] | None = None,
) -> int:
    """Run `main` with a `config` from the arguments (None: the process's own); the exit code.

    It is what `main` returns (None: 0), 2 after a mistake of the user, 128 + n after signal n.

    `parse`: makes the configuration from the arguments, where tyro alone cannot.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # see `common`
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = main(tyro.cli(config, args=arguments) if parse is None else parse(arguments))
    except UserError as error:
        if ranks.rank() == 0 or isinstance(error, ranks.ProcessLostError):
            print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stopped:  # Ctrl-C, or a `Stopped` with a message
        if ranks.rank() == 0:
            print(": ".join(["stopped", *map(str, stopped.args)]), file=sys.stderr)
        return 128 + getattr(stopped, "signum", signal.SIGINT)
    return code or 0


def at_least(config: Any, **least: int) -> None:
    """Raise `UserError` if an option of `config` is smaller than its least value."""
    for name, smallest in least.items():
        if (value := getattr(config, name)) < smallest:
            raise UserError(f"{dashed(name)} must be at least {smallest}, got {value}")
