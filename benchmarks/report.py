"""The report of 10,000 galaxies: time to write it, its size, and time until a browser has it.

`python -m benchmarks.report` repeats the posteriors of the example galaxies under new ids, makes
the report, and opens it in headless Chromium five times. "Ready" is when the table can be scrolled,
sorted and filtered and all figures are drawn: `data-ready` on the page's root. Wall-clock runs from
the request for the file until then. The page's own thread and process are measured apart, in time
of the processor: these alone do not depend on what else the machine has to do.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, sync_playwright

from benchmarks.commands import run
from gampen.catalog import Column
from gampen.storage.tables import read_catalog, write_catalog

GALAXIES, TIMES = 10_000, 5
EXAMPLES = Path(__file__).parent.parent / "examples" / "hsc"


@dataclass(frozen=True)
class Opening:
    """What it cost to open a page.

    Wall-clock, and the processor's time of its thread and of its process [s], JavaScript's heap
    [MB], elements.
    """

    wall: float
    thread: float
    process: float
    megabytes: float
    elements: int


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        catalogue, page = Path(folder) / "catalogue.parquet", Path(folder) / "report.html"
        run("predict", str(EXAMPLES), "--out", str(catalogue))
        repeat(catalogue, GALAXIES)
        cost = run("report", str(catalogue), "--out", str(page))
        size = page.stat().st_size / 1e6
        openings = open_often(page)
    print(f"{GALAXIES} galaxies on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"written in {cost.seconds:.1f} s with {cost.megabytes:.0f} MB: {size:.2f} MB")
    for name, unit in (
        ("wall", "s"),
        ("thread", "s"),
        ("process", "s"),
        ("megabytes", "MB"),
        ("elements", ""),
    ):
        values = [getattr(opening, name) for opening in openings]
        print(f"open, {name}: median {np.median(values):.4g} {unit}, largest {max(values):.4g}")


def repeat(catalogue: Path, galaxies: int) -> None:
    """Make a catalogue longer: the same posteriors under new ids."""
    catalog = read_catalog(catalogue)
    rows = catalog.take(np.arange(galaxies) % len(catalog))
    ids = np.array([f"galaxy-{row:05d}" for row in range(galaxies)])
    write_catalog(rows.with_columns([Column("object_id", ids)]), catalogue)


def open_often(page: Path) -> list[Opening]:
    """The page opened again and again, each time in a fresh profile."""
    with sync_playwright() as play:
        found = shutil.which("chromium") or shutil.which("google-chrome")
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        return [opening(browser, page) for _ in range(TIMES)]


def opening(browser: Browser, page: Path) -> Opening:
    """The page opened once."""
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    tab = context.new_page()
    session = context.new_cdp_session(tab)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    began = time.perf_counter()
    tab.goto(page.as_uri(), wait_until="commit")
    tab.wait_for_selector("html[data-ready=table]", timeout=120_000)
    wall = time.perf_counter() - began
    metrics = session.send("Performance.getMetrics")["metrics"]
    said = {row["name"]: row["value"] for row in metrics}
    elements = tab.locator("*").count()
    context.close()
    thread, process, heap = (said[n] for n in ("TaskDuration", "ProcessTime", "JSHeapUsedSize"))
    return Opening(wall, thread, process, heap / 1e6, elements)


if __name__ == "__main__":
    main()
