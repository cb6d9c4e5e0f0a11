"""From the brightness at the effective radius, which some codes fit, to the flux, with its errors.

The covariance is carried over linearly: flux is far better known than brightness and radius, and
draws of these would lose that by the curvature of the ridge along which they are degenerate.
"""

from __future__ import annotations

import math

import numpy as np
from rows import COMPONENT
from scipy.special import gamma, gammaincinv

STEP = 1e-4  # of the Sersic index


def flux_over_brightness(index: float, radius: float, axis_ratio: float) -> float:
    """The flux of a Sersic profile of brightness one at its effective radius."""
    b = gammaincinv(2 * index, 0.5)
    shape = 2 * math.pi * index * math.exp(b) * b ** (-2 * index) * gamma(2 * index)
    return float(shape * axis_ratio * radius**2)


def flux_slopes(component: dict[str, float]) -> np.ndarray:
    """The slopes of `COMPONENT` (flux first) in the same with brightness in place of flux."""
    index, radius, axis_ratio = (component[n] for n in ("index", "effective_radius", "axis_ratio"))
    unit = flux_over_brightness(index, radius, axis_ratio)
    flux = component["flux"]
    higher = flux_over_brightness(index + STEP, radius, axis_ratio)
    lower = flux_over_brightness(index - STEP, radius, axis_ratio)
    slopes = np.eye(len(COMPONENT))
    slopes[0] = [
        unit,
        2 * flux / radius,
        flux / unit * (higher - lower) / (2 * STEP),
        flux / axis_ratio,
        0.0,
    ]
    return slopes


def with_fluxes(
    covariance: np.ndarray, bulge: dict[str, float], disk: dict[str, float]
) -> np.ndarray:
    """The covariance of `PARAMETERS` from the same with brightnesses in the place of fluxes."""
    slopes = np.eye(len(covariance))
    size = len(COMPONENT)
    for first, component in ((2, bulge), (2 + size, disk)):
        slopes[first : first + size, first : first + size] = flux_slopes(component)
    return slopes @ covariance @ slopes.T
