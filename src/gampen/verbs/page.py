"""The page of pictures that goes with a prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gampen.catalog import Catalog
from gampen.cutouts import Cutout, Cutouts
from gampen.errors import UsageError
from gampen.estimator import Estimator
from gampen.plotting.images import DrawnCrop
from gampen.plotting.posteriors import demo_sheet
from gampen.plotting.style import save
from gampen.storage.layouts import open_folder, read_cutouts
from gampen.verbs.predict import OK, PredictRequest

MOST_GALAXIES = 8


def draw_page(request: PredictRequest, catalog: Catalog, path: Path) -> Path:
    """Draw the first galaxies of a prediction: cutouts, learned crops and marginals."""
    sound = np.flatnonzero(np.array(catalog["status"].text()) == OK)[:MOST_GALAXIES]
    if not len(sound):
        raise UsageError("a page must show at least one galaxy; none of them has a posterior")
    entries = read_cutouts(open_folder(request.source).take(sound.tolist()), request.known)
    cutouts = Cutouts.of(entry for entry in entries if isinstance(entry, Cutout))
    prediction = Estimator.load(request.estimator).examine(cutouts, request.sampling)
    pairs = zip(cutouts, prediction.crop_theta, strict=True)
    crops = [DrawnCrop.of(cutout, theta) for cutout, theta in pairs]
    path.parent.mkdir(parents=True, exist_ok=True)
    save(demo_sheet(cutouts, crops, prediction.posterior), path)
    return path
