"""`gampen export`: a catalogue of posteriors in the form of another library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gampen.errors import UsageError
from gampen.interchange.arviz import to_arviz, write_netcdf
from gampen.interchange.original import to_original
from gampen.interchange.qp import to_qp, write_ensemble
from gampen.posterior import Posterior
from gampen.settings import Schema
from gampen.storage.datasets import Rows
from gampen.storage.hats import write_hats
from gampen.storage.streams import Stream, Told
from gampen.storage.tables import TABLE_SUFFIXES, read_catalog, write_stream
from gampen.verbs.evaluate import rows_of
from gampen.verbs.outputs import claim_file, claim_folder

OF_THE_IMAGE = ("ra", "dec", "flags", "crop_scale", "sky_sigma", "pixel_scale", "psf_fwhm")
CHAINS = 4


@dataclass(frozen=True)
class ExportRequest:
    """Which catalogue, where to (the suffix decides the form), and what each form may be told.

    `draws` of each galaxy, `seed` and `truths` (a table) are for ArviZ, `quantity` is for qp.
    """

    catalogue: Path
    out: Path
    draws: int = 1000
    seed: int = 0
    quantity: str | None = None
    truths: Path | None = None
    schema: Schema = Schema.OWN

    def __post_init__(self) -> None:
        """Refuse what no form can be made of, and a form that there is not."""
        if self.draws < CHAINS or self.draws % CHAINS:
            raise UsageError(f"draws must be a multiple of {CHAINS}, the chains; got {self.draws}")
        if self.seed < 0:
            raise UsageError(f"seed must be at least 0; got {self.seed}")
        if self.out.suffix.lower() not in FORMS:
            raise UsageError(f"a name must end in one of {', '.join(FORMS)}; got {self.out.name!r}")
        if self.schema is not Schema.OWN and self.out.suffix.lower() not in TABLE_SUFFIXES:
            raise UsageError(
                f"a schema is of a table, {', '.join(TABLE_SUFFIXES)}; got {self.out.name!r}"
            )
        out, catalogue = self.out.resolve(), self.catalogue.resolve()
        if out == catalogue or catalogue in out.parents:
            raise UsageError(
                f"{self.out} must not be the catalogue itself, nor lie in it; choose another name"
            )


@dataclass(frozen=True)
class Exported:
    """How many galaxies were written, and how many were left out for want of what."""

    galaxies: int
    left_out: int = 0
    want: str = "a posterior"


Progress = Callable[[int, int], None]
Form = Callable[[ExportRequest, Progress], Exported]
"""How one form is written; comes back as what came of it."""


def export(request: ExportRequest, progress: Progress = lambda *_: None) -> Exported:
    """Write the galaxies of a catalogue in the form that the suffix of `out` names.

    The catalogue may be a folder of Parquet parts. Tables and HATS take the memory of a part.
    """
    return FORMS[request.out.suffix.lower()](request, progress)


def _as_tree(request: ExportRequest, _: Progress) -> Exported:
    """Joint draws for ArviZ, with what is known of each image."""
    catalog = read_catalog(request.catalogue)
    posterior = Posterior.from_catalog(catalog)
    rows = rows_of(catalog, posterior)
    known = rows.select(["object_id", *(name for name in OF_THE_IMAGE if name in rows)])
    truths = None if request.truths is None else read_catalog(request.truths)
    tree = to_arviz(posterior, request.draws // CHAINS, request.seed, CHAINS, known, truths)
    write_netcdf(tree, claim_file(request.out))
    return Exported(len(posterior), len(catalog) - len(posterior))


def _as_ensemble(request: ExportRequest, _: Progress) -> Exported:
    """The distributions of one quantity for qp."""
    if request.quantity is None:
        raise UsageError("a qp ensemble is of one quantity; got none: say --quantity NAME")
    catalog = read_catalog(request.catalogue)
    posterior = Posterior.from_catalog(catalog)
    ensemble = to_qp(posterior, request.quantity)
    write_ensemble(ensemble, claim_file(request.out))
    return Exported(len(posterior), len(catalog) - len(posterior))


def _as_table(request: ExportRequest, progress: Progress) -> Exported:
    """The catalogue itself, every row of it, in another format."""
    rows = Rows.of(request.catalogue)
    claim_file(request.out)
    told = counted(progress, len(rows))
    if request.schema is Schema.ORIGINAL:
        write_stream(Stream(lambda: map(to_original, rows.pieces()), {}, told), request.out)
    else:
        rows.write(request.out, told)
    return Exported(len(rows))


def _as_sky(request: ExportRequest, progress: Progress) -> Exported:
    """The catalogue by place on the sky, for LSDB."""
    rows = Rows.of(request.catalogue)
    claim_folder(request.out.parent)
    told = counted(progress, len(rows))
    galaxies, left_out = write_hats(rows.tables, request.out, rows.metadata, told)
    return Exported(galaxies, left_out, "ra and dec")


def counted(progress: Progress, of: int) -> Told:
    """What adds up the rows that it hears of."""
    done = 0

    def told(more: int) -> None:
        nonlocal done
        done += more
        progress(done, of)

    return told


FORMS: dict[str, Form] = {
    ".nc": _as_tree,
    ".hdf5": _as_ensemble,
    ".hats": _as_sky,
    **dict.fromkeys(TABLE_SUFFIXES, _as_table),
}
"""By suffix; a new form is a line here."""
