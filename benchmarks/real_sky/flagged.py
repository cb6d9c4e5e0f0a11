"""`python -m benchmarks.real_sky.flagged DATA [ESTIMATOR] [--out FOLDER]`: flags of real sky.

What is raised for each cutout of a folder of real images that `benchmarks.real_sky` does not
measure one by one: crowded HSC scenes, HST stamps, stars as the HSC cutout service delivers them.
Prints how often each flag is raised and which galaxies raise it, and draws every frame into FOLDER.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from astropy.io import fits
from jaxtyping import Float

from benchmarks.real_sky.comparison import Examined
from benchmarks.real_sky.frames import Scene
from benchmarks.real_sky.pictures import save_sheet
from gampen import Cutout, Cutouts, Estimator, Flag, load_cutouts
from gampen.storage.fits import measured

SHEET = 25  # frames a picture
HSC_SCALE, HSC_ZERO_POINT, HSC_BAND = 0.168, 27.0, 2
HST_SCALE = 0.03
LARGEST, LEAST_HALF = 81, 8  # [pixel]


def blends(data: Path) -> Iterator[Cutout]:
    """The brightest source of each crowded HSC scene, in i."""
    folder = data / "hsc_cosmos_blends"
    width = measured(psf_of_band(folder / "psfs.npz"))
    for path in sorted(folder.glob("4*.npz")):
        with np.load(path) as held:
            image = held["images"][HSC_BAND].astype(float)
            peaks = held["peaks"]
        x, y = brightest(
            image, np.column_stack([peaks["x"], peaks["y"]]) if peaks.dtype.names else peaks
        )
        if min(x, y, image.shape[1] - 1 - x, image.shape[0] - 1 - y) >= LEAST_HALF:
            yield Scene(image, width, HSC_SCALE, HSC_ZERO_POINT).cut(path.stem[-6:], x, y, LARGEST)


def psf_of_band(path: Path) -> Float[np.ndarray, "height width"]:
    """The PSF's image in i."""
    with np.load(path) as held:
        found: np.ndarray = held[held.files[0]]
    image = found[HSC_BAND] if found.ndim > 2 else found
    return np.asarray(image, dtype=float)


def brightest(
    image: Float[np.ndarray, "height width"], peaks: Float[np.ndarray, "source 2"]
) -> tuple[float, float]:
    """The place (x, y) of the peak with the brightest pixel."""
    places = np.rint(peaks).astype(int)
    height, width = image.shape
    inside = ((places >= 0) & (places < (width, height))).all(axis=1)
    places = places[inside]
    x, y = places[image[places[:, 1], places[:, 0]].argmax()]
    return float(x), float(y)


def stamps(images: Path, psfs: Path) -> Iterator[Cutout]:
    """HST stamps of one file, each with its PSF."""
    with fits.open(images) as shown, fits.open(psfs) as spread:
        pairs = [
            (a.data, b.data) for a, b in zip(shown, spread, strict=False) if a.data is not None
        ]
    for place, (image, psf) in enumerate(pairs):
        fwhm, share = measured(np.asarray(psf, dtype=float))
        pixels = np.asarray(image, dtype=np.float32)
        name = f"{images.parent.name}-{place}"
        yield Cutout(
            pixels, object_id=name, psf_fwhm=fwhm, psf_concentration=share, pixel_scale=HST_SCALE
        )


def extension(data: Path) -> Iterator[Cutout]:
    """A hundred HST stamps and the AEGIS ones."""
    folder = data / "hst_cosmos_f814w"
    kin = folder / "btk_extension"
    yield from stamps(
        kin / "real_galaxy_images_extension.fits", kin / "real_galaxy_PSF_images_extension.fits"
    )
    for part in ("01", "02"):
        aegis = folder / "galsim_aegis"
        yield from stamps(
            aegis / f"AEGIS_F814w_images_{part}.fits", aegis / f"AEGIS_F814w_PSF_images_{part}.fits"
        )


def stars(data: Path) -> Iterator[Cutout]:
    """Stars, whose PSF nobody tells."""
    yield from load_cutouts(data / "hsc_cutout_service_stars")


PARTS = {"hsc_blends": blends, "hst_stamps": extension, "hsc_stars": stars}


def examined(estimator: Estimator, cutout: Cutout) -> Examined:
    """A cutout and what is said of it."""
    said = estimator.examine(Cutouts((cutout,)))
    theta, sigma, flags = said.crop_theta[0], float(said.sky_sigma[0]), Flag(int(said.flags[0]))
    return Examined(cutout, said.posterior, theta, sigma, flags)


def main() -> None:
    """Print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of real images")
    parser.add_argument("estimator", nargs="?", default="universal", help="a name or a file")
    parser.add_argument("--out", type=Path, help="where to write pictures of all frames")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    estimator = Estimator.load(arguments.estimator)
    for name, part in PARTS.items():
        found = [examined(estimator, cutout) for cutout in part(arguments.data)]
        print(f"\n## {name}: {len(found)}")
        for flag in Flag:
            raised = [g.cutout.object_id for g in found if flag in g.flags]
            if raised:
                some = " ".join(raised) if len(raised) < len(found) / 2 else ""
                print(f"{flag.name} {len(raised)}: {some}")
        for start in range(0, len(found) if arguments.out else 0, SHEET):
            group = found[start : start + SHEET]
            texts = [f"{g.cutout.object_id[:16]}\n" + g.flag_text.replace(" ", "\n") for g in group]
            save_sheet(arguments.out, f"{name}-{start // SHEET}", group, texts)


if __name__ == "__main__":
    main()
