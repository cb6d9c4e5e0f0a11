"""Galaxies with known truths, and what an estimator says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from gampen.calibration.answers import Answers
from gampen.calibration.stages import LEAST
from gampen.cutouts import Cutout, Cutouts, Entry, Rejection
from gampen.errors import UsageError
from gampen.estimator import Estimator, Prediction
from gampen.inference.sampling import Sampling
from gampen.parameters import ParameterSpace
from gampen.scaling.chunks import ahead, chunks
from gampen.settings import Scaling
from gampen.storage.layouts import Folder, read_cutouts
from gampen.verbs.sights import predict_entries, readable

Progress = Callable[[int, int], None]
NO_TRUTH = "true values must be given, strictly within the bounds of their parameters"
NO_SCALE = "the pixel scale must be known, as true lengths are in arcsec"


@dataclass(frozen=True, eq=False)
class Evidence:
    """What an estimator says of galaxies, in pixels and sky sigmas, and the truth in the same.

    `left_out` counts the other galaxies by the reason why.
    """

    answers: Answers
    points: Float64[Tensor, "galaxy parameter"]
    left_out: Counter[str]

    @classmethod
    def of(
        cls,
        estimator: Estimator,
        folder: Folder,
        sampling: Sampling,
        progress: Progress = lambda *_: None,
    ) -> Evidence:
        """That of a folder whose info table has the true values.

        `UsageError` where there are too few galaxies to recalibrate with.
        """
        truth = folder.catalog.parameter_values(estimator.space)
        inside = estimator.space.unconstrain(torch.from_numpy(truth)).isfinite().all(dim=1)
        rows = np.flatnonzero(inside.numpy())
        sound = folder.take(rows.tolist())
        left_out = Counter({NO_TRUTH: len(folder) - len(rows)})
        require_enough(len(rows), +left_out)
        parts = []
        for run, read in ahead(lambda r: list(_read(sound, r, estimator.space)), chunks(len(rows))):
            entries, prediction = predict_entries(estimator, read, sampling)
            parts.append(_part(entries, prediction, truth[rows[run.start : run.stop]]))
            left_out.update(entry.reason for entry in entries if isinstance(entry, Rejection))
            progress(run.stop, len(rows))
        answers, points = zip(*parts, strict=True)
        require_enough(sum(len(part) for part in points), +left_out)
        return cls(Answers.cat(answers), torch.cat(points), +left_out)


def require_enough(galaxies: int, left_out: Counter[str]) -> None:
    """`UsageError` where there are too few galaxies, with the commonest reason for it."""
    if galaxies >= LEAST:
        return
    reasons = "".join(f"; {count} left out: {why}" for why, count in left_out.most_common(1))
    raise UsageError(
        f"recalibration needs at least {LEAST} galaxies with a posterior and true values; "
        f"got {galaxies}{reasons}"
    )


def _read(folder: Folder, run: range, space: ParameterSpace) -> Iterator[Entry]:
    """The cutouts of a run of galaxies; one whose lengths have no unit is rejected."""
    lengths = any(parameter.scaling is Scaling.LENGTH for parameter in space)
    for entry in read_cutouts(folder.take(run)):
        if lengths and isinstance(entry, Cutout) and entry.pixel_scale is None:
            yield Rejection(entry.object_id, entry.file_name, NO_SCALE)
        else:
            yield entry


def _part(
    entries: Sequence[Entry],
    prediction: Prediction,
    truth: Float64[np.ndarray, "galaxy parameter"],
) -> tuple[Answers, Float64[Tensor, "found parameter"]]:
    """What was predicted, and the truth of the same galaxies, in pixels and sky sigmas."""
    found = [place for place, entry in enumerate(entries) if isinstance(entry, Cutout)]
    return within(prediction, readable(entries), truth[found])


def within(
    prediction: Prediction, cutouts: Cutouts, truth: Float64[np.ndarray, "galaxy parameter"]
) -> tuple[Answers, Float64[Tensor, "galaxy parameter"]]:
    """Predictions and truths in unconstrained space, in pixels and sky sigmas."""
    posterior, space = prediction.posterior, prediction.posterior.space
    scales = torch.from_numpy(cutouts.unit_scales)
    slope, offset = space.physical_map(scales, torch.from_numpy(prediction.sky_sigma))
    answers = Answers(
        mixture=posterior.mixture.affine(1 / slope, -offset / slope),
        epistemic=posterior.epistemic / (slope[:, :, None] * slope[:, None, :]),
        crop_scale=torch.from_numpy(prediction.crop_scale),
        psf_fwhm=torch.from_numpy(cutouts.psf_fwhms),
    )
    return answers, (space.unconstrain(torch.from_numpy(truth)) - offset) / slope
