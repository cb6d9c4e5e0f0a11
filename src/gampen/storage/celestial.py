"""Where positions on the sky lie in an image, by astropy: all of them in one call."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float64

from gampen.errors import UsageError, reason_of

if TYPE_CHECKING:
    from astropy.wcs import WCS

Positions = Float64[np.ndarray, " galaxy"]

ROUND_TRIP = 1e-3
"""[pixel] A position that comes back this far from where it was has no place in the image."""

TOLERANCE = 1e-6
"""[pixel] To which a distorted projection is turned around."""

BESIDE = 1.5
"""Times a tile's radius: galaxies so near to its centre are looked for in it and at its edges."""


@dataclass(frozen=True)
class Footprint:
    """A circle on the sky around an image: its centre as a unit vector, and its radius [radian]."""

    centre: tuple[float, float, float]
    radius: float

    def near(self, vectors: Float64[np.ndarray, "galaxy 3"]) -> Bool[np.ndarray, " galaxy"]:
        """Which directions may lie in the image or at its edge."""
        # An angle from its chord: its cosine cannot tell small angles apart.
        chord = np.linalg.norm(vectors - np.array(self.centre), axis=-1)
        reach = min(BESIDE * self.radius, math.pi)
        return np.asarray(chord <= 2 * math.sin(reach / 2))


def unit_vectors(ra: Positions, dec: Positions) -> Float64[np.ndarray, "galaxy 3"]:
    """Unit vectors of positions [deg]."""
    longitude, latitude = np.radians(ra), np.radians(dec)
    across = np.cos(latitude)
    axes = (across * np.cos(longitude), across * np.sin(longitude), np.sin(latitude))
    return np.stack(axes, axis=-1)


def celestial_wcs(header: str, name: str) -> WCS:
    """The celestial world coordinates of an image's header, distortions and all.

    `UsageError` where a header has none, or has them in a table outside of the header.
    """
    from astropy.io import fits
    from astropy.wcs import WCS

    with warnings.catch_warnings():
        # Dates, units and frames that astropy mends on its own are no news here.
        warnings.simplefilter("ignore")
        try:
            wcs = WCS(fits.Header.fromstring(header), naxis=2)
        except Exception as error:  # noqa: BLE001 - astropy and wcslib raise a dozen kinds
            raise UsageError(
                f"{name}: a mosaic's header must hold whole world coordinates; {reason_of(error)}"
            ) from None
    if not wcs.has_celestial:
        raise UsageError(f"{name}: a mosaic must have celestial world coordinates; it has none")
    return wcs


def places(wcs: WCS, ra: Positions, dec: Positions) -> tuple[Positions, Positions]:
    """Columns and rows [pixel, from 0] of ICRS positions [deg]; NaN where there is no such place.

    A distorted projection is turned around step by step and may end anywhere far outside of the
    image, so that what does not come back to where it was has no place.
    """
    given = _in_frame(wcs, ra, dec)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        x, y = (
            np.asarray(axis, dtype=np.float64)
            for axis in wcs.all_world2pix(*given, 0, tolerance=TOLERANCE, quiet=True)
        )
        back = wcs.all_pix2world(x, y, 0)
        again = wcs.wcs_world2pix(*back, 0)
        plain = wcs.wcs_world2pix(*given, 0)
        lost = ~(np.hypot(again[0] - plain[0], again[1] - plain[1]) < ROUND_TRIP)
    return np.where(lost, np.nan, x), np.where(lost, np.nan, y)


def _in_frame(wcs: WCS, ra: Positions, dec: Positions) -> tuple[Positions, Positions]:
    """ICRS positions in the coordinates of an image, in the order of its axes [deg]."""
    from astropy import units
    from astropy.coordinates import ICRS, SkyCoord
    from astropy.wcs.utils import wcs_to_celestial_frame

    frame = wcs_to_celestial_frame(wcs)
    if not isinstance(frame, ICRS):
        turned = SkyCoord(ra, dec, unit="deg", frame="icrs").transform_to(frame).spherical
        ra, dec = turned.lon.to_value(units.deg), turned.lat.to_value(units.deg)
    return (ra, dec) if wcs.wcs.lng < wcs.wcs.lat else (dec, ra)


def footprint(wcs: WCS, shape: tuple[int, int]) -> Footprint:
    """The circle on the sky that holds an image."""
    height, width = shape
    across, up = np.linspace(-0.5, width - 0.5, 9), np.linspace(-0.5, height - 0.5, 9)
    grid = [axis.ravel() for axis in np.meshgrid(across, up)]
    vectors = unit_vectors(*on_the_sky(wcs, *grid))
    vectors = vectors[np.isfinite(vectors).all(axis=-1)]
    if not len(vectors):
        return Footprint((1.0, 0.0, 0.0), math.pi)
    centre = vectors.mean(axis=0)
    centre /= np.linalg.norm(centre)
    chord = float(np.linalg.norm(vectors - centre, axis=-1).max())
    x, y, z = centre.tolist()
    return Footprint((x, y, z), 2 * math.asin(min(chord / 2, 1.0)))


def on_the_sky(wcs: WCS, x: Positions, y: Positions) -> tuple[Positions, Positions]:
    """ICRS positions [deg] of places in an image."""
    from astropy import units
    from astropy.wcs.utils import pixel_to_skycoord

    sky = pixel_to_skycoord(x, y, wcs, origin=0).icrs.spherical
    return sky.lon.to_value(units.deg), sky.lat.to_value(units.deg)
