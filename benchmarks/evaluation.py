"""Evaluation of many galaxies through the command line: wall time, CPU time and peak memory.

`python -m benchmarks.evaluation [GALAXIES]` (50,000) writes a catalogue of synthetic posteriors
(four components, three parameters) as prediction does, with a table of truths, and evaluates it in
bins of two columns more than by default.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.commands import run
from benchmarks.synthetic import observed, synthetic
from gampen.catalog import Catalog, Column
from gampen.inference.summaries import summarise
from gampen.posterior import Posterior
from gampen.storage.tables import write_catalog

SEED = 7
Names = tuple[Path, Path]


def written(galaxies: int, folder: Path, stretch: float = 1.0) -> Names:
    """A catalogue and its truths on disk."""
    posterior, truth = synthetic(galaxies, stretch, SEED)
    known = observed(posterior, SEED)
    catalog = posterior.to_catalog().with_columns(summarise(posterior))
    catalog = catalog.with_columns(Column(name, values) for name, values in known.items())
    write_catalog(catalog, folder / "catalogue.parquet")
    write_catalog(truths_of(posterior, truth), folder / "truths.parquet")
    return folder / "catalogue.parquet", folder / "truths.parquet"


def truths_of(posterior: Posterior, truth: object) -> Catalog:
    """The table of truths."""
    columns = zip(posterior.space.names, truth.T, strict=True)
    return Catalog.of(object_id=posterior.object_ids, **dict(columns))


def main(galaxies: str = "50000") -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        catalogue, truths = map(str, written(int(galaxies), Path(folder)))
        bins = ("--bins", "field", "--bins", "flux_std")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        cost = run("evaluate", catalogue, truths, "--out", str(Path(folder) / "report"), *bins)
        wall = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        page = (Path(folder) / "report" / "index.html").stat().st_size
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    threads = os.environ.get("OMP_NUM_THREADS", "as many as it takes")
    print(f"{galaxies} galaxies, {os.cpu_count()} cores, threads: {threads}")
    print(f"wall {wall:.1f} s, CPU {used:.1f} s, peak {cost.megabytes:.0f} MB")
    print(f"page {page / 1e3:.0f} kB")


if __name__ == "__main__":
    main(*sys.argv[1:])
