"""FITS cutouts: one file in, one `Cutout` out, and back."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Shaped

from gampen.cutouts import CardValue, Cutout
from gampen.errors import GalaxyError, reason_of
from gampen.storage.atomic import write_bytes
from gampen.storage.hdus import BLOCK, Hdu, read_hdus
from gampen.storage.headers import CARD_LENGTH, psf_fwhm, zero_point
from gampen.storage.planes import Band, Planes, Role, choose_planes, planes_in, role_of
from gampen.storage.psfs import fit_core, measure_concentration
from gampen.storage.wcs import central_position, pixel_scale, tangent_cards, wcs_cards

PsfFacts = tuple[float | None, float | None]
"""Width [pixel] and concentration of a PSF, as far as they are known."""

LARGEST_PSF = 1024
"""[pixel] A side of a PSF's image."""

UNFORESEEN = "reading it failed with"


@dataclass(frozen=True)
class Known:
    """What is known of a cutout beside its file; where given, it goes before the file's header.

    `ra`, `dec` [deg], `psf_fwhm` [arcsec], `psf_concentration` (see `Cutout`), `psf_file` a FITS
    image of the PSF in the cutout's pixels, `zero_point` [AB mag], `pixel_scale` [arcsec / pixel],
    `band` the plane to read.
    """

    object_id: str | None = None
    file_name: str | None = None
    ra: float | None = None
    dec: float | None = None
    psf_fwhm: float | None = None
    psf_concentration: float | None = None
    psf_file: Path | None = None
    zero_point: float | None = None
    pixel_scale: float | None = None
    band: Band = None

    def over(self, other: Known) -> Known:
        """These facts where given, and otherwise those of `other`."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        if not given:
            return other
        if self.psf_fwhm is not None and self.psf_file is None:
            other = replace(other, psf_file=None)
        return replace(other, **given)


def read_cutout(path: Path | str, known: Known | None = None) -> Cutout:
    """The cutout in a FITS file; `GalaxyError` with a one-line reason where there is none.

    The image may be in the primary HDU or an extension, of any type, scaled or compressed; a mask,
    variance or PSF in the same file is used. A PSF's width comes from `known`, a PSF image, or
    the header (PSF_FWHM, SEEING); a zero point from `known` or the header (MAGZERO, FLUXMAG0,
    PHOTFLAM, BUNIT). Whatever is in the file, nothing else is raised.
    """
    try:
        return cutout_of(read_hdus(path), path, known or Known())
    except GalaxyError:
        raise
    except Exception as error:
        # Nothing is known to end here; but a file is data from elsewhere, and a run is long.
        raise GalaxyError(
            f"the file must be a sound FITS file; {UNFORESEEN} {type(error).__name__}: "
            f"{reason_of(error)}"
        ) from error


def cutout_of(hdus: tuple[Hdu, ...], path: Path | str, known: Known) -> Cutout:
    """The cutout that the HDUs of a file hold; see `read_cutout`."""
    return cutout_in(choose_planes(hdus, known.band), path, known)


def cutout_in(planes: Planes, path: Path | str, known: Known) -> Cutout:
    """The cutout that planes are, with what their headers say and what is known beside them."""
    scale = known.pixel_scale or pixel_scale(planes.headers)
    place = position(planes, known)
    width, concentration = find_psf(planes, known, scale)
    return Cutout(
        pixels=planes.image,
        bad=planes.bad,
        object_id=known.object_id or stem(path),
        file_name=known.file_name or os.path.basename(path),  # noqa: PTH119
        psf_fwhm=width,
        psf_concentration=concentration,
        pixel_scale=scale,
        zero_point=zero_point(planes.headers) if known.zero_point is None else known.zero_point,
        ra=place[0],
        dec=place[1],
        wcs=wcs_cards(planes.headers[0]),
    )


def find_psf(planes: Planes, known: Known, scale: float | None) -> PsfFacts:
    """The PSF's width [pixel] and concentration from the best source there is, None without one."""
    if known.psf_file is not None:
        return psf_of_file(known.psf_file, known.band)
    if known.psf_fwhm is not None:
        return (None if scale is None else known.psf_fwhm / scale), known.psf_concentration
    if planes.psf is not None:
        try:
            return measured(planes.psf)
        except GalaxyError:
            return None, None
    return psf_fwhm(planes.headers, scale), known.psf_concentration


def measured(image: Shaped[np.ndarray, " ..."]) -> tuple[float, float | None]:
    """Width [pixel] and concentration of an image of a PSF; `GalaxyError` where it shows none."""
    if max(image.shape) > LARGEST_PSF:
        raise GalaxyError(
            f"a PSF image must have at most {LARGEST_PSF} pixels a side; got {image.shape}"
        )
    try:
        with np.errstate(all="ignore"):
            core = fit_core(image)
            found = core[2], measure_concentration(image, core)
    except np.linalg.LinAlgError:
        raise GalaxyError("a PSF image must have a peak that can be fitted") from None
    if not 0 < found[0] < math.inf:
        raise GalaxyError("a PSF image must have a peak of some width")
    return found


