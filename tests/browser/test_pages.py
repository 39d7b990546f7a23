"""report.html in a browser: nothing overflows, everything is drawn, nothing is fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from nas_adapter.output.look import DARK, LIGHT
from tests.nas_adapter.output.stories import STORIES

WIDTHS = (1280, 390)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

OVERFLOWING = """() => {
  const inside = (part) => part.closest(".wide, .cells > div");
  const found = [];
  for (const part of document.querySelectorAll("main *")) {
    const box = part.getBoundingClientRect();
    const words = [...part.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!words || inside(part) || box.width === 0) continue;
    const outer = part.closest("svg")?.getBoundingClientRect();
    const [left, right] = outer ? [outer.left, outer.right] : [0, innerWidth];
    if (box.left < left - 1 || box.right > right + 1) found.push(part.outerHTML.slice(0, 200));
  }
  return found;
}"""
"""Elements with words of their own that reach beyond the window, or a chart's beyond the chart;
what can be moved sideways may."""

EMPTY = """() => [...document.querySelectorAll(".panel")]
  .filter((panel) => ![...panel.querySelectorAll(
    ".role-mark path, .role-mark line, .role-mark rect"
  )].some((mark) => {
    const box = mark.getBoundingClientRect();
    return box.width + box.height > 2;
  }))
  .map((panel) => panel.ariaLabel)"""
"""Words of the charts in which no mark can be seen."""

Opened = Callable[[Path, int, Literal["light", "dark"]], Page]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """Opens a page; no request but for the file, no error and no warning until the test's end."""
    wrong: list[str] = []
    contexts = []

    def open_page(path: Path, width: int, scheme: Literal["light", "dark"]) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        address = path.as_uri()
        page.on("request", lambda one: wrong.append(one.url) if one.url != address else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text))
        page.goto(address)
        page.wait_for_selector("body.drawn")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("story", STORIES)
def test_a_page(
    story: str, width: int, scheme: Literal["light", "dark"], pages: dict[str, Path], opened: Opened
) -> None:
    page = opened(pages[story], width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERFLOWING) == []
    assert page.evaluate(EMPTY) == []
    assert page.locator(".panel").count() > 0
    color = (DARK if scheme == "dark" else LIGHT)["paper"]
    found = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert found == f"rgb({int(color[1:3], 16)}, {int(color[3:5], 16)}, {int(color[5:], 16)})"
    faults = [
        (fault["id"], fault["nodes"][0]["html"])
        for fault in Axe().run(page).response["violations"]
        if fault["impact"] in {"serious", "critical"}
    ]
    assert not faults


def test_names_are_shown_as_they_are(pages: dict[str, Path], opened: Opened) -> None:
    page = opened(pages["nasty"], 1280, "light")
    assert page.title().startswith("xnas in ")
    assert page.locator("main script").count() == 0
    assert page.get_by_text("<script>document.title").count() > 0


def test_values_are_shown_by_pointing_at_a_line(pages: dict[str, Path], opened: Opened) -> None:
    page = opened(pages["searched"], 1280, "light")
    panel = page.locator('.panel[aria-label^="Edge 1<-0"]')
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tip = page.locator("#vg-tooltip-element.visible")
    tip.wait_for()
    assert "nor_conv_3x3" in tip.inner_text()


def test_numbers_are_reached_by_the_keyboard(pages: dict[str, Path], opened: Opened) -> None:
    page = opened(pages["searched"], 390, "dark")
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open] table").is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "region"


def test_a_page_under_way_reads_itself_anew_until_it_is_stopped(
    pages: dict[str, Path], browser: Browser, tmp_path: Path
) -> None:
    text = pages["running"].read_text()
    file = tmp_path / "report.html"
    file.write_text(text.replace('data-seconds="10"', 'data-seconds="1"'))
    context = browser.new_context()
    page = context.new_page()
    page.goto(file.as_uri())
    page.get_by_text("Running: step 20").wait_for()
    file.write_text(text.replace("Running: step 20", "Running: step 30"))
    page.get_by_text("Running: step 30").wait_for()
    page.get_by_label("read this page anew").uncheck()
    page.reload()
    assert not page.get_by_label("read this page anew").is_checked()
    context.close()
    assert "read this page anew" not in pages["searched"].read_text()


def test_it_prints_on_a4(pages: dict[str, Path], opened: Opened) -> None:
    """In light colours, whatever the screen's, and nothing beyond the paper's edge."""
    page = opened(pages["searched"], 718, "dark")  # A4 less its margins, in pixels
    page.emulate_media(media="print", color_scheme="dark")
    color = page.evaluate("getComputedStyle(document.body).getPropertyValue('--paper')")
    assert color == LIGHT["paper"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 718
    assert page.evaluate(OVERFLOWING.replace('".wide, .cells > div"', '"nothing"')) == []
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
