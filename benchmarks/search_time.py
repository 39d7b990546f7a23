"""CPU time of `Search.ask` by the number of observations and of dimensions, on one thread.

`seconds` is the median of asks that are told at once, `first_seconds` the first ask, which fits all
observations. Run: OMP_NUM_THREADS=1 python benchmarks/search_time.py --out DIR [--smoke]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from experts.structured import Search

SPACES = ((6, 5), (30, 2), (30, 5), (100, 5))
"""Numbers of dimensions and of options."""
OBSERVATIONS = (30, 300, 3000)
ASKS = 20


def measure(dimensions: int, options: int, observations: int) -> dict[str, Any]:
    """A record for one space and number of observations."""
    rng = np.random.default_rng(0)
    search = Search({str(e): [f"option {o}" for o in range(options)] for e in range(dimensions)})
    for code in rng.integers(options, size=(observations, dimensions)):
        point = {str(e): f"option {o}" for e, o in enumerate(code)}
        search.tell(point, int(np.sum(code)))
    times = []
    for _ in range(ASKS + 1):
        start = time.process_time()
        point = search.ask()
        times.append(time.process_time() - start)
        search.tell(point, rng.standard_normal())
    return {
        "case": f"{dimensions} dimensions of {options}, {observations} observations",
        "seconds": statistics.median(times[1:]),
        "first_seconds": times[0],
    }


def main() -> None:
    """Measure, write result.json, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="folder for result.json")
    parser.add_argument("--smoke", action="store_true", help="30 observations only")
    arguments = parser.parse_args()
    sizes = OBSERVATIONS[:1] if arguments.smoke else OBSERVATIONS
    records = [measure(*space, size) for space in SPACES for size in sizes]
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "result.json").write_text(json.dumps(records, indent=2))
    for record in records:
        print(
            f"{record['case']:46} {1000 * record['seconds']:8.1f} ms"
            f"   first {1000 * record['first_seconds']:8.0f} ms"
        )


if __name__ == "__main__":
    main()
