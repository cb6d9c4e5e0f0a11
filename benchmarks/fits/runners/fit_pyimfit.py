"""pyimfit: Levenberg-Marquardt, and the covariance from the slopes of its own model images.

Its errors come without correlations, without which bulge-to-total ratio and flux have none; they
are computed as it computes its errors. Sersic indices are held to the range that was drawn from,
and have the spread of that range as a normal prior in the covariance. Its angles count from +y, its
pixels from one.
"""

from __future__ import annotations

import numpy as np
import pyimfit
from brightness import flux_over_brightness, with_fluxes
from rows import (
    COMPONENT,
    INDEX_RANGE,
    LIMITS,
    OK,
    PARAMETERS,
    Fit,
    Galaxy,
    index_sigma,
    main,
)

PARTS = ("bulge", "disk")
# The order of imfit's parameters: ellipticity for axis ratio, brightness for flux.
ORDER = (
    *("x", "y"),
    *(f"bulge_{name}" for name in ("angle", "axis_ratio", "index", "flux", "effective_radius")),
    *(f"disk_{name}" for name in ("angle", "axis_ratio", "index", "flux", "effective_radius")),
    "sky",
)
ANGLES = (-180.0, 360.0)  # [degree] a range so wide that no fit is stopped by its ends
STEP = 1e-3  # of a parameter's scale, for slopes


def sersic(galaxy: Galaxy, part: str) -> pyimfit.FunctionDescription:
    """One component at its start values."""
    start = galaxy.start_of(part)
    unit = flux_over_brightness(start["index"], start["effective_radius"], start["axis_ratio"])
    function = pyimfit.make_imfit_function("Sersic", label=part)
    low, high = LIMITS["axis_ratio"]
    brightness = start["flux"] / unit
    function.PA.setValue((start["angle"] - 90) % 180, ANGLES)
    function.ell.setValue(1 - start["axis_ratio"], (1 - high, 1 - low))
    function.n.setValue(start["index"], INDEX_RANGE[part])
    function.I_e.setValue(brightness, (0.0, 1e4 * brightness))
    function.r_e.setValue(start["effective_radius"], LIMITS["effective_radius"])
    return function


def model_of(galaxy: Galaxy) -> pyimfit.SimpleModelDescription:
    """Bulge, disk and a flat sky."""
    model = pyimfit.SimpleModelDescription()
    height, width = galaxy.pixels.shape
    model.x0.setValue(galaxy.start["x"] + 1, (1, width))
    model.y0.setValue(galaxy.start["y"] + 1, (1, height))
    for part in PARTS:
        model.addFunction(sersic(galaxy, part))
    sky = pyimfit.make_imfit_function("FlatSky")
    scatter = float(np.sqrt(np.median(galaxy.variance)))
    sky.I_sky.setValue(0.0, (-scatter, scatter))
    model.addFunction(sky)
    return model


def slopes(code: pyimfit.Imfit, at: np.ndarray) -> np.ndarray:
    """Slopes [pixel, parameter] of the model image, one step to each side."""
    columns = []
    for place, name in enumerate(ORDER):
        step = np.zeros_like(at)
        step[place] = STEP * (1.0 if name[-5:] in ("ratio", "angle") else max(abs(at[place]), 0.1))
        pair = (code.getModelImage(newParameters=at + side * step) for side in (1, -1))
        above, below = (image.ravel().copy() for image in pair)
        columns.append((above - below) / (2 * step[place]))
    return np.stack(columns, axis=1)


def covariance_of(code: pyimfit.Imfit, galaxy: Galaxy, at: np.ndarray) -> np.ndarray:
    """The inverse of the curvature of chi^2 / 2 with the prior's, in the order of `PARAMETERS`.

    What the image does not depend on, such as the shape of a bulge without light, has no variance.
    """
    good = ~galaxy.mask.ravel()
    scaled = slopes(code, at)[good] / np.sqrt(galaxy.variance.ravel()[good])[:, None]
    curvature = scaled.T @ scaled
    for part in PARTS:
        place = ORDER.index(f"{part}_index")
        curvature[place, place] += index_sigma(part) ** -2
    scale = np.sqrt(np.diag(curvature))
    scale[scale == 0] = 1.0
    inverse = np.linalg.pinv(curvature / np.outer(scale, scale)) / np.outer(scale, scale)
    order = [ORDER.index(name) for name in PARAMETERS]
    # the axis ratio falls as the ellipticity grows
    sign = np.array([-1.0 if name.endswith("ratio") else 1.0 for name in PARAMETERS])
    return inverse[np.ix_(order, order)] * np.outer(sign, sign)


def fit(galaxy: Galaxy) -> Fit:
    """The best fit with its covariance."""
    code = pyimfit.Imfit(model_of(galaxy), psf=galaxy.optical_psf, maxThreads=1)
    found = code.fit(
        galaxy.pixels, error=np.sqrt(galaxy.variance), mask=galaxy.mask.astype(float), solver="LM"
    )
    at = np.array(found.params)
    named = dict(zip(ORDER, at.tolist(), strict=True))
    parts = [component(named, part) for part in PARTS]
    values = {"x": named["x"] - 1, "y": named["y"] - 1, "sky": named["sky"]}
    for part, each in zip(PARTS, parts, strict=True):
        values |= {f"{part}_{name}": value for name, value in each.items()}
    covariance = with_fluxes(covariance_of(code, galaxy, at), *parts)
    return Fit(values, covariance, status=OK if found.fitConverged else "not converged")


def component(named: dict[str, float], part: str) -> dict[str, float]:
    """One component with its flux, axis ratio and angle [degree] from +x."""
    found = {name: named[f"{part}_{name}"] for name in COMPONENT}
    found["axis_ratio"] = 1 - found["axis_ratio"]
    shape = (found["index"], found["effective_radius"], found["axis_ratio"])
    found["flux"] *= flux_over_brightness(*shape)
    found["angle"] = (found["angle"] + 90) % 180
    return found


if __name__ == "__main__":
    main(fit)
