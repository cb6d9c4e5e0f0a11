"""Samples: the galaxies of an arm with all that a code is told of them, and their truths."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from benchmarks.fits.moments import MOMENTS

BUILD = Path(__file__).resolve().parent.parent.parent / "build" / "fits"
TARGETS = ("bulge_to_total", "effective_radius", "flux")


@dataclass(frozen=True, eq=False)
class Sample:
    """Galaxies in frames of one size, in pixels and image units.

    `psf` is the PSF as pixels record it, `optical_psf` the same before the pixel's response;
    `psf_fwhm` [pixel] its width, as told: in an arm with a wrong PSF all three are wrong alike.
    `segments` are numbers of detected objects (0 is sky), `own` the galaxy's own number, `mask` the
    pixels of others; `start` holds the moments that `moments` names, `truth` the `TARGETS`, NaN
    where not known.
    """

    object_id: Shaped[np.ndarray, " galaxy"]
    pixels: Float[np.ndarray, "galaxy height width"]
    variance: Float[np.ndarray, "galaxy height width"]
    psf: Float[np.ndarray, "galaxy size size"]
    optical_psf: Float[np.ndarray, "galaxy size size"]
    psf_fwhm: Float[np.ndarray, " galaxy"]
    segments: Int[np.ndarray, "galaxy height width"]
    own: Int[np.ndarray, " galaxy"]
    mask: Bool[np.ndarray, "galaxy height width"]
    start: Float[np.ndarray, "galaxy moment"]
    truth: Float[np.ndarray, "galaxy target"]
    pixel_scale: Float[np.ndarray, ""]
    zero_point: Float[np.ndarray, ""]
    moments: Shaped[np.ndarray, " moment"] = field(default_factory=lambda: np.array(MOMENTS))

    def __len__(self) -> int:
        """The number of galaxies."""
        return len(self.object_id)

    def save(self, path: Path) -> None:
        """Write it as an .npz file, whose arrays have the names of the fields."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Sample:
        """The sample that `save` wrote."""
        with np.load(path) as arrays:
            return cls(**{each.name: arrays[each.name] for each in fields(cls)})


def sample_path(arm: str) -> Path:
    """Where the galaxies of an arm are kept."""
    return BUILD / "samples" / f"{arm}.npz"


def results_path(arm: str, code: str) -> Path:
    """Where a code's results on an arm are kept."""
    return BUILD / "results" / arm / f"{code}.csv"
