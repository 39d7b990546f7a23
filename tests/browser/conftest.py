"""Pages in headless Chromium, which .ci/run sees to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from nas_adapter.output import report
from tests.nas_adapter.output.stories import STORIES


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium of this machine."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path is not None, "there is no Chromium: install Debian's package chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of every story, by its name."""
    found = {}
    for name, make in STORIES.items():
        out = tmp_path_factory.mktemp("page")
        story = make()
        made, failed = report.charts_of(story)
        assert not failed
        report.write_page(out, story, made)
        found[name] = out / "report.html"
    return found