def psf_of_file(path: Path, band: Band) -> tuple[float, float | None]:
    """Width [pixel] and concentration of the PSF in a file; `GalaxyError` where there is none."""
    try:
        return _psf_of_version(path, band, path.stat().st_mtime_ns)
    except OSError:
        raise GalaxyError(f"the PSF file {path.name} must exist; it is missing") from None
    except GalaxyError as error:
        raise GalaxyError(f"the PSF file {path.name}: {error}") from None


@lru_cache(maxsize=256)
def _psf_of_version(path: Path, band: Band, _modified: int) -> tuple[float, float | None]:
    """What the PSF in a file was at a time, worked out once."""
    return measured(psf_image(path, band))


def psf_image(path: Path, band: Band) -> Shaped[np.ndarray, " ..."]:
    """The image of the PSF in a file; `GalaxyError` where there is none or no single choice."""
    hdus = read_hdus(path)
    single = sum(planes_in(hdu) for hdu in hdus if hdu.array is not None) == 1
    named = any(role_of(hdu) is Role.PSF for hdu in hdus)
    role = Role.PSF if named else Role.IMAGE
    # What else is in the file says nothing of the PSF: it may be a galaxy's, with its mask.
    alone = tuple(
        hdu if role_of(hdu) in (role, Role.OTHER) else Hdu(hdu.cards, None) for hdu in hdus
    )
    return choose_planes(alone, None if single else band, images_are=(role,)).image


def position(planes: Planes, known: Known) -> tuple[float | None, float | None]:
    """Right ascension and declination [deg], given or of the image's centre."""
    if known.ra is not None and known.dec is not None:
        return known.ra, known.dec
    height, width = planes.image.shape[0], planes.image.shape[-1]
    centre = central_position(planes.headers[0], (height, width))
    return centre or (None, None)


def stem(path: Path | str) -> str:
    """A file's name without the suffixes of FITS and of compression."""
    name = os.path.basename(path)  # noqa: PTH119 - of a million names, in a second
    for suffix in (".gz", ".fz", ".fits", ".fit", ".fts"):
        if name[-len(suffix) :].lower() == suffix:
            name = name[: -len(suffix)]
    return name


def write_cutout(cutout: Cutout, path: Path) -> None:
    """Write a cutout as a FITS file: float32, NaN where bad, with WCS, MAGZERO and PSF_FWHM."""
    pixels = np.where(cutout.bad, np.float32(np.nan), cutout.pixels)
    write_bytes(image_bytes(pixels, header_of(cutout)), path)


def header_of(cutout: Cutout) -> dict[str, CardValue]:
    """The cards that let `read_cutout` find again what a cutout knows."""
    cards: dict[str, CardValue] = dict(cutout.wcs)
    if not cards and cutout.pixel_scale is not None:
        place = None if cutout.ra is None or cutout.dec is None else (cutout.ra, cutout.dec)
        cards.update(tangent_cards(cutout.shape, cutout.pixel_scale, place))
    if cutout.zero_point is not None:
        cards["MAGZERO"] = cutout.zero_point
    if cutout.psf_fwhm is not None and cutout.pixel_scale is not None:
        cards["PSF_FWHM"] = cutout.psf_fwhm * cutout.pixel_scale
    return cards


def image_bytes(
    pixels: Float32[np.ndarray, "height width"], cards: Mapping[str, CardValue]
) -> bytes:
    """A FITS file of one float32 image."""
    height, width = pixels.shape
    layout = {"SIMPLE": True, "BITPIX": -32, "NAXIS": 2, "NAXIS1": width, "NAXIS2": height}
    lines = [card(keyword, value) for keyword, value in {**layout, **cards}.items()]
    header = "".join(lines) + "END".ljust(CARD_LENGTH)
    data = np.ascontiguousarray(pixels, dtype=">f4").tobytes()
    return header.encode("ascii").ljust(blocks(len(header))) + data.ljust(blocks(len(data)), b"\0")


def card(keyword: str, value: CardValue) -> str:
    """A header card in FITS's fixed format."""
    if isinstance(value, bool):
        text = ("T" if value else "F").rjust(20)
    elif isinstance(value, str):
        text = "'" + value.replace("'", "''").ljust(8) + "'"
    else:
        text = repr(value).upper().rjust(20)
    return f"{keyword:<8}= {text}".ljust(CARD_LENGTH)


def blocks(size: int) -> int:
    """The size rounded up to whole FITS blocks."""
    return -(-size // BLOCK) * BLOCK
