"""Rows of a catalogue: what was predicted of each galaxy, or why nothing was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Int64

from gampen.catalog import Catalog, Column
from gampen.cutouts import numbers
from gampen.inference.categories import DEFAULT, Categories
from gampen.inference.ellipses import on_the_sky
from gampen.inference.misfit import MISFITS
from gampen.inference.summaries import summarise
from gampen.verbs.sights import Remembered, Sight

CROP_THETA = "map of the crop's square [-1, 1]^2 into the cutout's, row by row"


def rows_of(sight: Sight, categories: Categories = DEFAULT) -> Catalog:
    """The rows of the galaxies, in order; of one without a posterior, its name and the reason."""
    known = Catalog(tuple(_identity(sight.galaxies)))
    places = np.flatnonzero([galaxy.is_ok for galaxy in sight.galaxies])
    found = [_spread(column, places, len(known)) for column in _found(sight, categories)]
    flags = known["flags"].values.copy()
    flags[places] = sight.prediction.flags
    last = [replace(known["flags"], values=flags), known["status"]]
    columns = [column for column in known if column.name not in ("flags", "status")]
    metadata = sight.prediction.posterior.metadata
    return Catalog((*columns, *found[:-1], *last, found[-1]), metadata)


def _identity(galaxies: Sequence[Remembered]) -> Iterator[Column]:
    yield Column("object_id", np.array([g.object_id for g in galaxies]), "", "meta.id;meta.main")
    yield Column("file_name", np.array([g.file_name for g in galaxies]), "", "meta.id;meta.file")
    yield Column("ra", numbers(g.ra for g in galaxies), "deg", "pos.eq.ra;meta.main")
    yield Column("dec", numbers(g.dec for g in galaxies), "deg", "pos.eq.dec;meta.main")
    flags = np.array([g.flags for g in galaxies], dtype=np.int32)
    yield Column("flags", flags, "", "meta.code.qual", "what is unusual, a bit mask")
    status = np.array([g.status for g in galaxies])
    yield Column("status", status, "", "meta.note", "ok, or why there is no posterior")


def _found(sight: Sight, categories: Categories) -> list[Column]:
    """The columns of what was predicted, `mixture` the last of them."""
    prediction = sight.prediction
    sound = [galaxy for galaxy in sight.galaxies if galaxy.is_ok]
    summaries = summarise(prediction.posterior, categories)
    packed = next(column for column in summaries if column.name == "mixture")
    scale, fwhm = (numbers(getattr(g, name) for g in sound) for name in ("pixel_scale", "psf_fwhm"))
    known = np.stack([galaxy.directions for galaxy in sound]) if sound else np.empty((0, 2, 2))
    return [
        *on_the_sky([column for column in summaries if column.name != "mixture"], known),
        Column("crop_scale", prediction.crop_scale, "", "", "side of the crop over the cutout's"),
        Column("crop_theta", prediction.crop_theta.reshape(len(sound), 6), "", "", CROP_THETA),
        Column("sky_sigma", prediction.sky_sigma, "", "stat.stdev", "noise of the sky, measured"),
        Column("pixel_scale", scale, "arcsec", "", "side of a pixel"),
        Column("psf_fwhm", fwhm * scale, "arcsec", "instr.det.psf", "FWHM of the PSF, as given"),
        *(Column(n, values, "", "", MISFITS[n]) for n, values in sight.misfits.items()),
        packed,
    ]


def _spread(column: Column, places: Int64[np.ndarray, " found"], galaxies: int) -> Column:
    """A column of the galaxies found as one of all galaxies, NaN or no text for the others."""
    values, nothing = column.values, "" if column.values.dtype.kind == "U" else np.nan
    kind = values.dtype if nothing == "" else np.result_type(values.dtype, np.float32)
    whole = np.full((galaxies, *values.shape[1:]), nothing, dtype=kind)
    whole[places] = values
    return replace(column, values=whole)
