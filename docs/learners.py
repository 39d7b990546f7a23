#!/usr/bin/env python3
"""Writes docs/learners.md, the table of all registered learners, from their docstrings.

./in-venv python docs/learners.py [FILE]
"""

from __future__ import annotations

import inspect
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import experts
from experts.registry import Entry, registered
from experts.types import PROTOCOLS

PAGE = Path(__file__).with_suffix(".md")
ROOMS = ("contextual", "convex", "games", "policies", "structured")
"""Rooms that enter learners and are not imported with the package."""


def page() -> str:
    """The page."""
    for room in ROOMS:
        import_module(f"{experts.__name__}.{room}")
    kinds = [kind for kind in PROTOCOLS if registered(kind)]
    return "\n".join([HEAD, *(part for kind in kinds for part in section(kind))])


HEAD = """# All learners

Look up what is promised, for what, and where the proof is. Made from the docstrings by
[docs/learners.py](learners.py). T rounds, K experts or arms, eta the learning rate; losses of
range B, under bandit feedback in [0, 1]. "Guarantee" is what is known before a game. A
*certificate* is computed while playing, and bounds the regret on this very path. Where "also
takes" says bandit and the guarantee speaks neither of bandits nor of pseudo-regret, there is only
a certificate of the estimated losses.

By name:

```python
import experts

learner = experts.REGISTRY["hedge"].make(eta=0.5)
assert learner == experts.hedge(eta=0.5)
```
"""


def section(kind: type) -> list[str]:
    """The table of a protocol."""
    lines = (inspect.getdoc(kind) or "").splitlines()
    head = ["learner", "guarantee"] + ["also takes"] * (kind is experts.Learner)
    rows = [row(entry)[: len(head)] for _, entry in sorted(registered(kind).items())]
    return [
        f"## {kind.__name__}",
        "",
        f"{lines[0]} Methods: [experts/types.py](../experts/types.py).",
        "",
        *(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows]),
        "",
    ]


def row(entry: Entry) -> list[str]:
    """The cells of a learner."""
    text = inspect.getdoc(entry.make) or ""
    rule = escaped(text.splitlines()[0].split(": ", 1)[-1])
    source = escaped(" ".join(found(r"Source: (.*?)(?:\n\n|\Z)", text, entry).split()))
    guarantee = found(r"Notes\n-+\n(.*?)(?:\n\n|\Z)", text, entry)
    made = [entry.make(**example) for example in entry.examples]
    return [
        f"`{entry.name}`<br>{rule}<br>*Source:* {source}",
        escaped(" ".join(guarantee.split())),
        taken(made),
    ]


def taken(made: list[Any]) -> str:
    """What every one of these supports beyond full information."""
    sets: list[frozenset[str]] = [getattr(one, "supports", frozenset()) for one in made]
    return ", ".join(sorted(frozenset.intersection(*sets)))


def found(pattern: str, text: str, entry: Entry) -> str:
    """The group of the pattern in the docstring; ValueError if there is none."""
    match = re.search(pattern, text, flags=re.DOTALL)
    if match is None:
        raise ValueError(f"the docstring of {entry.name} has nothing like {pattern!r}")
    return match[1]


def escaped(text: str) -> str:
    """For a cell of a Markdown table; code stays code."""
    parts = re.split(r"(`+[^`]+`+)", text)
    plain = [re.sub(r"([*_|<>\\\[\]])", r"\\\1", part) for part in parts[::2]]
    code = [f"`{part.strip('`')}`".replace("|", r"\|") for part in parts[1::2]]
    return "".join(a + b for a, b in zip(plain, [*code, ""], strict=True))


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    target.write_text(page())
    print(f"written to {target}")
