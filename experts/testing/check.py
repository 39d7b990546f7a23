"""All laws, for one learner."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

# Each of these modules enters its laws, which are tried in this order.
# isort: off
from experts.testing import plays, partial, in_between, arrays  # noqa: F401
from experts.testing import contextual, convex, policies, structured  # noqa: F401
# isort: on

from experts.testing.law import LAWS, Law
from experts.types import PROTOCOLS, Learner


class Report(NamedTuple):
    """What `check_learner` has found out about a learner."""

    held: tuple[str, ...]
    """names of the laws that hold"""
    not_run: dict[str, str]
    """names of the laws that were not tried, and why"""

    def __str__(self) -> str:
        lines = [f"{len(self.held)} laws hold, {len(self.not_run)} were not tried"]
        return "\n".join([*lines, *(f"  {name}: {why}" for name, why in self.not_run.items())])


def laws(protocol: type = Learner) -> list[Law]:
    """All laws of a protocol, in the order in which `check_learner` tries them.

    For `pytest.mark.parametrize`: a law is called with a learner; one that cannot be tried on it
    raises `unittest.SkipTest`, which pytest shows with the reason.

    Examples
    --------
    >>> import experts
    >>> laws()[0].name
    'the_state_is_in_the_open'
    >>> laws()[0](experts.hedge(0.5))
    """
    return [law for law in LAWS.values() if law.protocol is protocol]


def check_learner(
    learner: Any,
    *,
    bound: Callable[..., float] | None = None,
    only: Iterable[str] | None = None,
    examples: int | None = None,
) -> Report:
    """Try every law on a learner: simplex, symmetries, purity, certificates, array libraries, ...

    Parameters
    ----------
    learner
        An instance of any protocol in `experts.types.PROTOCOLS`, which says which laws it has to
        keep. Laws of what it does not support are not tried.
    bound
        (K, T) -> a bound on the regret after T rounds of full information with losses in [0, 1],
        from the uniform prior: another law. (Certificates alone do not show that a rate is bad.)
        Of a `ContextualPolicy`: (rows, columns, T) -> one on the mean pseudo-regret with coins.
        Of a `Policy`: (means (K,), T) -> a bound on the mean pseudo-regret with coins.
    only
        Names of the laws to try. Default: all of `laws()`.
    examples
        How many games are drawn for a law. Default: hypothesis's `max_examples`, 100 unless a
        profile says otherwise. They are the same in every call.

    Returns
    -------
    Report
        Which laws hold, and which were not tried and why: the learner does not support it, torch
        or array-api-strict is not installed, no bound was given.

    Raises
    ------
    LawError
        At the first law that is broken, with its formula, both sides, and the smallest case as
        a program to paste.
    ValueError
        `learner` is no learner; `only` names an unknown law.

    Examples
    --------
    >>> import experts
    >>> report = check_learner(experts.adahedge(), bound=experts.bounds.adahedge, examples=2)
    >>> report.not_run
    {}
    """
    protocol = next((kind for kind in PROTOCOLS if isinstance(learner, kind)), Learner)
    names = [law.name for law in laws(protocol)] if only is None else list(only)
    held, not_run = [], {}
    for found in [_law(name) for name in names]:
        why = found.why_not(learner, bound=bound)
        if why is None:
            found(learner, examples=examples, bound=bound)
            held.append(found.name)
        else:
            not_run[found.name] = why
    return Report(tuple(held), not_run)


def replay(law: str, learner: Any, **case: Any) -> None:
    """Try one case of a law: what the program in a `LawError` does.

    Raises
    ------
    LawError
        If it breaks.
    """
    _law(law).replay(learner, **case)


def _law(name: str) -> Law:
    if name not in LAWS:
        raise ValueError(f"there is no law {name!r}; laws: {', '.join(LAWS)}")
    return LAWS[name]
