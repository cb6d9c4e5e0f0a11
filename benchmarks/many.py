"""Many galaxies on little disk: a table in which each image stands for many of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.commands import run
from gampen.catalog import Catalog
from gampen.storage.tables import read_catalog, write_catalog

RUNFILE = Path(__file__).parent.parent / "examples" / "runs" / "hsc_wide_i.toml"
IMAGES = 1000


def simulated(folder: Path, galaxies: int, side: int) -> Path:
    """A folder of simulated cutouts."""
    settings = folder / "run.toml"
    settings.write_text(RUNFILE.read_text().replace("[143]", f"[{side}]"))
    run("simulate", str(settings), "--count", str(galaxies), "--out", str(folder / "simulated"))
    return folder / "simulated"


def listing(home: Path, galaxies: int) -> Path:
    """A table of so many galaxies with ids of their own, which share the images of a folder."""
    known = read_catalog(home / "info.csv")["file_name"].text()
    names = [known[place % len(known)] for place in range(galaxies)]
    ids = [f"galaxy-{place:08d}" for place in range(galaxies)]
    table = home / f"many-{galaxies}.csv"
    write_catalog(Catalog.of(object_id=ids, file_name=np.array(names)), table)
    return table
