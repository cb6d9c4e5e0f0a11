"""statmorph: half-light radius and flux by growth curve, without model, PSF or errors."""

from __future__ import annotations

import numpy as np
import statmorph
from rows import Fit, Galaxy, main


def measure(galaxy: Galaxy) -> Fit:
    """Half-light radius of circular apertures, and the flux within two Petrosian radii."""
    (found,) = statmorph.source_morphology(
        galaxy.pixels,
        galaxy.segment.astype(int),
        mask=galaxy.mask,
        weightmap=np.sqrt(galaxy.variance),
        psf=galaxy.psf,
    )
    values = {"flux": float(found.flux_circ), "effective_radius": float(found.rhalf_circ)}
    if found.flag >= 4 or min(values.values()) <= 0:
        return Fit({}, status=f"flag {found.flag}")
    return Fit(values)


if __name__ == "__main__":
    main(measure)
