"""`gampen report`: a catalogue as one page to look at."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from gampen.calibration.calibration import Calibration
from gampen.catalog import Catalog, Column
from gampen.cutouts import Cutout, Cutouts
from gampen.errors import GalaxyError, UsageError
from gampen.inference.explanation import explain
from gampen.parameters import MORPHOLOGY
from gampen.photometry import magnitudes
from gampen.plotting.report.judgement import table_of
from gampen.plotting.report.page import page
from gampen.plotting.report.payload import Shown, parts_of
from gampen.plotting.report.pictures import Picture
from gampen.posterior import Posterior
from gampen.scaling.chunks import ahead, chunks
from gampen.storage.atomic import write_bytes
from gampen.storage.fits import Known
from gampen.storage.layouts import Folder, open_folder, read_cutouts
from gampen.storage.tables import read_catalog
from gampen.verbs.evaluate import match
from gampen.verbs.outputs import claim_file, claim_folder
from gampen.verbs.provenance import described_flags, run_of

SUFFIX = ".html"
INSIDE = 200
"""Galaxies whose pictures lie in the page itself; those of more lie in a folder beside it."""

AT_ONCE = 32
THETA = "crop_theta"
PARTS = ("cutout", "model", "residual")
KNOWN_OF_ROWS = {"psf_fwhm": "psf_fwhm_arcsec", "pixel_scale": "pixel_scale_arcsec"}
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ReportRequest:
    """What to show, and where to: pictures of at most `galaxies` need their `cutouts`."""

    catalogue: Path
    out: Path
    cutouts: Path | None = None
    truths: Path | None = None
    galaxies: int = INSIDE
    known: Known = field(default_factory=Known)

    def __post_init__(self) -> None:
        """Refuse what no page could be made with."""
        if self.galaxies < 0:
            raise UsageError(f"galaxies must be at least 0; got {self.galaxies}")
        if self.out.suffix.lower() != SUFFIX:
            raise UsageError(f"a report must end in {SUFFIX}; got {self.out.name!r}")

    @property
    def beside(self) -> Path:
        """The folder of pictures that are too many for the page."""
        return self.out.with_name(f"{self.out.stem}-pictures")


@dataclass(frozen=True)
class Reported:
    """The page, its folder of pictures if it has one, and how many galaxies have pictures."""

    page: Path
    folder: Path | None
    galaxies: int
    pictured: int


def report(request: ReportRequest, progress: Progress = lambda *_: None) -> Reported:
    """Write the page of a catalogue; `UsageError` where one cannot be made, before any work.

    The same catalogue, cutouts and truths give the same bytes.
    """
    catalog = read_catalog(request.catalogue)
    posterior = Posterior.from_catalog(catalog)
    truths, calibration = known_truths(request, catalog, posterior)
    rows, folder = pictured_rows(request, catalog)
    claim_file(request.out)
    beside = claim_folder(request.beside) if len(rows) > INSIDE else None
    pictures = {}
    if folder is not None:
        for row, picture in draw(request, catalog, posterior, rows, folder, progress):
            pictures[row] = parts_of(picture, links(picture, row, beside))
    why = why_no_picture(request, catalog)
    flags = described_flags(catalog.metadata)
    shown = Shown(catalog, posterior, flags, truths, calibration, pictures, why)
    run = run_of(catalog, posterior, request.catalogue.name, len(pictures), why)
    judged = None if calibration is None else table_of(calibration)
    write_bytes(page(run, shown.payload(), judged), request.out)
    return Reported(request.out, beside, len(catalog), len(pictures))
