"""report.html and the pictures of a run, made from its metrics and its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

import vl_convert

from experts.numerics.files import replace
from nas_adapter.errors import UserError
from nas_adapter.output import charts, drawing, tables, verdict
from nas_adapter.output.chart import Chart
from nas_adapter.output.page import Page, pairs, words
from nas_adapter.output.story import Story
from nas_adapter.spaces import Architecture, Space

REGRET = (
    "On every edge of the cell a player has a probability for every operation and changes them "
    "step by step. Regret is what the players have lost beyond the best cell in hindsight: if it "
    "grows more slowly than the number of steps, the players learn. The certificate is proven: "
    "regret cannot be larger. So is the bound, but on average over the samples where one cell is "
    "sampled in every step. They speak of the losses that the players saw, from weights that all "
    "cells share; whether those tell good cells from bad ones is another question: see the rank "
    "correlation, where it was measured."
)
"""What a reader has to know of regret."""

FILES = ("probabilities", "regret", "wipeout", "effects")
"""Charts that are written as PNG files, too."""


def draw(out: Path, story: Story) -> None:
    """Write report.html and the pictures that there is data for.

    `UserError` at the end for what cannot be drawn; the rest is written without it.
    """
    made, failed = charts_of(story)
    for name in FILES:
        if name in made:
            with _noted(failed, f"{name}.png"):
                _write(out / f"{name}.png", made[name].png())
    for name, cell in story.cells.items():
        with _noted(failed, f"{name}.png"):
            _write(out / f"{name}.png", cells(story.space, cell))
    write_page(out, story, made)
    if failed:
        raise UserError("; ".join(f"{name}: {reason}" for name, reason in failed.items()))


def draw_live(out: Path, story: Story) -> None:
    """Write report.html of a run under way."""
    write_page(out, story, charts_of(story)[0])


def cells(space: Space, architecture: Architecture) -> bytes:
    """The picture of an architecture as a PNG file."""
    return vl_convert.svg_to_png(drawing.picture(space, architecture), scale=1.5)


def charts_of(story: Story) -> tuple[dict[str, Chart], dict[str, str]]:
    """Charts of what a run has data for, by their names; and why others could not be made."""
    result, steps, space = story.result, story.steps, story.space
    wiped, (trainings, names) = result.get("wiped_out") or [], story.trainings()
    beliefs = {k: v for k, v in (result.get("fidelity") or {}).items() if isinstance(v, dict)}
    wanted: dict[str, tuple[object, Callable[[], Chart]]] = {
        "probabilities": (
            [step for step in steps if "probabilities" in step],
            lambda: charts.probabilities(space, steps, wiped),
        ),
        "regret": (
            [step for step in steps if step.get("regret") is not None],
            lambda: charts.regret(steps),
        ),
        "wipeout": (wiped, lambda: charts.wipeouts(space, wiped, steps[-1]["step"])),
        "effects": (
            result.get("effects"),
            lambda: charts.effects(space, result["effects"]),
        ),
        "losses": (steps, lambda: charts.losses(steps)),
        "fidelity": (beliefs, lambda: charts.fidelity(beliefs)),
        "curves": (trainings, lambda: charts.curves(trainings, names)),
    }
    made: dict[str, Chart] = {}
    failed: dict[str, str] = {}
    for name, (data, make) in wanted.items():
        if data:
            with _noted(failed, name):
                made[name] = make()
    return made, failed


def write_page(out: Path, story: Story, made: dict[str, Chart]) -> None:
    """Write report.html, with the charts that were made."""
    result = story.result
    page = Page(f"{result['method']} in {result['space']} on {result['data']}")
    page.add('<div class="first"><div>')
    if story.progress:
        page.paragraph(story.progress, "running lead")
    elif "decision" in result:
        first, *further = verdict.sentences(result)
        page.paragraph(first, "lead")
        page.paragraph(verdict.RULE if "±" in first else "", "small")
        for line in further:
            page.paragraph(line)
    elif "summary" in result:
        for line in verdict.of_cells(result):
            page.paragraph(line, "lead")
    page.add(pairs(tables.spent(story)))
    page.add("</div><div>")
    for name, cell in story.cells.items():
        page.add(drawn_cell(story.space, cell, name if len(story.cells) > 1 else ""))
    page.add("</div></div>")
    _networks(page, story, made)
    _search(page, story, made)
    _how(page, story)
    text = page.html(reload=story.progress is not None)
    replace(out / "report.html", lambda path: path.write_text(text, encoding="utf-8"))


def drawn_cell(space: Space, cell: Architecture, name: str = "") -> str:
    """The drawing of a cell, with its genotype, as HTML."""
    said = escape(drawing.described(space, cell))
    panels = "".join(f"<div>{drawing.inline(one)}</div>" for one in drawing.panels(space, cell))
    title = f"<p><strong>{words(name)}</strong></p>" if name else ""
    return (
        f'<figure>{title}<div class="cells" role="img" aria-label="{said}">{panels}</div>'
        f"<figcaption><code>{words(space.genotype(cell))}</code></figcaption></figure>"
    )


def _networks(page: Page, story: Story, made: dict[str, Chart]) -> None:
    """What was trained, and how far the search's beliefs agree with it."""
    result = story.result
    if result.get("candidates") or result.get("summary"):
        page.heading("Networks that were trained")
        page.add(tables.networks(result) if "candidates" in result else tables.retrained(result))
        page.paragraph(
            "Losses are means over the examples (cross-entropies in nats, unless the task says "
            "otherwise); ± is a standard error: of a search's cells over the examples, of given "
            "cells over the seeds. The test data decided nothing. A cell without numbers was not "
            "trained.",
            "small",
        )
    page.charts(made[name] for name in ("curves", "fidelity") if name in made)


def _search(page: Page, story: Story, made: dict[str, Chart]) -> None:
    """The search: probabilities, regret, wipe-outs, what was clipped."""
    order = ("probabilities", "regret", "wipeout", "effects", "losses")
    found = [made[name] for name in order if name in made]
    if not found:
        return
    page.heading("The search")
    if "regret" in made:
        page.paragraph(REGRET)
        page.paragraph(verdict.clipped(story.result))
        if story.progress is None and not story.result.get("wiped_out"):
            page.paragraph("No operation was removed.")
    page.charts(found)


def _how(page: Page, story: Story) -> None:
    """What is needed to make the run again."""
    result = story.result
    page.heading("How it was made")
    if story.changed:
        page.add(tables.settings(story.changed))
    else:
        page.paragraph("All settings are the default ones.")
    if story.command is None:
        page.paragraph("Made from Python, with data or a space that no command line can name.")
    else:
        page.paragraph("The same run again:")
        page.add(f"<pre><code>{words(story.command)}</code></pre>")
    known = {
        "data": result.get("understood") or "",
        "classes, in the order of the outputs": ", ".join(result.get("classes") or ()),
        "device": result.get("device") or "",
        **{name: text or "" for name, text in result.get("versions", {}).items()},
    }
    page.add(pairs(known))


@contextmanager
def _noted(failed: dict[str, str], what: str) -> Iterator[None]:
    """Context in which an error ends the block and is noted: the rest is worth having without."""
    try:
        yield
    except Exception as error:
        failed[what] = str(error).partition("\n")[0] or type(error).__name__


def _write(path: Path, content: bytes) -> None:
    replace(path, lambda fresh: fresh.write_bytes(content))
