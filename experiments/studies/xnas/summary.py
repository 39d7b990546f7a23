"""What run_xnas.py prints at its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nas_adapter.front.retrain import Retrained, summarised
from nas_adapter.output.verdict import beside, cut_short, rivals, shown
from nas_adapter.strategies.xnas_sampled import SampledXNASSettings


def of_search(result: dict[str, Any], out: Path) -> str:
    """The lines on a search."""
    metric = result["metric"]
    lines = [
        "",
        f"found      {result['architecture']}",
        f"           test {metric} {shown(result[f'test_{metric}'], metric)}, test loss "
        f"{result['test_loss']:.4f}, retrained from scratch",
        *_beside(result),
        f"rivals     {rivals(result)}",
        *_advised(result),
        *_others(result["compared_architectures"], "compared", "as given", metric),
        f"supernet   {shown(result[f'valid_{metric}'], metric)} on the held-out half",
        *_learnt(result),
    ]
    if short := cut_short(result):
        lines.append(f"note       {short}")
    for name, difference in result.get("exported", {}).items():
        lines.append(f"exported   {out / name}: the same outputs up to {difference:.1e}")
    lines.append(f"report     {out / 'report.html'}")
    if not result["carries"]:
        lines.append(
            "note       no path through this cell is without none, so its output is constant; "
            "--without none searches without it (docs/xnas.md)"
        )
    return "\n".join(lines)


def of_retraining(trained: Sequence[Retrained], out: Path) -> str:
    """The lines on a retraining: for each cell its means over the seeds, with standard errors."""
    metric, lines = trained[0].metric, [""]
    for cell in summarised(trained):
        test, error = shown(cell[f"test_{metric}"], metric), cell[f"test_{metric}_error"]
        spread = "" if error is None else f" ± {shown(error, metric)}"
        if (balanced := cell.get("test_balanced_accuracy")) is not None:
            spread += f" (mean over the classes {balanced:.2%})"
        held_out = cell["held_out_loss"]
        aside = "" if held_out is None else f", held-out loss {held_out:.4f}"
        lines.append(
            f"{cell['name']:<10} test {metric} {test}{spread}, test loss "
            f"{cell['test_loss']:.4f}{aside}, {cell['parameters']:,.0f} parameters"
        )
    lines.append(f"report     {out / 'report.html'}")
    return "\n".join(lines)


def _beside(result: dict[str, Any]) -> list[str]:
    """A line on unequal classes; none where they are equal."""
    said = beside(result)
    return [f"          {said}"] if said else []


def _advised(result: dict[str, Any]) -> list[str]:
    """Lines on the decision: who advised what was found, and how the other advisors' cells did."""
    decision, metric = result["decision"], result["metric"]
    lines = [f"chosen by  {decision['rule']}: the cell of {', '.join(decision['advisors'])}"]
    for row in result["candidates"]:
        if row["architecture"] != result["architecture"] and row[f"test_{metric}"] is not None:
            advisors, test = ", ".join(row["advisors"]), shown(row[f"test_{metric}"], metric)
            lines.append(f"           {advisors}: {test}, {row['test_loss']:.4f}")
    return lines


def _others(rows: list[dict[str, Any]], name: str, what: str, metric: str) -> list[str]:
    """A line on architectures that were trained the same way; none without any."""
    values = ", ".join(shown(row[f"test_{metric}"], metric) for row in rows)
    return [f"{name:<10} {values}: {what}, trained the same way"] if rows else []


def _learnt(result: dict[str, Any]) -> list[str]:
    """Lines on the search itself: how far it can be believed, its regret, its wipe-outs."""
    lines = []
    if result["fidelity"] is not None:
        said = result["fidelity"]["search"]
        lines.append(
            f"belief     {said['sentence']} (rank correlation over {said['cells']} random cells "
            f"{said['spearman']:+.2f}, 95 % {said['low']:+.2f} to {said['high']:+.2f})"
        )
    if result["regret"] is not None:
        bound = result["regret_bound"]
        mean = " on average" * (result["method"] == SampledXNASSettings.name)
        lines += [
            f"regret     {result['regret']:.3g} after {result['steps']} steps; at most "
            f"{result['regret_certificate']:.3g} by this run's certificate"
            + ("" if bound is None else f", {bound:.3g}{mean} by the a-priori bound"),
            f"wiped out  {len(result['wiped_out'])} operations; rewards clipped "
            f"{result['clipped_share']:.1%} of the time",
        ]
    return lines
