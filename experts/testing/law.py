"""`Law`: one property of every learner of a protocol, and how it is tried on one."""

from __future__ import annotations

import importlib.util
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import SkipTest

import hypothesis
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from experts import checks
from experts.testing.claims import ClaimError
from experts.testing.scripts import script
from experts.types import Learner

Body = Callable[..., None]
Drawn = st.SearchStrategy[Any] | Callable[[int], st.SearchStrategy[Any]]
"""What an argument is drawn from, or a function to it from the most rounds that may be played."""

MOST_ROUNDS = 20


class LawError(AssertionError):
    """A learner that breaks a law, with the smallest case that was found.

    Parameters
    ----------
    law
        The `Law`, with its name.
    formula, left, right
        The formula that does not hold, and the values of its sides.
    script
        A program that breaks the law with this case, to paste.
    """

    def __init__(self, law: Law, claim: ClaimError, script: str) -> None:
        self.law, self.script = law, script
        self.formula, self.left, self.right = claim.formula, claim.left, claim.right
        head = f"{law.name}: {law.says}"
        super().__init__(f"{head}\n\n{claim}\n\nThe smallest case that breaks it:\n\n{script}")


@dataclass(frozen=True, slots=True, eq=False)
class Law:
    """A property that every learner of a protocol has to have; calling it tries it on one."""

    name: str
    body: Body
    """(learner, **arguments); raises `ClaimError`. Its docstring is the law in a sentence"""
    fixed: Mapping[str, Any]
    """arguments that belong to the name"""
    drawn: Mapping[str, Drawn]
    """arguments that hypothesis draws, and shrinks if the law breaks"""
    features: frozenset[str]
    """what the learner has to support for the law to speak of it"""
    libraries: tuple[str, ...]
    """modules that have to be installed"""
    told: tuple[str, ...]
    """arguments that the caller has to give"""
    protocol: type = Learner
    """the contract that the law belongs to, one of `experts.types.PROTOCOLS`"""

    @property
    def says(self) -> str:
        """The law in a sentence."""
        return (self.body.__doc__ or "").splitlines()[0]

    @property
    def __name__(self) -> str:
        """The id of pytest's parameter."""
        return self.name

    def why_not(self, learner: Any, **told: Any) -> str | None:
        """Why it cannot be tried on this learner; None if it can.

        Raises
        ------
        ValueError
            `learner` is no learner of the law's protocol.
        """
        checks.check_learner(learner, self.protocol)
        lacking = sorted(self.features - getattr(learner, "supports", frozenset()))
        missing = [name for name in self.libraries if importlib.util.find_spec(name) is None]
        reasons = [
            *(f"the learner does not support {feature!r}" for feature in lacking),
            *(f"{library} is not installed" for library in missing),
            *(f"no {name}= was given" for name in self.told if told.get(name) is None),
        ]
        return "; ".join(reasons) or None

    def __call__(self, learner: Any, *, examples: int | None = None, **told: Any) -> None:
        """Try it.

        Parameters
        ----------
        learner
            An instance, as `experts.Player` takes it.
        examples
            How many cases are drawn. Default: hypothesis's own `max_examples`. They are the same
            in every call.
        **told
            What `check_learner` was given for the laws that need it.

        Raises
        ------
        LawError
            With the smallest case that breaks it.
        unittest.SkipTest
            It cannot be tried (pytest shows that as skipped): `why_not`.
        ValueError
            `learner` is no learner.
        """
        if why := self.why_not(learner, **told):
            raise SkipTest(f"{self.name}: {why}")
        last = {name: told[name] for name in self.told}

        def once(**case: Any) -> None:
            last.update(case)
            self.body(learner, **self.fixed, **last)

        with self._named(learner, last):
            self._tried(once, learner.horizon, examples)()

    def replay(self, learner: Any, **case: Any) -> None:
        """Try one case; raises `LawError` if it breaks."""
        with self._named(learner, case):
            self.body(learner, **self.fixed, **case)

    @contextmanager
    def _named(self, learner: Any, case: Mapping[str, Any]) -> Iterator[None]:
        """Errors of the block, in which `case` is tried last, become `LawError`."""
        try:
            yield
        except ClaimError as claim:
            raise LawError(self, claim, script(self.name, learner, case)) from None
        except Exception as error:
            raise LawError(self, _claim(error), script(self.name, learner, case)) from error

    def _tried(self, once: Body, horizon: int | None, examples: int | None) -> Callable[[], None]:
        """`once` over what is drawn, by hypothesis."""
        if not self.drawn:
            return once
        most = min(MOST_ROUNDS, horizon or MOST_ROUNDS)
        strategies = {
            name: drawn if isinstance(drawn, st.SearchStrategy) else drawn(most)
            for name, drawn in self.drawn.items()
        }
        chosen = hypothesis.settings().phases
        settings = hypothesis.settings(
            # "explain" plays the smallest case a hundred times more, and is not shown
            phases=[phase for phase in chosen if phase is not hypothesis.Phase.explain],
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            print_blob=False,
            suppress_health_check=list(hypothesis.HealthCheck),  # a slow machine is no mistake
        )
        if examples is not None:
            settings = hypothesis.settings(settings, max_examples=examples)
        seeded = hypothesis.seed(zlib.crc32(self.name.encode()))
        tried: Callable[[], None] = seeded(settings(hypothesis.given(**strategies)(once)))
        return tried


def _claim(error: Exception) -> ClaimError:
    """The claim that an error of the learner breaks."""
    if isinstance(error, Flaky):
        rule = "the same rounds, played again, end in the same way"
        return ClaimError(rule, "another way", "the same")
    return ClaimError("the learner raises no error", f"{type(error).__name__}: {error}", "no error")


LAWS: dict[str, Law] = {}
"""All laws by name, in the order in which they are tried."""


def law(
    *,
    cases: Iterable[Mapping[str, Any]] = ({},),
    features: Iterable[str] = (),
    libraries: Iterable[str] = (),
    told: Iterable[str] = (),
    protocol: type = Learner,
    **drawn: Drawn,
) -> Callable[[Body], Body]:
    """Decorator: enter the function as a law, once for each of its cases.

    Parameters
    ----------
    cases
        Values of arguments, each of which makes a law of its own; a case's "library" has to be
        installed.
    features, libraries, told, protocol, **drawn
        See `Law`.
    """

    def enter(body: Body) -> Body:
        for case in cases:
            parts = [body.__name__, *(getattr(v, "__name__", str(v)) for v in case.values())]
            needed = (*libraries, *(v for k, v in case.items() if k == "library"))
            name = "-".join(parts)
            if name in LAWS:
                raise ValueError(f"there is a law {name!r} already")
            LAWS[name] = Law(
                name, body, case, drawn, frozenset(features), needed, tuple(told), protocol
            )
        return body

    return enter
