"""report.html: what it says, from results that are made up. (In a browser: tests/browser.)"""

from __future__ import annotations

import dataclasses
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nas_adapter.errors import UserError
from nas_adapter.output import charts, drawing, report, verdict
from nas_adapter.output.chart import thinned
from nas_adapter.output.look import DARK, LIGHT
from nas_adapter.output.story import Story
from nas_adapter.spaces import DARTSCNN, NASBench201
from tests.nas_adapter.output.stories import (
    STORIES,
    TAG,
    bare,
    nasty,
    running,
    searched,
    unbounded,
    with_results,
)


def page(story: Story, out: Path) -> str:
    made, failed = report.charts_of(story)
    assert not failed
    report.write_page(out, story, made)
    return (out / "report.html").read_text(encoding="utf-8")


def text_of(written: str) -> str:
    """What a reader sees, without the charts."""
    body = written.partition("<main>")[2].partition("</main>")[0]
    return html.unescape(re.sub(r"<[^>]*>", " ", body))


@pytest.mark.parametrize("story", STORIES)
def test_a_page_is_one_small_file_without_addresses(story: str, tmp_path: Path) -> None:
    written = page(STORIES[story](), tmp_path)
    assert len(written.encode()) < 3e6
    found: list[str] = []

    class Addresses(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(name for name, _ in attrs if name in {"src", "href", "action", "data"})

    Addresses().feed(written)
    assert not found
    charts = re.findall(r'id="charts">(.*?)</script>', written, re.DOTALL)
    assert len(charts) == 1
    specs = json.loads(charts[0])["specs"]
    assert len(specs) == written.count("data-chart=")


def test_the_first_sentence_compares(tmp_path: Path) -> None:
    said = text_of(page(searched(), tmp_path))
    assert (
        "The cell that was found has test accuracy 97.00%; random cells trained the same way "
        "95.50% ± 0.71% (2), the largest cell 98.50%: no better than chance."
    ) in said
    assert "How far to believe the search: no better" in said
    assert "rewards were clipped to [-0.2, 0.2]: 1.0% of them" in said.lower()
    assert "616,064 for each image" in said
    assert "python experiments/run_xnas.py --epochs 40" in said
    assert 'aria-label="After 40 steps: regret 4, certificate of this run 5, bound' in page(
        searched(), tmp_path
    )


def test_what_a_user_named_is_escaped(tmp_path: Path) -> None:
    written = page(nasty(), tmp_path)
    assert TAG not in written
    assert html.escape(TAG) in written
    assert "שלום" in written


def test_what_is_not_known_is_not_said(tmp_path: Path) -> None:
    said = text_of(page(bare(), tmp_path))
    assert "; no random cell was trained the same way to compare it with." in said
    assert "believed was not measured" in said
    assert "ended by --max-minutes after 39 of 40 steps" in said
    assert "Made from Python" in said
    for absent in ("regret", "clipped", "None", "null", "classes", "nan"):
        assert absent not in said


def test_a_learner_without_a_bound_has_no_line_for_it(tmp_path: Path) -> None:
    said = text_of(page(unbounded(), tmp_path))
    assert "certificate of this run" in said
    assert "bound before the run" not in said
    assert "No operation was removed." in said


def test_a_page_under_way_has_no_verdict(tmp_path: Path) -> None:
    said = text_of(page(running(), tmp_path))
    assert "Running: step 20" in said
    assert "No operation was removed." not in said, "it is not known yet"
    assert "The cell that was found" not in said


@pytest.mark.parametrize(
    ("value", "others", "least", "expected"),
    [
        (0.95, [0.90, 0.90], 0.0, 1),  # no spread: anything above is beyond
        (0.95, [0.90, 0.90], 0.01**2, 0),  # 12.7 * 0.01 * sqrt(1.5) = 0.156
        (0.85, [0.90, 0.91] * 5, 0.0, -1),
        (0.92, [0.90, 0.91] * 5, 0.0, 1),  # 0.905 + 2.262 * 0.00527 * sqrt(1.1) = 0.9175
        (0.917, [0.90, 0.91] * 5, 0.0, 0),
    ],
)
def test_what_chance_is(value: float, others: list[float], least: float, expected: int) -> None:
    assert verdict.beyond_chance(value, others, least) == expected


def test_better_depends_on_the_metric() -> None:
    rows = [{"architecture": f"{n}", "test_perplexity": 100.0 + n % 2} for n in range(10)]
    story = with_results(
        searched(), metric="perplexity", higher_is_better=False, test_perplexity=90.0,
        random_architectures=rows, candidates=[],
    )  # fmt: skip
    assert verdict.headline(story.result).endswith("better than random cells.")
    story = with_results(story, test_perplexity=110.0)
    assert verdict.headline(story.result).endswith("worse than random cells.")
    story = with_results(story, decision={"rule": "trained", "advisors": ["random 1"]})
    assert verdict.against_chance(story.result).endswith("it is one of the random cells")


def test_few_test_images_cannot_tell_networks_apart() -> None:
    """Random cells that agree by chance: one image more of 355 is no difference."""

    def said(randoms: float, found: float, images: int) -> str:
        rows = [{"architecture": f"{n}", "test_accuracy": randoms} for n in range(3)]
        story = with_results(
            searched(), random_architectures=rows, test_accuracy=found, test_images=images
        )
        return verdict.against_chance(story.result)

    assert said(0.9944, 0.9972, 355) == "no better than chance"
    assert said(0.9944, 0.9972, 10**7) == "better than random cells"
    assert said(1.0, 354 / 355, 355) == said(0.0, 1 / 355, 355) == "no better than chance"
    assert said(1.0, 340 / 355, 355) == "worse than random cells"


def test_a_cell_that_was_drawn_twice_is_one_random_cell() -> None:
    rows = [{"architecture": "same", "test_accuracy": 0.5}] * 3
    story = with_results(searched(), random_architectures=rows, test_accuracy=0.99, candidates=[])
    assert verdict.rivals(story.result) == (
        "a random cell trained the same way 50.00%: too few random cells to say whether that is "
        "chance"
    )


def test_who_was_passed_over_is_said() -> None:
    decision = {"rule": "advice", "advisors": ["search"], "vetoed": ["prior"]}
    (*_, said) = verdict.sentences(with_results(searched(), decision=decision).result)
    assert "It is the cell of search, by advice alone" in said
    assert "The cell of prior was passed over" in said


def test_a_bound_that_is_known_at_the_end_only_is_drawn() -> None:
    steps = [{**step, "regret_bound": None} for step in searched().steps]
    steps[-1]["regret_bound"] = 9.0
    rows = charts.regret(steps).table
    assert [row[-1] for row in rows] == ["bound before the run", *[""] * (len(rows) - 2), "9"]


def test_the_files_of_a_run_and_what_cannot_be_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = searched()
    report.draw(tmp_path, story)
    names = {"cell.png", "probabilities.png", "regret.png", "wipeout.png"}
    assert {path.name for path in tmp_path.iterdir()} == {*names, "report.html"}
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in names)

    def fail(_: object) -> None:
        raise ValueError("no\nroom")

    monkeypatch.setattr(charts, "regret", fail)
    with pytest.raises(UserError, match=r"^regret: no$"):
        report.draw(tmp_path, story)
    said = (tmp_path / "report.html").read_text()
    assert 'aria-label="Edge 1&lt;-0' in said
    assert 'aria-label="After 40 steps' not in said


