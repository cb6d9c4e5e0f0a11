"""Exporting catalogues of any length: seconds and peak memory of `gampen export`, by form."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from benchmarks.commands import run
from gampen.catalog import Catalog, Column
from gampen.inference.summaries import summarise
from gampen.parameters import MORPHOLOGY
from gampen.posterior import Posterior
from gampen.probability.mixtures import GaussianMixture
from gampen.storage.datasets import write_dataset_metadata
from gampen.storage.tables import write_catalog

ROWS = 2048  # of a part, as `gampen predict` writes them
FORMS = ("parquet", "fits", "csv", "hats")


def summaries(galaxies: int = ROWS) -> Catalog:
    """What a catalogue says of some random posteriors of four components."""
    generator = torch.Generator().manual_seed(1)
    means = torch.randn(galaxies, 4, 3, generator=generator, dtype=torch.float64)
    factors = 0.3 * torch.randn(galaxies, 4, 3, 3, generator=generator, dtype=torch.float64)
    covariances = factors @ factors.mT + 0.01 * torch.eye(3, dtype=torch.float64)
    weights = torch.full((galaxies, 4), 0.25, dtype=torch.float64)
    mixture = GaussianMixture.from_covariances(weights, means, covariances)
    zero_points = torch.full((galaxies,), 27.0, dtype=torch.float64)
    ids = np.arange(galaxies).astype(str)
    epistemic = 0.1 * mixture.covariance
    posterior = Posterior(MORPHOLOGY, mixture, epistemic, ids, zero_points)
    return Catalog(tuple(summarise(posterior)), posterior.metadata)


def write_dataset(folder: Path, galaxies: int, found: Catalog) -> None:
    """Write a catalogue of as many galaxies, anywhere on the sky, as a folder of parts."""
    generator = np.random.default_rng(2)
    folder.mkdir()
    parts = []
    for start in range(0, galaxies, ROWS):
        rows = np.arange(start, min(start + ROWS, galaxies))
        sine = generator.uniform(-1, 1, len(rows))
        first = (
            Column("object_id", np.array([f"galaxy-{row}" for row in rows])),
            Column("ra", generator.uniform(0, 360, len(rows)), "deg", "pos.eq.ra;meta.main"),
            Column("dec", np.degrees(np.arcsin(sine)), "deg", "pos.eq.dec;meta.main"),
            Column("status", np.full(len(rows), "ok")),
        )
        rest = found.take(generator.integers(0, len(found), len(rows)))
        parts.append(folder / f"part-{len(parts):05d}.parquet")
        write_catalog(Catalog(first, found.metadata).with_columns(rest), parts[-1])
    write_dataset_metadata(folder, parts, found.metadata)


def main() -> None:
    """Print a row for each form and length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--galaxies", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--forms", nargs="+", default=FORMS)
    given = parser.parse_args()
    found = summaries()
    print(f"{len(found.names)} columns\n")
    print("| galaxies | form | seconds | peak MB | MB written |")
    print("| ---: | --- | ---: | ---: | ---: |")
    for galaxies in given.galaxies:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name, "dataset")
            write_dataset(folder, galaxies, found)
            for form in given.forms:
                out = Path(name, f"out.{form}")
                cost = run("export", str(folder), "--out", str(out))
                files = [out] if out.is_file() else out.rglob("*")
                size = sum(file.stat().st_size for file in files if file.is_file()) / 1e6
                print(
                    f"| {galaxies:,} | {form} | {cost.seconds:.1f} | {cost.megabytes:.0f} "
                    f"| {size:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
