"""What a code answered for the galaxies of an arm, and what gampen answers for the same."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from jaxtyping import Bool, Float, Shaped

from benchmarks.fits.propagation import DRAWS, covariance_of, normal_draws, targets_of
from benchmarks.fits.runners.rows import OK, PARAMETERS
from benchmarks.fits.samples import TARGETS, Sample
from gampen.cutouts import Cutout, Cutouts
from gampen.estimator import Estimator
from gampen.storage.fits import measured

SEED = 1


@dataclass(frozen=True, eq=False)
class Answers:
    """Estimates and draws of the `TARGETS` for some galaxies, lengths in pixels.

    NaN where a galaxy failed, draws also where a code has no errors, and what a code does not
    measure. `seconds` and `processor_seconds` are medians a galaxy.
    """

    code: str
    object_id: Shaped[np.ndarray, " galaxy"]
    estimate: Float[np.ndarray, "galaxy target"]
    draws: Float[np.ndarray, "galaxy draw target"]
    seconds: float
    processor_seconds: float

    @property
    def answered(self) -> Bool[np.ndarray, " galaxy"]:
        """Whether there is an estimate."""
        found: np.ndarray = np.isfinite(self.estimate).any(axis=1)
        return found


def of_fits(code: str, path: Path) -> Answers:
    """The answers in a runner's table."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    pairs = [answer(row, path.with_suffix("")) for row in rows]
    times = np.array([[float(row[n]) for n in ("seconds", "processor_seconds")] for row in rows])
    return Answers(
        code,
        np.array([row["object_id"] for row in rows]),
        np.stack([estimate for estimate, _ in pairs]),
        np.stack([draws for _, draws in pairs]),
        *np.median(times, axis=0).tolist(),
    )


def answer(
    row: dict[str, str], folder: Path
) -> tuple[Float[np.ndarray, " target"], Float[np.ndarray, "draw target"]]:
    """The estimate and the draws of one row."""
    nothing = np.full((DRAWS, len(TARGETS)), np.nan)
    if row["status"] != OK:
        return nothing[0], nothing
    if row["flux"]:
        return np.array([np.nan, float(row["effective_radius"]), float(row["flux"])]), nothing
    values = np.array([float(row[name]) for name in PARAMETERS])
    if row["covariance"]:
        generator = np.random.default_rng(SEED)
        draws = normal_draws(values, covariance_of(row["covariance"]), generator)
    else:
        draws = np.load(folder / f"{row['object_id']}.npy")
    again = np.resize(np.arange(len(draws)), DRAWS)
    return targets_of(values[None])[0], targets_of(draws)[again]


def of_gampen(sample: Sample, estimator: Estimator) -> Answers:
    """gampen's answers for a sample: medians, and draws from the posterior."""
    cutouts = cutouts_of(sample)
    estimator.predict(cutouts.take(range(1)))
    began = perf_counter(), process_time()
    posterior = estimator.predict(cutouts)
    median = posterior.median.numpy()
    ended = perf_counter(), process_time()
    draws = posterior.sample(DRAWS, SEED).numpy().transpose(1, 0, 2)
    columns = [estimator.space.index(name) for name in TARGETS]
    spent = [(late - early) / len(sample) for early, late in zip(began, ended, strict=True)]
    return Answers(
        "gampen", sample.object_id, median[:, columns], draws[..., columns], spent[0], spent[1]
    )


def cutouts_of(sample: Sample) -> Cutouts:
    """The images as gampen takes them, told of the PSF what its image says.

    Without a pixel scale, so that lengths are in pixels.
    """
    images = zip(sample.object_id, sample.pixels, sample.psf, strict=True)
    return Cutouts.of(_cutout(str(object_id), *pair) for object_id, *pair in images)


def _cutout(
    object_id: str, pixels: Float[np.ndarray, "height width"], psf: Float[np.ndarray, "size size"]
) -> Cutout:
    width, concentration = measured(psf)
    told = {"psf_fwhm": width, "psf_concentration": concentration}
    return Cutout(pixels=pixels, object_id=object_id, **told)
