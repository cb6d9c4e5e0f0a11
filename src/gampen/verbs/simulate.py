"""`gampen simulate`: galaxies with known truths, in the layout that every verb reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gampen.catalog import Catalog, Column
from gampen.cutouts import Cutout
from gampen.errors import UsageError
from gampen.interchange.indices import indices_of
from gampen.settings import SimulationSettings
from gampen.simulation.scenes import BLOCK, Scenes, Simulator
from gampen.storage.fits import write_cutout
from gampen.storage.homes import CUTOUTS
from gampen.storage.runfiles import write_settings
from gampen.storage.tables import write_catalog
from gampen.verbs.materials import note_sources
from gampen.verbs.outputs import claim_folder
from gampen.verbs.runs import read_simulation

Progress = Callable[[int, int], None]
TABLE = "info.csv"
LENGTHS = (
    "effective_radius",
    "bulge_effective_radius",
    "disk_effective_radius",
    "semi_major_axis",
)


@dataclass(frozen=True)
class SimulateRequest:
    """What to simulate (a run file with a `simulation` table's content), how many, and where to."""

    runfile: Path
    out: Path
    galaxies: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a number of galaxies below one, and a seed below zero."""
        if self.galaxies < 1:
            raise UsageError(f"count must be at least 1; got {self.galaxies}")
        if self.seed < 0:
            raise UsageError(f"seed must be at least 0; got {self.seed}")


def simulate(request: SimulateRequest, progress: Progress = lambda *_: None) -> Path:
    """Write the simulated galaxies with their truths; comes back as the info table's path.

    Cutouts are written as they are rendered and the table last, so a folder that has one is whole.
    """
    prepared = read_simulation(request.runfile)
    settings = prepared.settings
    if (request.out / TABLE).exists():
        raise UsageError(f"{request.out} must not hold galaxies yet; choose another folder")
    claim_folder(request.out / CUTOUTS)
    parts = []
    note_sources(request.out, prepared.sources)
    simulator = Simulator(settings, request.seed, prepared.materials)
    for start, scenes in scenes_of(simulator, request.galaxies):
        parts.append(truths(scenes, settings, start))
        for cutout in cutouts_of(scenes, settings, start):
            write_cutout(cutout, request.out / CUTOUTS / cutout.file_name)
        progress(start + len(scenes), request.galaxies)
    write_settings(settings, request.out / "simulation.toml")
    write_catalog(Catalog.cat(parts), request.out / TABLE)
    return request.out / TABLE


def scenes_of(simulator: Simulator, galaxies: int) -> Iterator[tuple[int, Scenes]]:
    """So many galaxies in blocks, each with the number of its first one."""
    for start in range(0, galaxies, BLOCK):
        scenes = simulator.batch(start // BLOCK, BLOCK)
        yield start, scenes.first(min(BLOCK, galaxies - start))


def truths(scenes: Scenes, settings: SimulationSettings, start: int) -> Catalog:
    """The info table of some scenes: names, what is told, and true values in physical units."""
    scale = settings.survey.pixel_scale
    values = {
        name: value.double().numpy() * (scale if name in LENGTHS else 1)
        for name, value in scenes.values.items()
    }
    values |= indices_of(scenes, settings.measure)
    names = [f"simulated-{start + place:07d}" for place in range(len(scenes))]
    columns = [
        Column("object_id", np.array(names)),
        Column("file_name", np.array([f"{name}.fits" for name in names])),
        Column("psf_fwhm_arcsec", scenes.psf_fwhm.double().numpy() * scale, "arcsec"),
        Column("psf_concentration", scenes.psf_concentration.double().numpy()),
        *(Column(name, value) for name, value in values.items()),
    ]
    return Catalog(tuple(columns))


def cutouts_of(scenes: Scenes, settings: SimulationSettings, start: int = 0) -> Iterator[Cutout]:
    """The scenes' images as cutouts, bad pixels as NaN, with what is told of their PSFs."""
    images = scenes.images.masked_fill(scenes.bad, np.nan).numpy()
    told = (scenes.psf_fwhm.tolist(), scenes.psf_concentration.tolist())
    for place, (image, fwhm, share) in enumerate(zip(images, *told, strict=True)):
        yield Cutout(
            pixels=image,
            object_id=f"simulated-{start + place:07d}",
            file_name=f"simulated-{start + place:07d}.fits",
            psf_fwhm=None if math.isnan(fwhm) else fwhm,
            psf_concentration=None if math.isnan(share) else share,
            pixel_scale=settings.survey.pixel_scale,
            zero_point=settings.survey.zero_point,
        )
