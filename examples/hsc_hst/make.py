"""Makes the images of this folder from the files they were published in: see README.md."""  # noqa: INP001

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from astropy.io import fits

BAND = 2  # i, of g r i z y
REACH = 40  # [pixel] of Hubble's PSF that is kept, each way from its peak
STEPS = 20  # of a whole number in one standard deviation of the sky
WORLD = ("CRPIX", "PC", "CDELT", "CUNIT", "CTYPE", "CRVAL", "RADESYS", "EQUINOX")


def noise_of(image: np.ndarray) -> float:
    """The scatter of neighbouring pixels, which a galaxy hardly changes."""
    return float(1.0484 * np.median(np.abs(np.diff(image, axis=1))))


def whole_numbers(image: np.ndarray) -> tuple[np.ndarray, float]:
    """The image in whole numbers, as deep as its noise deserves, and what each is worth."""
    unit = noise_of(image) / STEPS
    return np.round(image / unit).astype(np.int16), unit


def write(path: Path, image: np.ndarray, psf: np.ndarray, header: fits.Header, band: str) -> None:
    """Write an image with the cards of its world coordinates, and its PSF behind it."""
    cards = [card for card in header.cards if card.keyword.startswith(WORLD)]
    counts, unit = whole_numbers(np.asarray(image, dtype=np.float64))
    primary = fits.PrimaryHDU(counts, fits.Header([*cards, ("FILTER", band)]))
    primary.header["BSCALE"] = unit  # afterwards: these are not scaled yet
    behind = fits.ImageHDU(np.asarray(psf, dtype=np.float32), name="PSF")
    fits.HDUList([primary, behind]).writeto(path, overwrite=True, output_verify="exception")


def around_peak(psf: np.ndarray) -> np.ndarray:
    """The middle of a PSF's image."""
    row, column = np.unravel_index(psf.argmax(), psf.shape)
    return psf[row - REACH : row + REACH + 1, column - REACH : column + REACH + 1]


def main() -> None:
    """Make both images from the folder that holds what was published."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="the folder hsc_hst_pair")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    source, output = arguments.source, arguments.output
    hsc, hsc_header = fits.getdata(source / "hsc_grizy.fits", header=True)
    hsc_psf = fits.getdata(source / "hsc_psf_grizy.fits")
    write(output / "hsc_i.fits", hsc[BAND], hsc_psf[BAND], hsc_header, "HSC-I")
    hst, hst_header = fits.getdata(source / "hst_acs_f814w.fits", header=True)
    hst_psf = around_peak(fits.getdata(source / "hst_psf.fits"))
    write(output / "hst_f814w.fits", hst, hst_psf, hst_header, "F814W")


if __name__ == "__main__":
    main()
