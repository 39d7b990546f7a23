"""NAS-Bench-201's table: reading it, scoring a search on it, and a synthetic stand-in."""

from __future__ import annotations

import csv
import gzip
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from experts.numerics.files import replace
from nas_adapter.errors import UserError
from nas_adapter.spaces.nasbench201 import ENDS, OPERATIONS, NASBench201

EDGES, CHOICES = len(ENDS), len(OPERATIONS)
SIZE = CHOICES**EDGES
PLACES = CHOICES ** np.arange(EDGES)[::-1]
"""What one step of an edge's operation adds to the code, (6,)."""
ARCHITECTURES = np.arange(SIZE)[:, None] // PLACES % CHOICES
"""(15625, 6): the architectures in the order of their codes."""
SPACE = NASBench201()

Numbers = np.ndarray[Any, Any]


def encode(architectures: Any) -> Numbers:
    """Codes (...) of architectures (..., 6): their operations as the digits of a number."""
    return np.asarray(architectures) @ PLACES


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Accuracies of one data set's networks in %, indexed by an architecture's code."""

    name: str
    """of the data set"""
    valid: Numbers
    """(15625,): validation accuracy after 12 epochs, what a query returns"""
    test: Numbers
    """(15625,): test accuracy after 200 epochs, what a search is judged by"""
    row: Numbers
    """int (15625,): the row of the file"""

    def best_so_far(self, queries: Numbers) -> Numbers:
        """Best architecture seen after each query, by validation accuracy; codes (..., T).

        Ties go to the row further down in the file: this rule uses neither the order of the
        queries nor the test accuracies.
        """
        rank = np.empty(SIZE, dtype=np.int64)
        order = np.lexsort((self.row, self.valid))
        rank[order] = np.arange(SIZE)
        found: Numbers = order[np.maximum.accumulate(rank[queries], axis=-1)]
        return found

    def score(self, queries: Numbers) -> Numbers:
        """Test accuracy of `best_so_far` in %, (..., T)."""
        found: Numbers = self.test[self.best_so_far(queries)]
        return found


def columns(data: str) -> tuple[str, str]:
    """Names of the two columns of a data set: the query's accuracy and the score's."""
    return f"{data}_val_12ep", f"{data}_test_200ep"


def read(source: str, data: str, names: tuple[str, str] | None = None) -> Table:
    """The table of a CSV file (.gz or not), or, for `nats:PATH`, of the official NATS-Bench files.

    `names`: columns of the query's and the score's accuracy; by default those of `columns(data)`.

    Raises
    ------
    UserError
        If a file or column is missing, an architecture is malformed, doubled or missing, or an
        accuracy is not a number in [0, 100].
    """
    if source.startswith("nats:"):
        if names is not None:
            raise UserError(f"--columns needs a CSV file, got {source}")
        return build(source, data, columns(data), _nats_rows(source.removeprefix("nats:"), data))
    path = Path(source)
    wanted = names or columns(data)
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", newline="") as file:
            return build(source, data, wanted, _csv_rows(source, file, wanted))
    except FileNotFoundError:
        raise UserError(f"--table {source}: no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as wrong:
        raise UserError(f"--table {source}: not a readable CSV file ({wrong})") from None


def build(source: str, data: str, names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Table:
    """The checked table of rows with `arch` and the two columns `names`; errors as in `read`."""
    accuracy = np.full((2, SIZE), np.nan)
    row = np.full(SIZE, -1)
    for index, entry in enumerate(rows):
        where = f"--table {source}, row {index + 1}"
        try:
            code = int(encode(SPACE.parse(entry["arch"] or "")))
        except ValueError as wrong:
            raise UserError(f"{where}: {wrong}") from None
        if row[code] >= 0:
            raise UserError(f"{where}: {entry['arch']} is in row {row[code] + 1} already")
        row[code] = index
        for place, name in enumerate(names):
            accuracy[place, code] = _accuracy(entry[name], f"{where}, {name}")
    missing = np.flatnonzero(row < 0)
    if len(missing):
        first = SPACE.genotype(tuple(ARCHITECTURES[missing[0]]))
        raise UserError(
            f"--table {source}: {len(missing)} of {SIZE} architectures are missing, first {first}"
        )
    return Table(data, accuracy[0], accuracy[1], row)


def write_synthetic(path: Path, seed: int = 0) -> None:
    """Write a made-up table in the real one's form, data set `synthetic`, for trying things out.

    It does not replace the real one. The quality q(a) is a sum of standard normal effects of single
    operations and, times 1/4, of pairs, scaled to unit variance; each accuracy adds its own normal
    noise, times 1/10. The error is 6 % + 84 % / (1 + exp(2.5 + 1.2 q)): most architectures are
    good, few are bad.
    """
    rng = np.random.default_rng(seed)
    quality = np.zeros(SIZE)
    for edge in range(EDGES):
        quality += rng.standard_normal(CHOICES)[ARCHITECTURES[:, edge]]
    for first, second in itertools.combinations(range(EDGES), 2):
        effect = rng.standard_normal((CHOICES, CHOICES)) / 4
        quality += effect[ARCHITECTURES[:, first], ARCHITECTURES[:, second]]
    quality /= quality.std()
    seen, true = (quality + 0.1 * rng.standard_normal(SIZE) for _ in range(2))
    valid, test = (94 - 84 / (1 + np.exp(2.5 + 1.2 * q)) for q in (seen, true))

    def write(target: Path) -> None:
        with target.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("index", "arch", *columns("synthetic")))
            for index, code in enumerate(rng.permutation(SIZE)):
                genotype = SPACE.genotype(tuple(ARCHITECTURES[code]))
                writer.writerow((index, genotype, f"{valid[code]:.3f}", f"{test[code]:.3f}"))

    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, write)


def _csv_rows(source: str, file: Iterable[str], names: Sequence[str]) -> Iterator[dict[str, str]]:
    reader = csv.DictReader(file)
    found = reader.fieldnames or ()
    missing = [name for name in ("arch", *names) if name not in found]
    if missing:
        raise UserError(
            f"--table {source}: no column {', '.join(missing)}; it has {', '.join(found) or 'none'}"
        )
    yield from reader


def _nats_rows(path: str, data: str) -> Iterator[dict[str, Any]]:
    """Rows of the official files; accuracies are means over their training seeds."""
    try:
        from nats_bench import create  # noqa: PLC0415  (optional)
    except ImportError:
        raise UserError(
            "--table nats:PATH needs the nats_bench package: pip install nats_bench"
        ) from None
    try:
        api = create(path, "tss", fast_mode=Path(path).is_dir(), verbose=False)
    except (OSError, ValueError) as wrong:
        raise UserError(f"--table nats:{path}: {wrong}") from None
    # CIFAR-10 validated on half of its training images is a data set of its own there.
    held_out = "cifar10-valid" if data == "cifar10" else data
    valid, test = columns(data)
    for index in tqdm(range(len(api)), desc="reading NATS-Bench", unit="architecture"):
        try:
            short = api.get_more_info(index, held_out, hp="12", is_random=False)
            full = api.get_more_info(index, data, hp="200", is_random=False)
            yield {
                "arch": api.arch(index),
                valid: short["valid-accuracy"],
                test: full["test-accuracy"],
            }
        except (KeyError, ValueError, AssertionError, OSError) as wrong:
            raise UserError(
                f"--table nats:{path}: nothing on architecture {index}, {data} ({wrong})"
            ) from None


def _accuracy(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not 0 <= number <= 100:
        raise UserError(f"{where}: an accuracy in % is needed, got {value!r}")
    return number
