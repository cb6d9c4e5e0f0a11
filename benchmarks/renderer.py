"""The renderer against GalSim: its error and its time, for random galaxies of every kind.

`python -m benchmarks.renderer [GALAXIES]` prints one row for each size and PSF. Errors
are shares of each image's peak, measured against GalSim with high accuracy asked of it; its time is
that with its own defaults. Both run on one thread; the renderer draws 16 galaxies at a time.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import galsim
import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from galsim_oracle import draw, one, random_profiles, random_psf
from gampen.rendering.psf import Gaussian, Kolmogorov, Moffat, PixelPSF
from gampen.rendering.render import render

SIZES = (48, 64, 96, 143, 240)
KINDS = (Moffat, Kolmogorov, Gaussian, PixelPSF)
SAMPLED, UNDERSAMPLED = (3.0, 7.0), (1.5, 3.0)  # [pixel] FWHM
BATCH = 16
REPEATS = 5


@dataclass(frozen=True)
class Row:
    """What was measured for one size and PSF."""

    label: str
    errors: torch.Tensor
    flux_errors: torch.Tensor
    milliseconds: float
    galsim_milliseconds: float

    def __str__(self) -> str:
        """The row of the table."""
        return (
            f"{self.label:34} {len(self.errors):4d} {self.errors.max():9.1e} "
            f"{self.errors.median():9.1e} {self.flux_errors.max():9.1e} "
            f"{self.milliseconds:8.2f} {self.galsim_milliseconds:8.1f}"
        )


def measure(kind: type, size: int, galaxies: int, oversampling: int) -> Row:
    """One row: galaxies with R_e from 0.3 FWHM to a third of the frame."""
    limits = SAMPLED if oversampling == 1 else UNDERSAMPLED
    psf = random_psf(kind, galaxies, limits, seed=size)
    profile = random_profiles(galaxies, size, 0.3 * limits[0], seed=size + 1)
    shape = (size, size)
    truth = draw(profile, psf, shape)
    start = perf_counter()
    draw(profile, psf, shape, galsim.GSParams(maximum_fft_size=12000))
    galsim_time = (perf_counter() - start) / galaxies
    image = torch.cat(
        [
            render(one(profile, place), one(psf, place), shape, oversampling=oversampling)
            for place in range(galaxies)
        ]
    )
    return Row(
        f"{size} px  {kind.__name__}  FWHM {limits[0]:g}-{limits[1]:g} px",
        (image - truth).abs().amax(dim=(1, 2)) / truth.amax(dim=(1, 2)),
        ((image - truth).sum(dim=(1, 2)) / truth.sum(dim=(1, 2))).abs(),
        1e3 * seconds(kind, size, limits, oversampling),
        1e3 * galsim_time,
    )


def seconds(kind: type, size: int, limits: tuple[float, float], oversampling: int) -> float:
    """The renderer's time for each galaxy of a batch, the best of some runs."""
    psf = random_psf(kind, BATCH, limits, seed=0)
    profile = random_profiles(BATCH, size, 0.3 * limits[0], seed=0)
    times = []
    for _ in range(REPEATS):
        start = perf_counter()
        render(profile, psf, (size, size), oversampling=oversampling)
        times.append(perf_counter() - start)
    return min(times) / BATCH


def main(galaxies: int = 10) -> None:
    """Measure so many galaxies of each size and PSF; print the table row by row and its summary."""
    torch.set_num_threads(1)
    print(f"{'':34}    N     worst    median flux worst  ms each  GalSim ms")
    cases = [(kind, size, 1) for size in SIZES for kind in KINDS]
    cases += [(kind, 64, 2) for kind in (Moffat, Kolmogorov, Gaussian)]
    rows = []
    for kind, size, oversampling in cases:
        rows.append(measure(kind, size, galaxies, oversampling))
        print(rows[-1], flush=True)
    errors, flux = torch.cat([r.errors for r in rows]), torch.cat([r.flux_errors for r in rows])
    print(
        f"all {len(errors)} galaxies: max|d|/peak worst {errors.max():.1e}, median "
        f"{errors.median():.1e}; flux in the stamp worst {flux.max():.1e}, median "
        f"{flux.median():.1e}"
    )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
