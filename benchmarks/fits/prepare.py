"""`python -m benchmarks.fits.prepare [--galaxies N] [--real FOLDER]`: the galaxies of every arm.

Writes one .npz an arm to `build/fits/samples/`. FOLDER holds Hubble images as GalSim's RealGalaxy
reads them, for the arm `not_sersic`; without it that arm is left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from jaxtyping import Float, Int

from benchmarks.fits.environments import run_in
from benchmarks.fits.moments import Moments, others, own_segment
from benchmarks.fits.real import REAL_ARM, observed_again
from benchmarks.fits.samples import Sample, sample_path
from benchmarks.fits.scenes import Observed
from benchmarks.fits.simulated import ARMS, simulated

PIXEL_SCALE, ZERO_POINT = 0.168, 27.0
NOT_DETECTED = 8.0  # [pixel] radius within which an undetected galaxy's moments are taken


def segments_of(observed: Observed) -> Int[np.ndarray, "galaxy height width"]:
    """Detected and deblended objects, found by an environment of their own."""
    with TemporaryDirectory() as folder:
        given, found = (str(Path(folder) / name) for name in ("images.npz", "segments.npz"))
        np.savez(given, pixels=observed.pixels, variance=observed.variance)
        run_in("segmentation", given, found)
        with np.load(found) as arrays:
            segments: np.ndarray = arrays["segments"]
    return segments


def start_values(
    pixels: Float[np.ndarray, "height width"],
    segments: Int[np.ndarray, "height width"],
    own: int,
    psf_fwhm: float,
) -> Float[np.ndarray, " moment"]:
    """The moments of the galaxy's own segment, or of a disc where it was not detected."""
    rows, columns = np.indices(pixels.shape)
    centre_y, centre_x = ((side - 1) / 2 for side in pixels.shape)
    disc = np.hypot(rows - centre_y, columns - centre_x) < NOT_DETECTED
    return Moments.of(pixels, segments == own if own else disc, psf_fwhm).row()


def sample_of(arm: str, observed: Observed) -> Sample:
    """The sample of an arm: what was observed, with what was detected there."""
    segments = segments_of(observed)
    own = np.array([own_segment(found) for found in segments])
    given = zip(observed.pixels, segments, own.tolist(), observed.psf_fwhm.tolist(), strict=True)
    return Sample(
        object_id=np.array([f"{arm}-{place:04d}" for place in range(len(own))]),
        **vars(observed),
        segments=segments.astype(np.int16),
        own=own.astype(np.int16),
        mask=np.stack([others(s, o) for s, o in zip(segments, own, strict=True)]),
        start=np.stack([start_values(*galaxy) for galaxy in given]),
        pixel_scale=np.array(PIXEL_SCALE),
        zero_point=np.array(ZERO_POINT),
    )


def main() -> None:
    """Write the arms."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--galaxies", type=int, default=200, help="in each arm")
    parser.add_argument("--real", type=Path, help="folder of Hubble images")
    asked = parser.parse_args()
    for name, arm in ARMS.items():
        keep(name, simulated(arm, asked.galaxies))
    if asked.real:
        keep(REAL_ARM, observed_again(asked.real, asked.galaxies))


def keep(arm: str, observed: Observed) -> None:
    """Write one arm."""
    sample_of(arm, observed).save(sample_path(arm))
    print(f"{arm}: {len(observed.pixels)} galaxies", flush=True)


if __name__ == "__main__":
    main()
