"""A real browser without a window, for the pages that gampen writes."""

import os
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
WIDE, PHONE = (1360, 900), (390, 844)


def chromium():
    """The browser's file; where there is none the test is skipped, and fails in CI."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        reason = f"the report is tested in a browser; none of {', '.join(NAMES)} is installed"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return found


@dataclass
class Visit:
    """A page that is open, what it complained of, and what it asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    session: CDPSession | None = None

    def listen(self):
        """Hear all complaints and requests from now on."""
        self.page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("dialog", lambda asked: self.complaints.append(f"dialog: {asked.message}"))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def column(self, name):
        """The numbers or texts of the table's rows in view, from the top."""
        cells = self.page.locator(f".tabulator-row .tabulator-cell[tabulator-field='{name}']")
        return [text.split("\n")[0] for text in cells.all_inner_texts()]

    def until(self, condition, seconds=30):
        """Wait for a condition, asking from outside: the page may evaluate no text."""
        end = time.monotonic() + seconds
        while not self.page.evaluate(condition):
            assert time.monotonic() < end, condition
            self.page.wait_for_timeout(20)

    def order(self):
        """The galaxies of the table, sorted and filtered as it is, by row of the catalogue."""
        return self.page.evaluate("gampen.order()")


@contextmanager
def visiting(browser, path, size=WIDE, scheme="light", *, metered=False):
    """A report, open and ready in a fresh browser profile."""
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    visit = Visit(context.new_page())
    visit.listen()
    if metered:
        visit.session = context.new_cdp_session(visit.page)
        visit.session.send("Performance.enable", {"timeDomain": "threadTicks"})
    visit.page.goto(Path(path).resolve().as_uri(), wait_until="commit")
    visit.page.wait_for_selector("html[data-ready=table]", timeout=60_000)
    try:
        yield visit
    finally:
        context.close()


@contextmanager
def running():
    """The browser."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser, path):
    """A report and the time [second] that the page's own thread took until its table was ready.

    Of this thread alone, so that a machine busy with other work changes nothing.
    """
    with visiting(browser, path, metered=True) as visit:
        metrics = visit.session.send("Performance.getMetrics")["metrics"]
        yield visit, {row["name"]: row["value"] for row in metrics}["TaskDuration"]
