"""Posteriors as qp reads them: one quantity's distribution for every galaxy, and in an HDF5 file.

qp is LSST's library of one-dimensional distributions (Malz et al. 2018,
doi:10.3847/1538-3881/aac6b5).
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float64

from gampen.errors import UsageError, extra
from gampen.inference.summaries import quantities
from gampen.posterior import Posterior
from gampen.probability.bijections import Identity
from gampen.probability.marginals import Marginal
from gampen.storage.atomic import whole_file

if TYPE_CHECKING:
    import qp

EXTRA = "interchange"
POINTS = 401
REACH = 5.0
"""Quantiles go to this many deviations of a standard normal on either side."""
FEWEST = 5
LINES = "piecewise_linear"  # of qp's densities the closest that heeds each galaxy's own values


def to_qp(posterior: Posterior, name: str, points: int | None = None) -> qp.Ensemble:
    """The ensemble of one quantity: a parameter, or magnitude or flux_njy from a zero point.

    A quantity without bounds (a magnitude) is a Gaussian mixture and stays one, exactly. Any other
    is given by 401 quantiles, evenly spaced in deviations of a standard normal, with qp's curves
    between: the cumulative probability is within 1e-3. `points` asks for so many quantiles, also of
    a quantity without bounds: qp's own quantiles of a mixture come from a grid that all galaxies
    share, and are coarser than its densities. `ancil` holds the ids and zero points.
    """
    with extra(EXTRA):
        import qp
    if points is not None and points < FEWEST:
        raise UsageError(f"points must be at least {FEWEST}; got {points}")
    marginal = _marginal(posterior, name)
    ancil = {
        "object_id": np.array(posterior.object_ids, dtype=str),
        "zero_point": posterior.zero_points.numpy(),
    }
    if points is None and marginal.bijection == Identity():
        weights, means, deviations = _mixture(marginal)
        return qp.mixmod.create_ensemble(means, deviations, weights, ancil=ancil)
    levels, values = _quantiles(marginal, points or POINTS)
    return qp.quant.create_ensemble(levels, values, pdf_constructor_name=LINES, ancil=ancil)


def write_ensemble(ensemble: qp.Ensemble, path: Path) -> None:
    """Write an ensemble as HDF5, whole or not at all; `qp.read` reads it."""
    # qp chooses the format by the ending, which a temporary file's name lacks
    with whole_file(path) as temporary, TemporaryDirectory(prefix=".", dir=path.parent) as folder:
        written = Path(folder) / "ensemble.hdf5"
        ensemble.write_to(str(written))
        written.replace(temporary)


def _marginal(posterior: Posterior, name: str) -> Marginal:
    """The marginal of a quantity; `UsageError` where there is none, or not for every galaxy."""
    found = {quantity.name: quantity.marginal for quantity in quantities(posterior)}
    if name not in found:
        raise UsageError(f"the quantity must be one of {', '.join(found)}; got {name!r}")
    if not bool(found[name].density.means.isfinite().all()):
        raise UsageError(
            f"{name} needs the zero point of every galaxy; some are not known: leave those out, or "
            "take the flux"
        )
    return found[name]


def _mixture(marginal: Marginal) -> tuple[Float64[np.ndarray, "galaxy component"], ...]:
    """Weights, means and deviations of a quantity without bounds."""
    density = marginal.density
    parts = (density.log_weights.exp(), density.means, density.deviations)
    return tuple(part.T.numpy() for part in parts)


def _quantiles(
    marginal: Marginal, points: int
) -> tuple[Float64[np.ndarray, " level"], Float64[np.ndarray, "galaxy level"]]:
    """Levels and the values below which the probability is so large."""
    normal = torch.linspace(-REACH, REACH, points, dtype=torch.float64)
    levels = torch.special.ndtr(normal)
    values = marginal.ppf(levels[:, None]).T.numpy()
    # A level of 0 and one of 1 say where the support ends: qp would else reach beyond the bounds.
    levels[0], levels[-1] = 0.0, 1.0
    return levels.numpy(), values
