"""`gampen export`: a catalogue of posteriors in the form of another library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gampen.catalog import Catalog
from gampen.errors import UsageError
from gampen.interchange.arviz import to_arviz, write_netcdf
from gampen.interchange.qp import to_qp, write_ensemble
from gampen.posterior import Posterior
from gampen.storage.tables import TABLE_SUFFIXES, read_catalog, write_catalog
from gampen.verbs.evaluate import rows_of
from gampen.verbs.outputs import claim_file

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

    def __post_init__(self) -> None:
        """Refuse what no form can be made of, and a form that there is not."""
        if self.draws < CHAINS or self.draws % CHAINS:
            raise UsageError(f"draws must be a multiple of {CHAINS}, the chains; got {self.draws}")
        if self.seed < 0:
            raise UsageError(f"seed must be at least 0; got {self.seed}")
        if self.out.suffix.lower() not in FORMS:
            raise UsageError(f"a name must end in one of {', '.join(FORMS)}; got {self.out.name!r}")
        if self.out.resolve() == self.catalogue.resolve():
            raise UsageError(f"{self.out} must not be the catalogue itself; choose another name")


@dataclass(frozen=True)
class Exported:
    """How many galaxies were written, and how many were left out for want of a posterior."""

    galaxies: int
    left_out: int


Form = Callable[[Catalog, ExportRequest], int]
"""How one form is written; comes back as the number of galaxies in it."""


def export(request: ExportRequest) -> Exported:
    """Write the galaxies of a catalogue in the form that the suffix of `out` names."""
    catalog = read_catalog(request.catalogue)
    claim_file(request.out)
    written = FORMS[request.out.suffix.lower()](catalog, request)
    return Exported(written, len(catalog) - written)


def _as_tree(catalog: Catalog, request: ExportRequest) -> int:
    """Joint draws for ArviZ, with what is known of each image."""
    posterior = Posterior.from_catalog(catalog)
    rows = rows_of(catalog, posterior)
    known = rows.select(["object_id", *(name for name in OF_THE_IMAGE if name in rows)])
    truths = None if request.truths is None else read_catalog(request.truths)
    tree = to_arviz(posterior, request.draws // CHAINS, request.seed, CHAINS, known, truths)
    write_netcdf(tree, request.out)
    return len(posterior)


def _as_ensemble(catalog: Catalog, request: ExportRequest) -> int:
    """The distributions of one quantity for qp."""
    if request.quantity is None:
        raise UsageError("a qp ensemble is of one quantity; got none: say --quantity NAME")
    posterior = Posterior.from_catalog(catalog)
    write_ensemble(to_qp(posterior, request.quantity), request.out)
    return len(posterior)


def _as_table(catalog: Catalog, request: ExportRequest) -> int:
    """The catalogue itself, every row of it, in another format."""
    write_catalog(catalog, request.out)
    return len(catalog)


FORMS: dict[str, Form] = {
    ".nc": _as_tree,
    ".hdf5": _as_ensemble,
    **dict.fromkeys(TABLE_SUFFIXES, _as_table),
}
"""By suffix; a new form is a line here."""
