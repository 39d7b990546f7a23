"""report.html: what was combined, how good it is, and the pictures, in one file for any screen."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from experts.forecasting.plots import PLOT, Course, draw_losses, draw_scores, draw_weights
from experts.forecasting.scores import COLUMNS, HINDSIGHT, OURS, UNIFORM, ScoreTable, shown
from experts.numerics.figures import new_figure

_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem}
figure{margin:0}img{width:100%;background:#fff}
figcaption{font-size:.9rem}
.wide{overflow-x:auto}
table{border-collapse:collapse}
th,td{padding:.25rem .6rem;border-bottom:1px solid #8886;text-align:right;white-space:nowrap}
th:first-child,th:last-child,td:first-child,td:last-child{text-align:left}
tr.ours{font-weight:bold}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}
dt{font-weight:bold}dd{margin:0;overflow-wrap:anywhere}
@media (prefers-color-scheme:dark){body{background:#121212;color:#e4e4e4}
img{filter:invert(.93) hue-rotate(180deg)}}
"""

_CHANCE = "the difference may be chance"

_PICTURES = (
    (draw_weights, "How much of every forecast is in ours. A missing forecast has weight 0."),
    (
        draw_losses,
        "Losses of every forecaster less ours, summed up. A line above 0 has lost more than we "
        "have; where it falls, that forecaster was better at the time.",
    ),
    (
        draw_scores,
        "The bar is where the score may lie beside ours, with a probability of 95 %: if it crosses "
        "the line, which of the two is better is not clear from this table.",
    ),
)


def page(title: str, facts: Mapping[str, str], found: Course, coming: Mapping[str, str]) -> str:
    """The HTML.

    Parameters
    ----------
    title
    facts
        What was taken for what.
    found
        What happened.
    coming
        Weights of the next row, by expert.
    """
    pictures = "".join(
        f"<figure>{_image(draw, found)}<figcaption>{caption}</figcaption></figure>"
        for draw, caption in _PICTURES
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{html.escape(title)}</h1><p>{html.escape(verdict(found.scores, found.names))}</p>"
        f'<div class="pictures">{pictures}</div>'
        f"<h2>Scores</h2>{_scores(found.scores)}"
        f"<h2>Weights of the next row</h2>{_list(coming)}"
        f"<h2>What was read</h2>{_list(facts)}</body></html>\n"
    )


def verdict(scores: ScoreTable, names: Sequence[str]) -> str:
    """The scores in a sentence or two."""
    table = {record["forecaster"]: record for record in scores if record["score"] is not None}
    if OURS not in table:
        return "There are no observations yet, so no scores."
    ours = table.pop(OURS)
    text = f"{ours['measure']} of the combined forecasts, in {ours['rows']} rows: "
    text += f"{shown(ours['score'])}."
    single = [table[name] for name in names if name in table]
    best = min(single, key=lambda record: record["difference"], default=None)
    for what, record in (
        (f"best single forecaster, {best['forecaster']}" if best else "", best),
        (UNIFORM, table.get(UNIFORM)),
        (HINDSIGHT, table.get(HINDSIGHT)),
    ):
        if record is not None:
            same = record["rows"] == ours["rows"]
            where = "" if same else f", ours on its rows {shown(record['reference'])}"
            text += f" The {what}: {shown(record['score'])}{where}"
            said = record["verdict"] or "too few rows to tell"
            text += f" ({_CHANCE if said == 'not clear' else said})."
    return text


def _image(draw: Callable[[Any, Course], None], found: Course) -> str:
    height = 3.6 if draw is not draw_scores else 1.2 + 0.3 * len(found.scores)
    figure = new_figure(PLOT, 4.8, height)
    draw(figure.subplots(), found)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=170)
    code = base64.b64encode(buffer.getvalue()).decode()
    title = html.escape(figure.axes[0].get_title(loc="left"))
    return f'<img alt="{title}" src="data:image/png;base64,{code}">'


def _scores(scores: ScoreTable) -> str:
    head = "".join(
        f"<th>{html.escape(scores[0]['measure'] if name == 'score' else name)}</th>"
        for name in COLUMNS
    )
    rows = "".join(
        f"<tr{' class=ours' * (record['forecaster'] == OURS)}>"
        + "".join(f"<td>{html.escape(shown(record[name]))}</td>" for name in COLUMNS)
        + "</tr>"
        for record in scores
    )
    return (
        f'<div class="wide"><table><tr>{head}</tr>{rows}</table></div><p>reference: our score on '
        "the same rows. difference: the score less the reference, with its 95 % interval (low, "
        "high).</p>"
    )


def _list(pairs: Mapping[str, str]) -> str:
    return (
        "<dl>"
        + "".join(
            f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>"
            for name, value in pairs.items()
        )
        + "</dl>"
    )
