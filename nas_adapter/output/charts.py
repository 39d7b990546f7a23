"""Charts of a run in Vega-Lite: what each shows, in words too, and the numbers behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import altair as alt

from nas_adapter.output.chart import FEW, Chart, Record, colored, lines, number, plain, thinned
from nas_adapter.output.look import series
from nas_adapter.spaces import Space

POINTS = 150
"""Steps, evenly spread, that a line is drawn through."""


def probabilities(space: Space, steps: Sequence[Record], wiped_out: Sequence[Record]) -> Chart:
    """The distribution on every edge over the search; a cross: an operation is removed."""
    shown = thinned([record for record in steps if "probabilities" in record], POINTS)
    gone = removals(wiped_out)
    panels, words, rows = [], [], []
    for index, (edge, offered) in enumerate(zip(space.edges, space.choices, strict=True)):
        names = [space.operations[operation] for operation in offered]
        play = [[record["probabilities"][index][k] for k in offered] for record in shown]
        left = [
            [value if record["step"] <= gone.get((edge, name), math.inf) else None
             for name, value in zip(names, values, strict=True)]
            for record, values in zip(shown, play, strict=True)
        ]  # fmt: skip
        colors = [series(operation) for operation in offered]
        data = [
            {
                "step": record["step"],
                **{f"v{k}": None if v is None else round(v, 4) for k, v in enumerate(values)},
            }
            for record, values in zip(shown, left, strict=True)
        ]
        ends = [_last(data, f"v{k}") for k, name in enumerate(names) if (edge, name) in gone]
        removed = [
            {"step": end[0], "value": end[1], "name": name}
            for end, name in zip(ends, [n for n in names if (edge, n) in gone], strict=True)
            if end is not None
        ]
        panel = lines(data, names, colors, "probability", share=True, crosses=removed)
        panels.append(panel | {"title": f"edge {edge}", "height": 110})
        final = dict(zip(names, play[-1], strict=True))
        words.append(_edge_in_words(edge, shown[-1]["step"], final, gone))
        rows.append([edge, *(_share(final.get(name)) for name in space.operations)])
    return Chart(
        "probabilities", "Distribution on every edge",
        "The probability of every operation over the search."
        + " A line that ends at a cross is an operation that could no longer win and was removed."
        * bool(gone),
        panels, words,
        {name: series(index) for index, name in enumerate(space.operations)
         if any(index in offered for offered in space.choices)},
        [["edge", *space.operations], *rows],
    )  # fmt: skip


def regret(steps: Sequence[Record]) -> Chart:
    """Regret, certificate and a-priori bound over the steps, summed over the edges."""
    shown = thinned([record for record in steps if record.get("regret") is not None], POINTS)
    fields = {"regret": "regret", "regret_certificate": "certificate of this run",
              "regret_bound": "bound before the run"}  # fmt: skip
    known = {field: name for field, name in fields.items() if shown[-1].get(field) is not None}
    data = [
        {"step": record["step"], **{f"v{k}": record.get(field) for k, field in enumerate(known)}}
        for record in shown
    ]
    colors = [series(k) for k in range(len(known))]
    last = shown[-1]
    said = ", ".join(f"{name} {last[field]:.3g}" for field, name in known.items())
    return Chart(
        "regret", "Regret and what bounds it",
        "Regret: how much more the run has lost, so far, than the best cell in hindsight (of the "
        "operations that are left) would have, summed over the edges, in the losses that the "
        "learners take in (clipped; estimates where one cell was sampled).",
        [lines(data, list(known.values()), colors, "regret", zero=True) | {"height": 260}],
        [f"After {last['step']} steps: {said}."],
        dict(zip(known.values(), colors, strict=True)),
        [["step", *known.values()],
         *([str(r["step"]), *(number(r.get(f)) for f in known)] for r in thinned(shown, 10))],
    )  # fmt: skip


def wipeouts(space: Space, wiped_out: Sequence[Record], total: int) -> Chart:
    """The wipe-outs on a time line: a row for each edge, a mark for each removal."""
    names = {row["operation"] for row in wiped_out}
    order = [index for index, name in enumerate(space.operations) if name in names]
    domain = [space.operations[index] for index in order]
    chart = (
        alt.Chart(alt.NamedData("removed"))
        .mark_point(filled=True, size=45, opacity=0.9)
        .encode(
            x=alt.X("step:Q", title="search step", axis=FEW,
                    scale=alt.Scale(domain=[0, total], nice=False)),
            y=alt.Y("edge:N", title=None, sort=list(space.edges),
                    scale=alt.Scale(domain=list(space.edges)), axis=alt.Axis(grid=True)),
            yOffset=alt.YOffset("operation:N", scale=alt.Scale(domain=domain)),
            color=colored("operation:N", domain, [series(index) for index in order]),
            shape=alt.Shape("operation:N", scale=alt.Scale(domain=domain), legend=None),
            tooltip=["step:Q", alt.Tooltip("edge:N"), alt.Tooltip("operation:N")],
        )
    )  # fmt: skip
    count = sum(len(offered) for offered in space.choices)
    first, last = (pick(row["step"] for row in wiped_out) for pick in (min, max))
    return Chart(
        "wipeout", "When operations were removed",
        f"{len(wiped_out)} of {count} operations were removed: each could no longer win.",
        [plain(chart, removed=wiped_out) | {"height": max(140, 18 * len(space.edges))}],
        [f"{len(wiped_out)} of {count} operations removed, the first at step {first}, the last at "
         f"step {last} of {total}."],
        {name: series(index) for name, index in zip(domain, order, strict=True)},
        [["step", "edge", "operation"],
         *([str(row["step"]), row["edge"], row["operation"]] for row in wiped_out)],
    )  # fmt: skip


def losses(steps: Sequence[Record]) -> Chart:
    """Training and held-out loss of the search, means over neighbouring steps."""
    size = max(1, math.ceil(len(steps) / POINTS))
    fields = {"train_loss": "training half", "valid_loss": "held-out half"}
    known = {f: name for f, name in fields.items() if any(f in record for record in steps)}
    data = []
    for start in range(0, len(steps), size):
        part = steps[start : start + size]
        means = {f"v{k}": _mean([r[f] for r in part if f in r]) for k, f in enumerate(known)}
        data.append({"step": part[-1]["step"], **means})
    colors = [series(k) for k in range(len(known))]
    ends = [_last(data, f"v{k}") for k in range(len(known))]
    said = ", ".join(
        f"{name} {end[1]:.3g}" for name, end in zip(known.values(), ends, strict=True) if end
    )
    return Chart(
        "losses", "Loss during the search",
        f"Means over {size} steps." if size > 1 else "Of every step.",
        [lines(data, list(known.values()), colors, "loss") | {"height": 200}],
        [f"Loss at the end of the search: {said}."],
        dict(zip(known.values(), colors, strict=True)),
        [["step", *known.values()],
         *([str(row["step"]), *(number(row[f"v{k}"]) for k in range(len(known)))]
           for row in thinned(data, 10))],
    )  # fmt: skip


def curves(trainings: dict[str, list[Record]], shown_as: dict[str, str]) -> Chart:
    """Training losses of the retrained networks, epoch by epoch.

    Parameters
    ----------
    trainings
        Their records by the name of the training.
    shown_as
        Name of the training -> name of the network, which several seeds share.
    """
    names = list(dict.fromkeys(shown_as[training] for training in trainings))
    data = [
        {"epoch": row["epoch"], "loss": row["train_loss"], "name": shown_as[key], "training": key}
        for key, rows in trainings.items()
        for row in rows
    ]
    colors = [series(index) for index in range(len(names))]
    scale = alt.Scale(type="log" if all(row["loss"] > 0 for row in data) else "linear")
    base = alt.Chart(alt.NamedData("epochs")).encode(
        x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1),
                scale=alt.Scale(zero=False, nice=False)),
        y=alt.Y("loss:Q", title="training loss", scale=scale, axis=alt.Axis(tickCount=4)),
        color=colored("name:N", names, colors),
        detail="training:N",
        tooltip=[alt.Tooltip("name:N", title="network"), alt.Tooltip("epoch:Q"),
                 alt.Tooltip("loss:Q", format=".4f")],
    )  # fmt: skip
    ends = [(shown_as[key], rows[0], rows[-1]) for key, rows in trainings.items()]
    return Chart(
        "curves", "Training curves",
        "Mean training loss of every epoch. Training data is not test data: the lowest line need "
        "not be the best network.",
        [plain(base.mark_line(point={"size": 22}), epochs=data) | {"height": 240}],
        ["; ".join(f"{name}: {a['train_loss']:.3g} to {b['train_loss']:.3g}"
                   for name, a, b in ends) + "."],
        dict(zip(names, colors, strict=True)),
        [["network", "epochs", "first loss", "last loss"],
         *([name, str(b["epoch"]), f"{a['train_loss']:.4f}", f"{b['train_loss']:.4f}"]
           for name, a, b in ends)],
    )  # fmt: skip


def fidelity(said: dict[str, Record]) -> Chart:
    """Rank correlations of the advisors' beliefs with trained quality, with their intervals."""
    rows = [{"advisor": name, **row} for name, row in said.items()]
    y = alt.Y("advisor:N", title=None, sort=list(said))
    domain = alt.Scale(domain=[-1, 1])
    base = alt.Chart(alt.NamedData("advisors")).encode(
        y=y, tooltip=["advisor:N", *(alt.Tooltip(f"{f}:Q", format="+.2f")
                                     for f in ("spearman", "low", "high"))],
    )  # fmt: skip
    title = "rank correlation"
    parts = [
        alt.Chart(alt.NamedData("chance")).mark_rule(strokeDash=[4, 3]).encode(x=alt.datum(0)),
        base.mark_rule(strokeWidth=3).encode(
            x=alt.X("low:Q", title=title, scale=domain, axis=alt.Axis(tickCount=5)), x2="high:Q"
        ),
        base.mark_point(filled=True, size=90, opacity=1).encode(
            x=alt.X("spearman:Q", scale=domain)
        ),
    ]
    words = [
        f"{name}: {row['spearman']:+.2f}, interval {row['low']:+.2f} to {row['high']:+.2f}"
        for name, row in said.items()
    ]
    return Chart(
        "fidelity", "How far the search can be believed",
        "Rank correlation, over random cells, of what an advisor believed of them with their "
        "held-out losses once they were trained. 1: it ranks them as training does; 0: no better "
        "than chance. Bars: 95 % intervals.",
        [plain(alt.layer(*parts), advisors=rows, chance=[{}]) | {"height": 34 * len(rows) + 10}],
        ["; ".join(words) + "."], {},
        [["advisor", "correlation", "low", "high"],
         *([name, *(f"{row[f]:+.2f}" for f in ("spearman", "low", "high"))]
           for name, row in said.items())],
    )  # fmt: skip


