"""The verdict of a run in sentences: what was found, whether it beats chance, who chose it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from scipy import stats

Result = dict[str, Any]

RULE = (
    "± is the standard deviation over the random cells that differ. Better than random cells: "
    "beyond the 95 % prediction interval for one more of them."
)
"""What the first sentence's words mean."""


def sentences(result: Result) -> list[str]:
    """What a reader wants to know first, a sentence each, from the content of result.json."""
    return [
        line
        for line in (
            headline(result),
            beside(result).strip(),
            cut_short(result),
            believed(result),
            _decided(result),
        )
        if line
    ]


def headline(result: Result) -> str:
    """What was found, beside its rivals, and whether that beats chance."""
    metric = result["metric"]
    value = shown(result[f"test_{metric}"], metric)
    return f"The cell that was found has test {metric} {value}; {rivals(result)}."


def rivals(result: Result) -> str:
    """Random cells and the largest, trained the same way, and whether that beats chance."""
    known = [rival for rival in (_random(result), _largest(result)) if rival]
    if not known:
        return "no random cell was trained the same way to compare it with"
    return f"{', '.join(known)}: {against_chance(result)}"


def against_chance(result: Result) -> str:
    """Whether the found cell is better than one drawn at random, in words; see `beyond_chance`."""
    if any(advisor.startswith("random") for advisor in _advisors(result)):
        return "no better than chance, for it is one of the random cells"
    values = _random_values(result)
    if len(values) < 2:
        return "too few random cells to say whether that is chance"
    value, least = result[f"test_{result['metric']}"], 0.0
    if result["metric"] == "accuracy" and "test_images" in result:
        least = _chance_of_images(statistics.fmean(values), result["test_images"])
    beyond = beyond_chance(value, values, least)
    if beyond == 0:
        return "no better than chance"
    better = (beyond > 0) == result.get("higher_is_better", True)
    return "better than random cells" if better else "worse than random cells"


def beyond_chance(value: float, others: Sequence[float], least_variance: float = 0.0) -> int:
    """Whether a value lies above (1), in (0), or below (-1) where one more of `others` would lie.

    That is the 95 % prediction interval, mean +- t s sqrt(1 + 1/n), of n normal numbers, with t
    the 0.975 quantile of Student's distribution with n - 1 degrees of freedom.

    Parameters
    ----------
    others
        Two or more.
    least_variance
        s^2 is taken to be at least this.

    Source: Hahn & Meeker 1991, "Statistical Intervals", Section 4.7.

    Examples
    --------
    >>> beyond_chance(0.95, [0.93, 0.94]), beyond_chance(0.95, [0.93] * 9 + [0.94])
    (0, 1)
    """
    count, mean = len(others), statistics.fmean(others)
    variance = max(statistics.variance(others), least_variance)
    width = float(stats.t.ppf(0.975, count - 1)) * math.sqrt(variance * (1 + 1 / count))
    return int(value > mean + width) - int(value < mean - width)


def _chance_of_images(accuracy: float, images: int) -> float:
    """Variance of an accuracy by the choice of so many test images.

    p (1 - p) / m, with p the accuracy if one image more were right and one more wrong: not 0 where
    all are right, or none.
    """
    share = (accuracy * images + 1) / (images + 2)
    return share * (1 - share) / images


def cut_short(result: Result) -> str:
    """That the search was ended by its time limit; nothing if it was not."""
    steps, planned = result.get("steps"), result.get("planned_steps")
    if steps == planned or planned is None:
        return ""
    return (
        f"The search was ended by --max-minutes after {steps:,} of {planned:,} steps; the cell is "
        "that of this time."
    )


def shown(value: float | None, metric: str) -> str:
    """A value of the metric in words: accuracy in percent; nothing for None."""
    if value is None:
        return ""
    formats = {"accuracy": ".2%", "balanced_accuracy": ".2%", "perplexity": ".2f"}
    return format(value, formats.get(metric, ".4g"))


