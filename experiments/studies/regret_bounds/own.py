"""A learner in a file of the user's own, as a contender."""

from __future__ import annotations

import functools
import inspect
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from experts.checks import check_learner
from nas_adapter.errors import UserError
from nas_adapter.files import run_file
from studies.regret_bounds.claims import ALWAYS

PATTERN = re.compile(r"(?P<path>.+\.py):(?P<name>\w+)(?::(?P<limit>\w+))?")


@dataclass(frozen=True, slots=True)
class Own:
    """A learner of the user's, who plays with full information and losses in [0, 1]."""

    path: Path
    name: str
    """in that file: a learner, or what makes one if it is called, with `horizon` if it asks for it
    """
    limit: str | None = None
    """in that file: a function (K, T) -> the a-priori bound; None: there is only the certificate"""

    losses: ClassVar[tuple[float, float]] = (0.0, 1.0)
    holds: ClassVar[str] = ALWAYS
    bandit: ClassVar[bool] = False

    @property
    def label(self) -> str:
        """File and name."""
        return f"{self.path.name}:{self.name}"

    def make(self, rounds: int) -> Any:
        """The learner, for a game of `rounds` rounds.

        Raises
        ------
        UserError
            No such file, or one that cannot be run; no such name in it; no learner.
        """
        found = self._find(self.name)
        try:
            if callable(found):
                asks = "horizon" in inspect.signature(found).parameters
                found = found(**({"horizon": rounds} if asks else {}))
            check_learner(found)
        except Exception as error:  # it is the user's own code: anything can happen
            raise UserError(f"--learner: {self.name} of {self.path}: {error}") from error
        return found

    def bound(self, k: int, rounds: int) -> float | None:
        """The a-priori bound for K = k and T = rounds; None if there is none."""
        return None if self.limit is None else float(self._find(self.limit)(k, rounds))

    def _find(self, name: str) -> Any:
        module = _module(self.path)
        if not hasattr(module, name):
            raise UserError(f"--learner: {self.path} has no {name!r}")
        return getattr(module, name)


def own(text: str) -> Own:
    """The contender that FILE.py:NAME or FILE.py:NAME:BOUND names; UserError if there is none."""
    match = PATTERN.fullmatch(text)
    if match is None:
        raise UserError(f"--learner must be FILE.py:NAME, FILE.py:NAME:BOUND or a name, got {text}")
    found = Own(Path(match["path"]).expanduser().resolve(), match["name"], match["limit"])
    found.make(1)
    if found.limit is not None and not callable(found._find(found.limit)):
        raise UserError(f"--learner: {found.limit} of {found.path} must be a function (K, T)")
    return found


@functools.cache  # once in a process: what it registers may be registered once only
def _module(path: Path) -> ModuleType:
    return run_file(path, "learner")