def effects(space: Space, found: Sequence[Record]) -> Chart:
    """What each operation is worth on every edge, with its standard error."""
    panels, words, rows = [], [], []
    for edge in space.edges:
        mine = [row for row in found if edge in row["options"]]
        data = [
            {"name": row["options"][edge], "effect": row["effect"],
             "low": row["effect"] - row["standard_error"],
             "high": row["effect"] + row["standard_error"]}
            for row in mine
        ]  # fmt: skip
        base = alt.Chart(alt.NamedData("effects")).encode(
            y=alt.Y("name:N", title=None, sort=list(space.operations)),
            tooltip=["name:N", *(alt.Tooltip(f"{f}:Q", format="+.2f")
                                 for f in ("effect", "low", "high"))],
        )  # fmt: skip
        bars = base.mark_bar().encode(
            x=alt.X("effect:Q", title="better by (standard deviations)"),
            color=colored("name:N", space.operations, map(series, range(len(space.operations)))),
        )
        errors = base.mark_rule().encode(x="low:Q", x2="high:Q")
        drawn = plain(alt.layer(bars, errors), effects=data)
        panels.append(drawn | {"title": f"edge {edge}", "height": 18 * len(space.operations)})
        order = sorted(data, key=lambda row: -row["effect"])
        words.append(f"Edge {edge}: " + ", ".join(f"{r['name']} {r['effect']:+.2f}" for r in order))
        rows += [
            [edge, row["options"][edge], f"{row['effect']:+.3f}", f"{row['standard_error']:.3f}"]
            for row in mine
        ]
    return Chart(
        "effects", "What each operation is worth on every edge",
        "How much better or worse each operation makes a cell, on average over the rest of the "
        "cell, as the model of the trained cells sees it: in standard deviations over cells, with "
        "one standard error; right is better.",
        panels, words, {}, [["edge", "operation", "effect", "standard error"], *rows],
    )  # fmt: skip


def removals(wiped_out: Sequence[Record]) -> dict[tuple[str, str], int]:
    """(edge, operation) -> the step at which it was removed."""
    return {(row["edge"], row["operation"]): row["step"] for row in wiped_out}


def _edge_in_words(
    edge: str, step: int, final: dict[str, float], gone: dict[tuple[str, str], int]
) -> str:
    best = max(final, key=lambda name: final[name])
    lost = [f"{name} at step {gone[edge, name]}" for name in final if (edge, name) in gone]
    removed = f"; removed: {', '.join(lost)}" if lost else ""
    return f"Edge {edge}, step {step}: {best} has probability {final[best]:.2f}{removed}."


def _last(data: Sequence[Record], field: str) -> tuple[int, float] | None:
    """The last (step, value) of a line; None if it has none."""
    known = [(row["step"], row[field]) for row in data if row[field] is not None]
    return known[-1] if known else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
