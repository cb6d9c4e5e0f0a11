"""Rows of a catalogue: what was predicted of each galaxy, or why nothing was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int32, Int64

from gampen.catalog import Catalog, Column
from gampen.cutouts import Cutout, Cutouts, Entry, Rejection, numbers
from gampen.estimator import Prediction
from gampen.inference.categories import DEFAULT, Categories
from gampen.inference.explanation import Explanation
from gampen.inference.misfit import MISFITS, misfit_flags, signal_of
from gampen.inference.summaries import summarise
from gampen.network.guard import Guard

OK = "ok"
CROP_THETA = "map of the crop's square [-1, 1]^2 into the cutout's, row by row"


def readable(entries: Sequence[Entry]) -> Cutouts:
    """The galaxies that could be read."""
    return Cutouts.of(entry for entry in entries if isinstance(entry, Cutout))


@dataclass(frozen=True)
class Beside:
    """What rows may say beside the prediction: thresholds of kinds, and how images are explained.

    The guard knows what of an explanation is unusual.
    """

    categories: Categories = DEFAULT
    explanation: Explanation | None = None
    guard: Guard | None = None

    def flags(self, cutouts: Cutouts, prediction: Prediction) -> int | Int32[np.ndarray, " galaxy"]:
        """MODEL_MISFIT of the galaxies whose image is not explained."""
        if self.explanation is None or self.guard is None:
            return 0
        return misfit_flags(self.guard, self.explanation, signal_of(cutouts, prediction))

    @property
    def columns(self) -> list[Column]:
        """What is said of the explanation."""
        if self.explanation is None:
            return []
        figures = {name: getattr(self.explanation, name) for name in MISFITS}
        return [Column(name, figures[name], "", "", text) for name, text in MISFITS.items()]


def rows_of(
    entries: Sequence[Entry], prediction: Prediction, beside: Beside | None = None
) -> Catalog:
    """The rows of the galaxies, in order; of one without a posterior, its name and the reason."""
    beside = beside or Beside()
    known = Catalog(tuple(_identity(entries)))
    places = np.flatnonzero([isinstance(entry, Cutout) for entry in entries])
    found = [
        _spread(column, places, len(entries)) for column in _found(entries, prediction, beside)
    ]
    flags = known["flags"].values.copy()
    flags[places] = prediction.flags | beside.flags(readable(entries), prediction)
    last = [replace(known["flags"], values=flags), known["status"]]
    columns = [column for column in known if column.name not in ("flags", "status")]
    return Catalog((*columns, *found[:-1], *last, found[-1]), prediction.posterior.metadata)


def _identity(entries: Sequence[Entry]) -> Iterator[Column]:
    yield Column("object_id", np.array([e.object_id for e in entries]), "", "meta.id;meta.main")
    yield Column("file_name", np.array([e.file_name for e in entries]), "", "meta.file")
    yield Column("ra", numbers(e.ra for e in entries), "deg", "pos.eq.ra;meta.main")
    yield Column("dec", numbers(e.dec for e in entries), "deg", "pos.eq.dec;meta.main")
    flags = np.array([int(e.flags) for e in entries], dtype=np.int32)
    yield Column("flags", flags, "", "meta.code.qual", "what is unusual, a bit mask")
    status = [e.reason if isinstance(e, Rejection) else OK for e in entries]
    yield Column("status", np.array(status), "", "meta.note", "ok, or why there is no posterior")


def _found(entries: Sequence[Entry], prediction: Prediction, beside: Beside) -> list[Column]:
    """The columns of what was predicted, `mixture` the last of them."""
    cutouts = readable(entries)
    summaries = summarise(prediction.posterior, beside.categories)
    packed = next(column for column in summaries if column.name == "mixture")
    scale, fwhm = cutouts.pixel_scales, cutouts.psf_fwhms
    return [
        *(column for column in summaries if column.name != "mixture"),
        Column("crop_scale", prediction.crop_scale, "", "", "side of the crop over the cutout's"),
        Column("crop_theta", prediction.crop_theta.reshape(len(cutouts), 6), "", "", CROP_THETA),
        Column("sky_sigma", prediction.sky_sigma, "", "stat.stdev", "noise of the sky, measured"),
        Column("pixel_scale", scale, "arcsec", "", "side of a pixel"),
        Column("psf_fwhm", fwhm * scale, "arcsec", "instr.det.psf", "FWHM of the PSF, as given"),
        *beside.columns,
        packed,
    ]


def _spread(column: Column, places: Int64[np.ndarray, " found"], galaxies: int) -> Column:
    """A column of the galaxies found as one of all galaxies, NaN or no text for the others."""
    values, nothing = column.values, "" if column.values.dtype.kind == "U" else np.nan
    kind = values.dtype if nothing == "" else np.result_type(values.dtype, np.float32)
    whole = np.full((galaxies, *values.shape[1:]), nothing, dtype=kind)
    whole[places] = values
    return replace(column, values=whole)
