"""`gampen report`: a catalogue as one page to look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64

from gampen.calibration.calibration import Calibration
from gampen.catalog import Catalog
from gampen.errors import UsageError
from gampen.parameters import ParameterSpace
from gampen.photometry import magnitudes
from gampen.plotting.report.judgement import table_of
from gampen.plotting.report.page import page
from gampen.plotting.report.payload import Shown
from gampen.plotting.report.run import flags_of, run_of
from gampen.posterior import Posterior
from gampen.storage.atomic import write_bytes
from gampen.storage.fits import Known
from gampen.storage.packing import described
from gampen.storage.tables import read_catalog
from gampen.verbs.gallery import INSIDE, Gallery
from gampen.verbs.outputs import claim_file, claim_folder

SUFFIX = ".html"
Progress = Callable[[int, int], None]
Truths = dict[str, Float64[np.ndarray, " galaxy"]]


@dataclass(frozen=True)
class ReportRequest:
    """What to show, and where to: pictures of at most `galaxies` need their `cutouts`.

    `known` says what neither the catalogue nor the cutouts' own headers say.
    """

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
    """Write the page of a catalogue; `UsageError` where there is nothing to make one of.

    The same catalogue, cutouts and truths give the same bytes.
    """
    catalog = read_catalog(request.catalogue)
    described(catalog.metadata)  # says what is wrong with a format that keeps none
    posterior = Posterior.from_catalog(catalog)
    truths, calibration = known_truths(request.truths, catalog, posterior)
    gallery = Gallery.of(catalog, request.cutouts, request.known, request.galaxies)
    claim_file(request.out)
    folder = claim_folder(request.beside) if gallery.is_large else None
    pictures = dict(gallery.draw(posterior, folder, progress))
    why = gallery.why_no_picture
    shown = Shown(
        catalog, posterior, flags_of(catalog), truths, calibration, pictures, why_no_picture=why
    )
    run = run_of(catalog, posterior, request.catalogue.name, len(pictures), why)
    judged = None if calibration is None else table_of(calibration)
    write_bytes(page(run, shown.payload(), judged), request.out)
    return Reported(request.out, folder, len(catalog), len(pictures))


def known_truths(
    table: Path | None, catalog: Catalog, posterior: Posterior
) -> tuple[Truths, Calibration | None]:
    """True values by name, one a row of the catalogue, and what they say of the posteriors.

    Some of the parameters are enough. `UsageError` where the table knows none of them, or none of
    the galaxies.
    """
    if table is None:
        return {}, None
    known = read_catalog(table)
    names = [name for name in posterior.space.names if name in known]
    if not names:
        raise UsageError(
            f"{table} must have true values of {' or '.join(posterior.space.names)}; it has "
            f"{', '.join(known.names)}"
        )
    truths = by_row(known, catalog, posterior.space.select(names))
    return truths, judge(truths, names, catalog, posterior)


def judge(truths: Truths, names: list[str], catalog: Catalog, posterior: Posterior) -> Calibration:
    """What the truths say of the posteriors, of galaxies of which all of the named are known."""
    sound = np.flatnonzero(np.array(catalog["status"].text()) == "ok")
    values = np.stack([truths[name][sound] for name in names], axis=-1)
    judged = posterior.marginal(*names)
    inside = judged.space.unconstrain(torch.from_numpy(values)).isfinite().all(dim=1)
    if not bool(inside.any()):
        raise UsageError(
            "catalogue and truths must share galaxies with a posterior and true values; they share "
            "none: is this the right table?"
        )
    return Calibration.of(judged.select(inside), values[inside.numpy()])


def by_row(known: Catalog, catalog: Catalog, space: ParameterSpace) -> Truths:
    """The true values of the catalogue's rows, and the magnitudes that follow from true fluxes."""
    places = known.rows_of(catalog["object_id"].text())
    found = known.parameter_values(space)[places]
    found[places < 0] = np.nan
    truths = dict(zip(space.names, found.T, strict=True))
    if "flux" in truths and "zero_point" in catalog:
        zero_points = torch.from_numpy(catalog["zero_point"].numbers())
        truths["magnitude"] = magnitudes(torch.from_numpy(truths["flux"]), zero_points).numpy()
    return truths
