"""Requests to stop: Ctrl-C, and the SIGTERM of a job scheduler."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from nas_adapter import ranks

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """The process was asked to stop, and has saved what it had."""

    def __init__(self, signum: int, *message: str) -> None:
        super().__init__(*message)
        self.signum = signum


class _Asked:
    """What the process was asked; signals are of the whole process."""

    signum: int | None = None
    held = False


@contextmanager
def stoppable() -> Iterator[None]:
    """Context in which SIGINT and SIGTERM raise `Stopped`: at once, or where `held` after the step.

    A second signal raises it at once everywhere. Outside the main thread, which alone gets signals,
    and inside another such context nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {which: signal.getsignal(which) for which in SIGNALS}
    if _take in before.values():
        yield
        return
    _Asked.signum = None
    for which in SIGNALS:
        signal.signal(which, _take)
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler or signal.SIG_DFL)
        _Asked.signum = None


@contextmanager
def held() -> Iterator[None]:
    """Context for steps whose work would be lost: it calls `stop_if_asked` once that is saved."""
    _Asked.held = True
    try:
        yield
    finally:
        _Asked.held = False
    stop_if_asked()


def any_asked(*, due: bool = False) -> bool:
    """Whether a process of the training was asked to stop, or `due` is true of one.

    All of them call it at once, and `stop_if_asked`: a request that comes in after that waits.
    """
    return any(ranks.largest(_Asked.signum or 0, due))


def stop_if_asked() -> None:
    """Raise `Stopped` on all processes of the training if one of them was asked to stop."""
    [signum] = ranks.largest(_Asked.signum or 0)
    if signum:
        raise Stopped(signum)


def _take(signum: int, frame: FrameType | None) -> None:
    first = _Asked.signum is None
    _Asked.signum = signum
    if not (first and _Asked.held):
        raise Stopped(signum)
