"""Seconds of a search step: ours, beside another checkout of this project and quark0/darts.

Contenders take turns in one process; figures are medians. On the CPU it is one thread's CPU time,
which other programs on the machine disturb less; on CUDA it is time on the wall. `ratio` is peer /
ours: how many times as fast ours is, or how many times less memory it needs.

Run: python benchmarks/supernet.py --out DIR [--base PATH] [--peer PATH] [--device cuda] [--smoke]
--base: another checkout of this project; --peer: one of quark0/darts; without them only ours runs.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.remove(str(Path(__file__).parent))  # benchmarks/experts.py would be found first
sys.path.append(str(Path(__file__).parent))

import checkouts
from searches import MODULES, Case, Step, darts_step, other_kernels, project_step

from nas_adapter.supernets.precision import set_precision
from nas_adapter.supernets.steps import WARM_UP

CPU = [
    Case("nasbench201", "xnas", 16),
    Case("nasbench201", "xnas", 16, removed=0.5),
    Case("darts-cnn", "xnas", 8, batch=16),
    Case("darts-cnn", "xnas", 8, batch=16, removed=0.5),
    Case("darts-cnn", "darts-first", 8, batch=16),
    Case("darts-cnn", "darts-second", 8, batch=16),
    Case("darts-rnn", "darts-first", 128),
    Case("darts-rnn", "darts-first", 300),
]
CUDA = [
    Case("nasbench201", "xnas", 16, cells=5),
    Case("nasbench201", "xnas", 16, cells=5, removed=0.5),
    Case("darts-cnn", "xnas", 16, cells=2),
    Case("darts-cnn", "darts-first", 16, cells=2),
    Case("darts-cnn", "darts-second", 16, cells=2),
    Case("darts-rnn", "darts-first", 300),
]
SMOKE = [
    Case("nasbench201", "xnas", 4, batch=4),
    Case("darts-cnn", "darts-first", 2, batch=4),
    Case("darts-rnn", "darts-first", 8, batch=4),
]


def contenders(case: Case, options: argparse.Namespace) -> dict[str, Callable[[], Step]]:
    """What is timed of a case."""
    device = torch.device(options.device)
    found = {"ours": lambda: project_step(case, None, device, graphs=True)}
    if device.type == "cuda":
        found["ours eager"] = lambda: project_step(case, None, device, graphs=False)
        found["ours NCHW"] = lambda: other_kernels(case, device, torch.contiguous_format, set())
        if case.space == "darts-cnn":
            last = torch.channels_last
            found["ours merged"] = lambda: other_kernels(case, device, last, {"cuda"})
    if options.base:
        found["base"] = lambda: project_step(case, options.base, device, graphs=False)
    if options.peer and case.method.startswith("darts") and not case.removed:
        found["quark0/darts"] = lambda: darts_step(case, options.peer, device)
    return found


def seconds(steps: dict[str, Step], repeats: int, device: torch.device) -> dict[str, float]:
    """Median seconds of each step; they take turns, after some to warm up."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    times: dict[str, list[float]] = {name: [] for name in steps}
    counts = dict.fromkeys(steps, WARM_UP + 2 if device.type == "cuda" else 1)
    for _ in range(repeats + 1):
        for name, step in steps.items():
            wait(device)
            start = clock()
            for _ in range(counts[name]):
                step()
            wait(device)
            times[name].append((clock() - start) / counts[name])
            if device.type == "cuda":
                counts[name] = max(1, min(20, round(0.5 / times[name][-1])))
    return {name: statistics.median(found[1:]) for name, found in times.items()}


def wait(device: torch.device) -> None:
    """Until the device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def memory(make: Callable[[], Step], device: torch.device) -> float:
    """Peak memory of some steps above what was in use before, MiB."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    else:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 2**10
    step = make()
    for _ in range(6):
        step()
    wait(device)
    if device.type == "cuda":
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 2**10 - before) / 2**20


def own_process(case: Case, name: str, options: argparse.Namespace) -> float:
    """`memory` of one contender in a process of its own, as a process keeps its peak."""
    arguments = [sys.executable, __file__, "--device", options.device, "--memory", name]
    arguments += ["--case", str(case)] + (["--smoke"] if options.smoke else [])
    for option in ("base", "peer"):
        if getattr(options, option):
            arguments += [f"--{option}", str(getattr(options, option))]
    shown = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    return float(shown.split()[-1])


def records(label: str, found: dict[str, float]) -> list[dict[str, Any]]:
    """A record for each peer; one without a peer if there is none. Ours 0: not above imports."""
    ours = found.pop("ours")
    if not found:
        return [{"case": label, "ours": ours, "peer": None, "ratio": None}]
    return [
        {
            "case": f"{label} vs {name}",
            "ours": ours,
            "peer": peer,
            "ratio": peer / ours if ours else None,
        }
        for name, peer in found.items()
    ]


def measure(cases: list[Case], options: argparse.Namespace) -> list[dict[str, Any]]:
    """All records; a case's are printed and written as soon as they are there."""
    device, table = torch.device(options.device), []
    for case in cases:
        makers = contenders(case, options)
        steps = {name: make() for name, make in makers.items()}
        fresh = records(f"{case}, s", seconds(steps, options.repeats, device))
        del steps
        peaks = {
            name: memory(make, device)
            if device.type == "cuda"
            else own_process(case, name, options)
            for name, make in makers.items()
        }
        fresh += records(f"{case}, MiB", peaks)
        for row in fresh:
            peer, ratio = (f"{row[key]:.4g}" if row[key] else "-" for key in ("peer", "ratio"))
            print(f"{row['case']:75} {row['ours']:9.4g} {peer:>9} {ratio:>6}", flush=True)
        table += fresh
        (options.out / "result.json").write_text(json.dumps(table, indent=1))
    return table


def in_a_row(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of a step over many in a row, after capture."""
    device = torch.device(options.device)
    step = project_step(case, None, device, graphs=True)
    for _ in range(2 * WARM_UP):
        step()
    wait(device)
    start = time.perf_counter()
    for _ in range(options.steps):
        step()
    wait(device)
    each = (time.perf_counter() - start) / options.steps
    print(f"{case}: {each:.4g} s a step over {options.steps}")
    return {
        "case": f"{case}, s, mean of {options.steps}",
        "ours": each,
        "peer": None,
        "ratio": None,
    }


def main() -> None:
    """Measure, write result.json, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, help="folder for result.json")
    parser.add_argument("--base", type=Path, help="another checkout of this project")
    parser.add_argument("--peer", type=Path, help="a checkout of quark0/darts")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--case", help="only the cases that start so")
    parser.add_argument("--repeats", type=int, help="turns of every contender")
    parser.add_argument("--steps", type=int, help="only so many steps of the first case, in a row")
    parser.add_argument("--smoke", action="store_true", help="tiny networks, one turn")
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.repeats = options.repeats or (1 if options.smoke else 5)
    torch.set_num_threads(1)
    set_precision("tf32")
    all_cases = SMOKE if options.smoke else CUDA if options.device == "cuda" else CPU
    cases = [case for case in all_cases if str(case).startswith(options.case or "")]
    if options.memory:
        checkouts.project(options.base if options.memory == "base" else None, MODULES)
        make = contenders(cases[0], options)[options.memory]
        print(memory(make, torch.device(options.device)))
        return
    if options.out is None:
        parser.error("--out is needed")
    options.out.mkdir(parents=True, exist_ok=True)
    table = [in_a_row(cases[0], options)] if options.steps else measure(cases, options)
    (options.out / "result.json").write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
