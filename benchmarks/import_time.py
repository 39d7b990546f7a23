"""Time to import the package: seconds of `import experts` in a fresh process.

`peer` is the import of numpy and scipy, the package's dependencies, likewise (experts uses no
submodule of scipy, so none is loaded). `ratio` is ours / peer; times are medians over processes
that take turns, of the import statement alone. Run: python benchmarks/import_time.py --out DIR
[--smoke]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OURS = "import experts"
PEERS = ("import numpy", "import numpy, scipy")


def seconds(statement: str) -> float:
    """Time that a statement takes in a new Python process."""
    code = (
        f"import time; start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"
    )
    # The root as the folder, so that `experts` is this checkout's.
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def measure(repeats: int) -> list[dict[str, Any]]:
    """A record for each peer; the first turn warms the disk cache and is not counted."""
    times: dict[str, list[float]] = {statement: [] for statement in (OURS, *PEERS)}
    for turn in range(repeats + 1):
        for statement, record in times.items():
            taken = seconds(statement)
            if turn:
                record.append(taken)
    median = {statement: statistics.median(record) for statement, record in times.items()}
    return [
        {
            "case": f"{OURS} vs {peer}",
            "ours": median[OURS],
            "peer": median[peer],
            "ratio": median[OURS] / median[peer],
        }
        for peer in PEERS
    ]


def main() -> None:
    """Measure, write result.json, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="folder for result.json")
    parser.add_argument("--smoke", action="store_true", help="a few seconds, rough numbers")
    options = parser.parse_args()
    table = measure(1 if options.smoke else 15)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "result.json").write_text(json.dumps(table, indent=1))
    print(f"{'case':40} {'ours':>10} {'peer':>10} {'ratio':>6}")
    for row in table:
        times = " ".join(f"{row[key] * 1e3:7.0f} ms" for key in ("ours", "peer"))
        print(f"{row['case']:40} {times} {row['ratio']:6.2f}")


if __name__ == "__main__":
    main()
