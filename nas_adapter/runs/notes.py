"""What a search or a training writes to as it goes: a run in a folder, or memory alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from nas_adapter.stopping import any_asked, stop_if_asked


class Notes(Protocol):
    """Where a search or a training keeps its state and its metrics."""

    phases: dict[str, dict[str, Any]]
    """the last saved state of every phase, by its name"""

    def phase(self, name: str) -> dict[str, Any] | None:
        """The state of a phase that was last saved, or None."""

    def save(self, phase: str, state: dict[str, Any]) -> None:
        """Keep a new state of `phase`; then raise `Stopped` if the process was asked to stop."""

    def pause(self, phase: str, state: Callable[[], dict[str, Any]]) -> None:
        """Between two steps: `save` what `state` gives, if it is time to, or to stop."""

    def log(self, phase: str, **record: Any) -> None:
        """Take down one line of metrics."""

    def close(self) -> None:
        """End the run."""


class Unwritten:
    """`Notes` in memory, where nothing is written, or another process writes.

    Parameters
    ----------
    phases
        What is continued, see `Notes.phases`.
    """

    def __init__(self, phases: dict[str, dict[str, Any]] | None = None) -> None:
        self.phases = phases or {}

    def phase(self, name: str) -> dict[str, Any] | None:
        """See `Notes.phase`."""
        return self.phases.get(name)

    def save(self, phase: str, state: dict[str, Any]) -> None:
        """See `Notes.save`."""
        self.phases[phase] = state
        stop_if_asked()

    def pause(self, phase: str, state: Callable[[], dict[str, Any]]) -> None:
        """See `Notes.pause`."""
        if any_asked():
            self.save(phase, state())

    def log(self, phase: str, **record: Any) -> None:
        """See `Notes.log`: metrics are not kept."""

    def close(self) -> None:
        """See `Notes.close`."""
