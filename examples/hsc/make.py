"""Cuts the galaxies of this folder out of the scenes they were published in: see README.md."""  # noqa: INP001

from __future__ import annotations

import argparse
import csv
import gzip
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

PIXEL_SCALE = 0.168  # [arcsec]
FLUXMAG0 = 10 ** (27 / 2.5)
BAND = 2  # of g r i z y
LARGEST_HALF, SMALLEST_HALF = 48, 14  # [pixel]
MASK_PLANES = {"BAD": 0, "SAT": 1, "INTRP": 2, "CR": 3, "EDGE": 4, "DETECTED": 5, "NO_DATA": 8}
CATALOGUE = {
    "hst_ident": "ident",
    "hst_mag_f814w": "mag_f814w",
    "hst_bulge_to_total": "bt_bd",
    "hst_sersic_index": "ser_n",
    "hst_half_light_radius_arcsec": "ser_hlr_circ",
    "hst_axis_ratio": "ser_q",
}
FITTED = "hst_fit_mag_f814w"


@dataclass(frozen=True)
class Galaxy:
    """One galaxy and the planes of its scene; `x`, `y` [pixel] count from 0."""

    object_id: str
    x: float
    y: float
    image: np.ndarray
    psf_file: str
    variance: np.ndarray | None = None
    detected: np.ndarray | None = None
    position: tuple[str, str] | None = None
    catalogue: dict[str, str] = field(default_factory=dict)

    @property
    def box(self) -> tuple[slice, slice]:
        """The largest box of the scene with the galaxy in its middle."""
        row, column = round(self.y), round(self.x)
        height, width = self.image.shape
        up = min(row, height - 1 - row, LARGEST_HALF)
        across = min(column, width - 1 - column, LARGEST_HALF)
        return slice(row - up, row + up + 1), slice(column - across, column + across + 1)

    @property
    def half(self) -> int:
        """Half of the shorter side of the box [pixel]."""
        return min((part.stop - part.start) // 2 for part in self.box)


def fitted_magnitudes(source: Path) -> dict[str, str]:
    """The magnitude of each published fit, of bulge and disk where it prefers these, by ident."""
    with gzip.open(source / "cosmos_f814w_lt25p2_fits.fits.gz") as file:
        table = fits.getdata(file)
    magnitudes = np.where(table["use_bulgefit"] == 1, table["bd_mag"], table["ser_mag"])
    pairs = zip(table["ident"].tolist(), magnitudes.tolist(), strict=True)
    return {str(ident): f"{magnitude:.3f}" for ident, magnitude in pairs}


def blends(source: Path, fitted: dict[str, str]) -> list[Galaxy]:
    """The galaxies of the deblender scenes that have an HST counterpart."""
    with (source / "hst_matches.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    galaxies = []
    for row in rows:
        scene = np.load(source / row["file"])
        weight = scene["weights"][BAND]
        inside = weight > 0
        typical = np.median(1 / weight[inside])
        variance = np.where(inside, 1 / np.where(inside, weight, 1), typical)
        galaxies.append(
            Galaxy(
                f"cosmos-{row['ident']}",
                float(row["x"]),
                float(row["y"]),
                scene["images"][BAND],
                "psf_blends.fits",
                variance,
                inside,
                (row["ra"], row["dec"]),
                {name: row[key] for name, key in CATALOGUE.items()}
                | {FITTED: fitted.get(row["ident"], "nan") if row["catalogue"] == "0" else "nan"},
            )
        )
    return galaxies


def scene(source: Path) -> list[Galaxy]:
    """The two bright galaxies of the scarlet scene."""
    with fits.open(source / "scene35_i.fits") as hdus:
        image, variance = hdus["IMAGE"].data, hdus["VARIANCE"].data
    places = {"scene35-0": (14, 33), "scene35-1": (31, 36)}
    return [
        Galaxy(name, x, y, image, "psf_scene.fits", variance, np.zeros(image.shape, bool))
        for name, (x, y) in places.items()
    ]


def chain(source: Path) -> list[Galaxy]:
    """The clumpy chain that HST saw too."""
    with fits.open(source / "hsc_grizy.fits") as hdus:
        image, header = hdus[0].data[BAND], hdus[0].header
    x, y = 23, 25
    sky = WCS(header).celestial.pixel_to_world_values(x, y)
    position = (f"{sky[0]:.6f}", f"{sky[1]:.6f}")
    return [Galaxy("chain", x, y, image, "psf_pair.fits", position=position)]


def coordinates(galaxy: Galaxy) -> dict[str, object]:
    """World-coordinate cards: north up, with the galaxy at its catalogued position if known."""
    step = PIXEL_SCALE / 3600
    cards: dict[str, object] = {"CD1_1": -step, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": step}
    if galaxy.position is None:
        return cards
    rows, columns = galaxy.box
    names = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "RADESYS": "ICRS"}
    pixel = {"CRPIX1": galaxy.x - columns.start + 1, "CRPIX2": galaxy.y - rows.start + 1}
    sky = {"CRVAL1": float(galaxy.position[0]), "CRVAL2": float(galaxy.position[1])}
    return names | pixel | sky | cards


def hdus_of(galaxy: Galaxy) -> fits.HDUList:
    """The file of a galaxy: IMAGE, MASK, VARIANCE as HSC's pipeline has them, or one image."""
    image = np.ascontiguousarray(galaxy.image[galaxy.box], dtype=np.float32)
    cards = {"BUNIT": "adu", **coordinates(galaxy)}
    if galaxy.variance is None or galaxy.detected is None:
        return fits.HDUList([fits.PrimaryHDU(image, fits.Header({**cards, "FILTER": "i"}))])
    primary = fits.PrimaryHDU(header=fits.Header({"FILTER": "i", "FLUXMAG0": FLUXMAG0}))
    planes = {f"MP_{name}": bit for name, bit in MASK_PLANES.items()}
    header = fits.Header()
    for name, bit in planes.items():
        header[name if len(name) <= 8 else f"HIERARCH {name}"] = bit
    mask = galaxy.detected[galaxy.box].astype(np.int32) << MASK_PLANES["DETECTED"]
    variance = galaxy.variance[galaxy.box].astype(np.float32)
    return fits.HDUList(
        [
            primary,
            fits.ImageHDU(image, fits.Header(cards), name="IMAGE"),
            fits.ImageHDU(mask, header, name="MASK"),
            fits.ImageHDU(variance, name="VARIANCE"),
        ]
    )


def psfs(source: Path) -> dict[str, np.ndarray]:
    """The i-band PSF of each source."""
    with fits.open(source / "hsc_cosmos_scene" / "scene35_i.fits") as hdus:
        of_scene = hdus["PSF"].data
    return {
        "psf_blends.fits": np.load(source / "hsc_cosmos_blends" / "psfs.npz")["psfs"][BAND],
        "psf_scene.fits": of_scene,
        "psf_pair.fits": fits.getdata(source / "hsc_hst_pair" / "hsc_psf_grizy.fits")[BAND],
    }


def write(folder: Path, galaxies: list[Galaxy]) -> None:
    """Write the cutouts and `info.csv`."""
    (folder / "cutouts").mkdir(parents=True, exist_ok=True)
    names = ["object_id", "file_name", "ra", "dec", "psf_file", *CATALOGUE, FITTED]
    with (folder / "info.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, names, restval="nan", lineterminator="\n")
        table.writeheader()
        for galaxy in galaxies:
            name = f"{galaxy.object_id}.fits"
            hdus_of(galaxy).writeto(folder / "cutouts" / name, overwrite=True)
            ra, dec = galaxy.position or ("nan", "nan")
            row = {"object_id": galaxy.object_id, "file_name": name, "ra": ra, "dec": dec}
            table.writerow(row | {"psf_file": galaxy.psf_file} | galaxy.catalogue)


def main() -> None:
    """Build this folder from the folder that holds the three sources."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="holds the folders that README.md names")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    source, output = arguments.source, arguments.output
    fitted = fitted_magnitudes(source / "cosmos_fits_catalogue")
    galaxies = blends(source / "hsc_cosmos_blends", fitted)
    galaxies += scene(source / "hsc_cosmos_scene") + chain(source / "hsc_hst_pair")
    write(output, [galaxy for galaxy in galaxies if galaxy.half >= SMALLEST_HALF])
    for name, psf in psfs(source).items():
        image = np.asarray(psf, dtype=np.float32)
        fits.PrimaryHDU(image).writeto(output / name, overwrite=True)


if __name__ == "__main__":
    main()