def test_a_removed_operation_s_line_ends_where_it_was_removed() -> None:
    story = searched()
    chart = charts.probabilities(story.space, story.steps, story.result["wiped_out"])
    rows = chart.panels[0]["datasets"]["lines"]
    assert [row["v0"] is None for row in rows] == [row["step"] > 30 for row in rows]
    assert chart.panels[0]["datasets"]["crosses"] == [
        {"step": 30, "value": rows[29]["v0"], "name": "none"}
    ]
    assert "removed: none at step 30" in chart.words[0]
    assert "cross" in chart.caption
    assert "cross" not in charts.probabilities(story.space, story.steps, []).caption


def test_of_a_training_that_was_done_anew_only_the_last_one_is_shown() -> None:
    story = searched()
    anew = [
        {**record, "train_loss": 9.0} for record in story.records if "retrain" in record["phase"]
    ]
    again = dataclasses.replace(story, records=[*story.records, *anew[:2]])
    trainings, _ = again.trainings()
    losses = [row["train_loss"] for row in trainings["retrain search"]]
    assert losses == [9.0, 9.0]
    assert trainings["retrain largest"] == story.trainings()[0]["retrain largest"]


def test_long_searches_make_no_larger_pages() -> None:
    steps = searched(steps=4000).steps
    for chart in (charts.regret(steps), charts.losses(steps)):
        rows = chart.panels[0]["datasets"]["lines"]
        assert len(rows) <= charts.POINTS
        assert rows[-1]["step"] == 4000
    assert thinned(range(10), 3) == [1, 5, 9]


@pytest.mark.parametrize("space", [NASBench201(), DARTSCNN()], ids=["line", "column"])
def test_a_drawing_names_every_operation(space: NASBench201 | DARTSCNN) -> None:
    cell = tuple(offered[-1] for offered in space.choices)
    whole = drawing.picture(space, cell)
    assert "var(" not in whole, "a file has colours of its own"
    assert whole.count(f">{space.operations[cell[0]]}</text>") == len(space.edges)
    assert drawing.described(space, cell).count(space.operations[cell[0]]) == len(space.edges)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.2."""

    def luminance(color: str) -> float:
        parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_series_can_be_told_from_the_background(colors: dict[str, str]) -> None:
    assert colors.keys() == LIGHT.keys()
    for name, color in colors.items():
        if name not in {"line", "paper", "card"}:
            assert contrast(color, colors["paper"]) >= 4.5, name


def test_a_story_without_charts_needs_no_scripts(tmp_path: Path) -> None:
    story = dataclasses.replace(bare(), records=())
    assert "<script" not in page(story, tmp_path)
