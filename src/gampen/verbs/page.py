"""The page of pictures that goes with a prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gampen.catalog import Catalog
from gampen.cutouts import Cutout, Cutouts
from gampen.errors import GampenError, UsageError
from gampen.estimator import Estimator
from gampen.plotting.images import DrawnCrop
from gampen.plotting.posteriors import demo_sheet
from gampen.plotting.style import STAMPS, save
from gampen.verbs.outputs import claim_file
from gampen.verbs.predict_request import PredictRequest
from gampen.verbs.sights import OK

MOST_GALAXIES = 8


def claim_page(path: Path) -> Path:
    """The page's file, seen to be writable; `UsageError` where it is not, or is no picture."""
    if path.suffix.lower() not in STAMPS:
        raise UsageError(f"a page must end in {', '.join(STAMPS)}; got {path.name!r}")
    return claim_file(path)


def draw_page(request: PredictRequest, catalog: Catalog, path: Path) -> Path:
    """Draw the first galaxies of a prediction: cutouts, learned crops and marginals."""
    sound = np.flatnonzero(np.array(catalog["status"].text()) == OK)[:MOST_GALAXIES].tolist()
    if not sound:
        raise GampenError("a page must show at least one galaxy; none of them has a posterior")
    source, known = request.open(), request.known
    entries = [next(source.take(range(place, place + 1)).read(known)) for place in sound]
    cutouts = Cutouts.of(entry for entry in entries if isinstance(entry, Cutout))
    prediction = Estimator.load(request.estimator).examine(cutouts, request.sampling)
    pairs = zip(cutouts, prediction.crop_theta, strict=True)
    crops = [DrawnCrop.of(cutout, theta) for cutout, theta in pairs]
    save(demo_sheet(cutouts, crops, prediction.posterior), path)
    return path
