"""What coverage is binned by: quantities known without the truth, and any column that is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64, Shaped
from torch import Tensor

from gampen.catalog import Catalog
from gampen.errors import UsageError
from gampen.photometry import magnitudes, signal_to_noise
from gampen.posterior import Posterior
from gampen.settings import Scaling

Columns = dict[str, Shaped[np.ndarray, " galaxy"]]


@dataclass(frozen=True, eq=False)
class BinColumns:
    """Columns to bin by: `judged`, known of a galaxy without its truth, and only `shown`.

    Among galaxies chosen by their truth no posterior covers its level, so a column that only the
    table of truths has may not decide whether posteriors are true.
    """

    judged: Mapping[str, Shaped[np.ndarray, " galaxy"]]
    shown: Mapping[str, Shaped[np.ndarray, " galaxy"]]


def columns_of(
    rows: Catalog,
    posterior: Posterior,
    truths: Catalog,
    names: Sequence[str],
) -> BinColumns:
    """The columns that are always binned by, and those that are named, of the same galaxies.

    A named column is the catalogue's, or the truths' where the catalogue has none of the name;
    `UsageError` where neither has, or where it holds vectors.
    """
    judged = bin_columns(rows, posterior)
    shown: Columns = {}
    for name in names:
        table = rows if name in rows else truths
        if name in judged and name not in rows:
            continue  # a name of those that are always there
        if name not in table:
            raise UsageError(
                f"a column to bin by must be in the catalogue or in the truths; got {name!r}, "
                f"and they have {', '.join(_possible(rows, truths))}"
            )
        place = judged if table is rows else shown
        place[name] = _values(table, name)
    return BinColumns(judged, shown)


def bin_columns(rows: Catalog, posterior: Posterior) -> Columns:
    """What is known of a galaxy without its truth, NaN where it is not.

    The posterior medians, of lengths as multiples of the PSF's FWHM; the magnitude where any zero
    point is known; the signal-to-noise ratio that follows from them; and the scale of the learned
    crop.
    """
    fwhm, pixel, sky = (_column(rows, name) for name in ("psf_fwhm", "pixel_scale", "sky_sigma"))
    medians = dict(zip(posterior.space.names, posterior.median.unbind(-1), strict=True))
    columns = {}
    for parameter in posterior.space:
        median = medians[parameter.name]
        if parameter.scaling is Scaling.LENGTH:
            columns[f"{parameter.name}_over_psf_fwhm"] = median / fwhm
        else:
            columns[parameter.name] = median
    if posterior.has_photometry:
        columns["magnitude"] = magnitudes(medians["flux"], posterior.zero_points)
    if {"flux", "effective_radius"} <= set(posterior.space.names):
        flux, radius = medians["flux"], medians["effective_radius"]
        columns["signal_to_noise"] = signal_to_noise(flux, radius / pixel, fwhm / pixel, sky)
    columns["crop_scale"] = _column(rows, "crop_scale")
    return {name: column.numpy() for name, column in columns.items()}


def take(columns: BinColumns, galaxies: Int64[np.ndarray, " chosen"]) -> BinColumns:
    """The columns of some galaxies."""
    pairs = (columns.judged, columns.shown)
    return BinColumns(
        *({name: column[galaxies] for name, column in pair.items()} for pair in pairs)
    )


def _column(rows: Catalog, name: str) -> Float[Tensor, " galaxy"]:
    """A column of numbers, NaN where there is none."""
    values = rows[name].numbers() if name in rows else np.full(len(rows), np.nan)
    return torch.from_numpy(values)


def _values(table: Catalog, name: str) -> Shaped[np.ndarray, " galaxy"]:
    """A column as numbers, or as text where it is that."""
    column = table[name]
    if column.values.ndim > 1:
        raise UsageError(f"a column to bin by must hold one value a galaxy; {name!r} holds vectors")
    if column.is_text:
        return np.array(column.text(), dtype=str)
    if column.values.dtype.kind == "b":
        return np.where(column.values, "yes", "no")
    values: Float64[np.ndarray, " galaxy"] = column.numbers()
    return values


def _possible(rows: Catalog, truths: Catalog) -> list[str]:
    """The names of all columns of one value a galaxy."""
    columns = {column.name: column for table in (truths, rows) for column in table}
    return [name for name, column in columns.items() if column.values.ndim == 1]
