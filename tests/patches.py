"""Mosaics to cut galaxies from: tiles with world coordinates of every kind, and catalogues."""

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from gampen.catalog import Catalog
from gampen.storage.tables import write_catalog

STEP = 0.2 / 3600
CENTRE = (150.0, 2.2)
SIP = {
    "A_ORDER": 3,
    "A_2_0": 2e-6,
    "A_1_1": -1.2e-6,
    "A_0_2": 7e-7,
    "A_3_0": 3e-10,
    "A_2_1": -1e-10,
    "B_ORDER": 3,
    "B_2_0": 4e-7,
    "B_1_1": 1.5e-6,
    "B_0_2": -2e-6,
    "B_0_3": 2e-10,
}
TPV = {"PV1_0": 0.0, "PV1_1": 1.002, "PV1_4": 2e-4, "PV2_0": 0.0, "PV2_1": 0.999, "PV2_4": -1e-4}


def turned(degrees):
    """A rotation of the sky, in degrees per pixel."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.diag([-STEP, STEP]) @ turn


def sky_cards(shape, matrix=None, **cards):
    """The cards of a TAN projection with a CD matrix, its reference pixel off the middle."""
    height, width = shape
    matrix = turned(0) if matrix is None else matrix
    cd = {f"CD{i + 1}_{j + 1}": matrix[i, j] for i, j in np.ndindex(2, 2)}
    names = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CUNIT1": "deg", "CUNIT2": "deg"}
    origin = {"CRPIX1": width / 2 + 7.25, "CRPIX2": height / 2 - 11.5}
    place = {"CRVAL1": CENTRE[0], "CRVAL2": CENTRE[1]}
    return {**names, **origin, **place, **cd, "MAGZERO": 27.0, **cards}


HEADERS = {
    "plain": {},
    "rotated": {"matrix": turned(33)},
    "sheared": {"matrix": turned(-20) @ np.array([[1.0, 0.3], [0.05, 0.8]])},
    "sip": {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", **SIP, "matrix": turned(12)},
    "tpv": {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", **TPV},
    "zpn": {"CTYPE1": "RA---ZPN", "CTYPE2": "DEC--ZPN", "PV2_1": 1.0, "PV2_3": 42.0},
    "fk5": {"RADESYS": "FK5", "EQUINOX": 2000.0},
    "flipped": {"matrix": np.diag([STEP, STEP])},
}
"""World coordinates of many kinds."""


def pixels(shape, seed=1):
    """An image no two pixels of which are alike."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def write_tile(path, image=None, others=(), compress=False, **cards):
    """A tile as FITS: the image primary, or compressed behind an empty one, and HDUs beside it."""
    image = pixels((300, 340)) if image is None else image
    header = fits.Header(sky_cards(image.shape[-2:], **cards))
    if compress:
        hdus = [
            fits.PrimaryHDU(),
            fits.CompImageHDU(image, header, name="SCI", quantize_level=-0.01),
        ]
    else:
        hdus = [fits.PrimaryHDU(image, header)]
    fits.HDUList([*hdus, *others]).writeto(path, overwrite=True)
    return path


def header_of(path):
    """The header of a file's first image."""
    with fits.open(path) as hdus:
        return next(hdu.header for hdu in hdus if hdu.is_image and hdu.shape)


def wcs_of(path):
    """The world coordinates of a file's first image, by astropy."""
    return WCS(header_of(path), naxis=2)


def write_positions(path, places, tile, **columns):
    """A catalogue of galaxies at places (x, y) [pixel, from 0] of a tile."""
    x, y = np.array(places, dtype=float).T
    wcs = wcs_of(tile)
    sky = wcs.pixel_to_world(x, y).icrs
    names = [f"g{number}" for number in range(len(places))]
    columns = {"object_id": names, "ra": sky.ra.deg, "dec": sky.dec.deg, **columns}
    columns = {name: np.asarray(values) for name, values in columns.items() if values is not None}
    write_catalog(Catalog.of(**columns), path)
    return path
