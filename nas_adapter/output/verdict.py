"""The verdict of a run in sentences and a table: what was found, who advised it, its rivals."""

from __future__ import annotations

import html
from typing import Any

COMMON = ("parameters", "training", "architecture")
"""The last columns of every table."""


def sentences(result: dict[str, Any]) -> list[str]:
    """What a reader wants to know first, a sentence each, from the content of result.json."""
    return [
        line
        for line in (
            _found(result),
            cut_short(result),
            _decided(result),
            _against_random(result),
            _believed(result),
        )
        if line
    ]


def cut_short(result: dict[str, Any]) -> str:
    """That the search was ended by its time limit; nothing if it was not."""
    steps, planned = result["steps"], result["planned_steps"]
    if steps == planned:
        return ""
    return (
        f"The search was ended by --max-minutes after {steps:,} of {planned:,} steps; the cell is "
        "that of this time."
    )


def shown(value: float | None, metric: str) -> str:
    """A value of the metric in words: accuracy in percent; nothing for None."""
    if value is None:
        return ""
    formats = {"accuracy": ".2%", "perplexity": ".2f"}
    return format(value, formats.get(metric, ".4g"))


def page_part(result: dict[str, Any]) -> str:
    """Sentences and table as HTML."""
    named = result.get("classes")
    said = sentences(result) if "decision" in result else [beside(result).strip()]
    if named:
        said.append(f"Classes, in the order of the outputs: {', '.join(named)}.")
    told = "".join(f"<p>{html.escape(line)}</p>" for line in said if line)
    return told + (retrained(result) if "summary" in result else table(result))


def table(result: dict[str, Any]) -> str:
    """The candidates as an HTML table, the one that was chosen in bold."""
    metric = result["metric"]
    rows = [
        [
            ", ".join(row["advisors"]),
            _loss(row["held_out_loss"], row["held_out_loss_error"]),
            _loss(row["test_loss"]),
            shown(row[f"test_{metric}"], metric),
            _count(row["parameters"]),
            _seconds(row["seconds"]),
            row["architecture"],
        ]
        for row in result.get("candidates", ())
    ]
    if not rows:
        return ""
    return (
        "<h2>Candidates</h2><p>Losses are means over the examples (cross-entropies in nats, unless "
        "the task says otherwise), with their standard errors. The test data decided nothing. A "
        "cell without numbers was not retrained.</p>"
        + _html(
            ["advised by", "held-out loss", "test loss", f"test {metric}", *COMMON],
            rows,
            bold=result["architecture"],
        )
    )


def retrained(result: dict[str, Any]) -> str:
    """Retrained cells as an HTML table: means over the seeds."""
    metric, cells = result["metric"], result["cells"]
    written = {row["name"]: row["architecture"] for row in cells}
    rows = [
        [
            row["name"],
            str(row["seeds"]),
            *(_loss(row[name], row[f"{name}_error"]) for name in ("held_out_loss", "test_loss")),
            shown(row[f"test_{metric}"], metric)
            + _plus_minus(shown(row[f"test_{metric}_error"], metric)),
            _count(row["parameters"]),
            _seconds(row["seconds"]),
            written[row["name"]],
        ]
        for row in result["summary"]
    ]
    return (
        "<h2>Cells</h2><p>Means over the seeds, with their standard errors. Losses are means over "
        "the examples (cross-entropies in nats, unless the task says otherwise).</p>"
        + _html(["cell", "seeds", "held-out loss", "test loss", f"test {metric}", *COMMON], rows)
    )


def _html(head: list[str], rows: list[list[str]], bold: str | None = None) -> str:
    """A table; the rows that end with `bold` in bold."""
    lines = ["".join(f"<th>{html.escape(name)}</th>" for name in head)]
    for row in rows:
        tag = "th" if row[-1] == bold else "td"
        lines.append("".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row))
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table>{body}</table></div>'


def _found(result: dict[str, Any]) -> str:
    metric = result["metric"]
    return (
        f"The cell that was found has test {metric} {shown(result[f'test_{metric}'], metric)} "
        f"(test loss {result['test_loss']:.4f}), retrained from scratch.{beside(result)}"
    )


def beside(result: dict[str, Any]) -> str:
    """What accuracy is to be seen beside where classes are unequal; else nothing."""
    if "largest_class" not in result:
        return ""
    balanced = result.get("test_balanced_accuracy")
    mean = "" if balanced is None else f" the mean over the classes is {balanced:.2%};"
    return (
        f" Classes are unequal:{mean} always guessing {result['largest_class']} gives accuracy "
        f"{result['largest_class_accuracy']:.2%}."
    )


def _decided(result: dict[str, Any]) -> str:
    decision = result["decision"]
    who = " and ".join(decision["advisors"])
    if decision["rule"] == "trained":
        return (
            f"It is the cell of {who}: of all candidates, retrained in full, it has the smallest "
            f"loss on {decision['judging_examples']} examples that nothing had depended on "
            f"({decision['guarantee_sentence']})."
        )
    if decision["rule"] == "advice":
        return (
            f"It is the cell of {who}, by advice alone: trainings that this run could afford would "
            "reward cells that learn fast. Advice can be wrong."
        )
    return "It is the search's own cell."


def _against_random(result: dict[str, Any]) -> str:
    against = result["against_random"]
    if against is None:
        return ""
    less, error = against["found_less_by"], against["standard_error"]
    text = (
        f"Random cells trained the same way ({against['cells']}) have mean test loss "
        f"{against['mean_test_loss']:.4f}; the found cell's is {abs(less):.4f} "
        f"{'lower' if less >= 0 else 'higher'}"
    )
    if error is None:
        return text + "."
    text += f" (standard error of their mean {error:.4f})"
    if abs(less) <= 2 * error:
        return text + ": no better and no worse than chance."
    return text + "."


def _believed(result: dict[str, Any]) -> str:
    fidelity = result["fidelity"]
    if fidelity is None:
        return (
            "How far the search can be believed was not measured: no random cells were trained for "
            "it (--fidelity-cells)."
        )
    said = fidelity["search"]
    return (
        f"How far to believe the search: {said['sentence']} (rank correlation "
        f"{said['spearman']:+.2f}, 95 % interval {said['low']:+.2f} to {said['high']:+.2f}, over "
        f"{said['cells']} random cells trained for {fidelity['epochs']} epochs)."
    )


def _loss(value: float | None, error: float | None = None) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" + _plus_minus("" if error is None else f"{error:.4f}")


def _plus_minus(error: str) -> str:
    return f" ± {error}" if error else ""


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} s"


def _count(value: float) -> str:
    return f"{value:,.0f}"