def beside(result: Result) -> str:
    """What accuracy is to be seen beside where classes are unequal; else nothing."""
    if "largest_class" not in result:
        return ""
    balanced = result.get("test_balanced_accuracy")
    mean = "" if balanced is None else f" the mean over the classes is {balanced:.2%};"
    return (
        f" Classes are unequal:{mean} always guessing {result['largest_class']} gives accuracy "
        f"{result['largest_class_accuracy']:.2%}."
    )


def believed(result: Result) -> str:
    """How far the search can be believed, as far as that was measured."""
    fidelity = result["fidelity"]
    if fidelity is None:
        return (
            "How far the search can be believed was not measured: no random cells were trained for "
            "it (--fidelity-cells)."
        )
    said, epochs = fidelity["search"], fidelity["epochs"]
    return (
        f"How far to believe the search: {said['sentence']} (rank correlation "
        f"{said['spearman']:+.2f}, 95 % interval {said['low']:+.2f} to {said['high']:+.2f}, over "
        f"{said['cells']} random cells trained for {epochs} epoch{'s' * (epochs != 1)})."
    )


def clipped(result: Result) -> str:
    """How often rewards were clipped, and at what; nothing where none are."""
    share, bound = result.get("clipped_share"), result.get("reward_bound")
    if share is None or bound is None:
        return ""
    return f"Rewards were clipped to [-{bound:.3g}, {bound:.3g}]: {share:.1%} of them."


def of_cells(result: Result) -> list[str]:
    """A sentence on every cell that was given: its mean over the seeds."""
    metric = result["metric"]
    found = []
    for row in result["summary"]:
        value, error = shown(row[f"test_{metric}"], metric), row[f"test_{metric}_error"]
        spread = "" if error is None else f" ± {shown(error, metric)}"
        seeds = f"{row['seeds']} seed{'s' * (row['seeds'] != 1)}"
        found.append(f"{row['name']} has test {metric} {value}{spread} ({seeds}).")
    return [*found, *([said] if (said := beside(result).strip()) else [])]


def _advisors(result: Result) -> list[str]:
    return list(result["decision"]["advisors"])


def _random_values(result: Result) -> list[float]:
    """Test metrics of the random cells; of one that was drawn twice it is no second value."""
    field = f"test_{result['metric']}"
    values = {row["architecture"]: row[field] for row in result["random_architectures"]}
    return [value for value in values.values() if value is not None]


def _random(result: Result) -> str:
    """The random cells in words; nothing where there are none."""
    metric, values = result["metric"], _random_values(result)
    if not values:
        return ""
    mean = shown(statistics.fmean(values), metric)
    if len(values) == 1:
        return f"a random cell trained the same way {mean}"
    spread = shown(statistics.stdev(values), metric)
    return f"random cells trained the same way {mean} ± {spread} ({len(values)})"


def _largest(result: Result) -> str:
    """The largest cell in words; nothing where it was not trained, or was found."""
    metric = result["metric"]
    for row in result["candidates"]:
        value = row[f"test_{metric}"]
        if "largest" in row["advisors"] and value is not None:
            found = row["architecture"] == result["architecture"]
            return "" if found else f"the largest cell {shown(value, metric)}"
    return ""


def _decided(result: Result) -> str:
    decision = result["decision"]
    who = " and ".join(decision["advisors"])
    if decision["rule"] == "trained":
        return (
            f"It is the cell of {who}: of all candidates, retrained in full, it has the smallest "
            "mean loss, each cut at what guessing loses, on "
            f"{decision['judging_examples']} examples that nothing had depended on "
            f"({decision['guarantee_sentence']})."
        )
    if decision["rule"] == "advice":
        passed = "".join(
            f" The cell of {advisor} was passed over: its loss did not fall in the first steps, or "
            "no path leads through it."
            for advisor in decision["vetoed"]
        )
        return (
            f"It is the cell of {who}, by advice alone: no training has compared it with others. "
            f"Advice can be wrong.{passed}"
        )
    return "It is the search's own cell."
