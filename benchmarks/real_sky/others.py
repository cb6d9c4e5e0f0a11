"""Everything else: posteriors beside photometry in plain circles, and fits of Hubble's own stamps.

Photometry is Petrosian: the circle of two Petrosian radii, which holds all of a disk and 80-90 % of
a de Vaucouleurs bulge; the radius with half of it is corrected for the PSF as Gaussians would be.
Where a frame is larger than any the estimator was trained on, the galaxy is measured in all of it
and in its middle.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table

from benchmarks.real_sky.comparison import SHORT, Examined, deviation, examine, share_text
from benchmarks.real_sky.frames import Photometry, Scene, read_plane
from benchmarks.real_sky.labels import COLOUR_ERROR, Label, profile_of
from gampen.cutouts import Cutout
from gampen.estimator import Estimator
from gampen.inference.flags import TrainedRange
from gampen.rendering.sersic import half_light_radius
from gampen.storage.fits import PsfFacts, measured, read_cutout

STAMPS = Path("hst_cosmos_f814w") / "paltas10"
STAMP_PSFS = Path("hst_cosmos_f814w") / "galsim_example_psfs" / "real_galaxy_PSF_images.fits"
STAMP_ZERO_POINT = 25.94
SCENE_SCALE, SCENE_ZERO_POINT, SMALLEST = 0.168, 27.0, 24
RADIUS_ERROR, MAGNITUDE_ERROR = 0.1, 0.05
"""Of a single Sersic fit: half of how it differs from bulge + disk fits, where both exist."""


def scenes(data: Path) -> Iterator[tuple[str, Scene]]:
    """The scenes whose galaxy lies in the middle."""
    yield from legacy(data / "legacy_survey")
    folder = data / "sdss_ic3478"
    dwarf = read_plane(folder / "ic3478_r.fits").astype(float)
    bad = read_plane(folder / "ic3478_mask.fits") != 0
    yield "IC 3478 SDSS r", Scene(dwarf, (None, None), 0.396, None, bad)
    cluster = read_cutout(data / "hst_wfc3_a2744" / "a2744_dwarf_f105w.fits.gz")
    known = cluster.pixel_scale, cluster.zero_point
    yield (
        "A2744 F105W",
        Scene(cluster.pixels.astype(float), (cluster.psf_fwhm, cluster.psf_concentration), *known),
    )
    slices = data / "panstarrs_slice" / "slice.fits"
    yield "Pan-STARRS", Scene(read_plane(slices).astype(float), bad=read_plane(slices, 2) != 0)


def legacy(folder: Path) -> Iterator[tuple[str, Scene]]:
    """The galaxy of the Legacy Survey in each band."""
    name = "59.1067_-30.4848.fits"
    for place, band in enumerate("grz"):
        image = read_plane(folder / f"cutout_{name}", 1 + 2 * place).astype(float)
        weight = read_plane(folder / f"cutout_{name}", 2 + 2 * place)
        width = measured(read_plane(folder / f"psf_{name}", place))
        yield f"Legacy {band}", Scene(image, width, 0.262, 22.5, weight <= 0)


def hsc_scene(data: Path, largest: float) -> Iterator[Cutout]:
    """The sources of the HSC scene that lie far enough from its edges."""
    folder = data / "hsc_cosmos_scene"
    path = folder / "scene35_i.fits"
    width = measured(read_plane(path, "PSF"))
    scene = Scene(read_plane(path, "IMAGE").astype(float), width, SCENE_SCALE, SCENE_ZERO_POINT)
    with (folder / "sources.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            x, y = float(row["x"]), float(row["y"])
            height, wide = scene.image.shape
            if 2 * min(x, y, wide - 1 - x, height - 1 - y) + 1 >= SMALLEST:
                yield scene.cut(f"scene35-{row['object_id']} HSC i", x, y, largest)


def show(data: Path, estimator: Estimator) -> tuple[list[Examined], list[str]]:
    """Measure and print; the galaxies with the text for their pictures."""
    largest = TrainedRange.of(estimator.simulations).size[1]
    cutouts = list(hsc_scene(data, largest))
    for name, scene in scenes(data):
        cutouts.append(scene.central(name, largest))
        if max(scene.image.shape) > largest:
            cutouts.append(scene.central(f"{name}, all", 1e6))
    found = examine(estimator, cutouts)
    texts = [print_plausible(galaxy) for galaxy in found]
    stamps, captions = compare_stamps(data, estimator, largest)
    return found + stamps, texts + captions


def print_plausible(galaxy: Examined) -> str:
    """Print a posterior beside photometry; the text for the galaxy's picture."""
    cutout = galaxy.cutout
    plain = Photometry.of(cutout, galaxy.sky_sigma)
    radius = plain.half_radius * (cutout.pixel_scale or 1.0)
    brightness = "flux" if cutout.zero_point is None else "magnitude"
    total = plain.flux
    if cutout.zero_point is not None:
        total = cutout.zero_point - 2.5 * math.log10(max(plain.flux, 1e-30))
    height, width = cutout.shape
    note = "" if plain.reaches else "  (the aperture is cut off by the frame)"
    print(f"\n{cutout.object_id}  {height} x {width} px  flags {galaxy.flag_text}")
    for name, value in (("effective_radius", radius), (brightness, total)):
        print(f"  {SHORT[name]:4} {galaxy.text(name):52} aperture {value:9.3f}{note}")
    print(f"  B/T  {galaxy.text('bulge_to_total')}  crop {galaxy.crop_side:.2f}")
    ours = [galaxy.quantiles(name)[0] for name in ("effective_radius", brightness)]
    return (
        f"{cutout.object_id}\nR_e {ours[0]:.2f} / {radius:.2f}\n"
        f"{SHORT[brightness]} {ours[1]:.2f} / {total:.2f}"
    )


def compare_stamps(
    data: Path, estimator: Estimator, largest: float
) -> tuple[list[Examined], list[str]]:
    """Hubble's own stamps against the fits to them: measure and print."""
    folder, width = data / STAMPS, stamp_psf(data / STAMP_PSFS)
    table = Table.read(folder / "real_galaxy_catalog_23.5_fits.fits")
    cutouts = []
    for place, row in enumerate(table):
        image = read_plane(folder / "real_galaxy_images_23.5_n1.fits", place).astype(float)
        scene = Scene(image, width, 0.03, STAMP_ZERO_POINT)
        cutouts.append(scene.central(f"{row['IDENT']} HST", largest))
    found = examine(estimator, cutouts)
    labels = stamp_labels(table)
    texts = [print_stamp(*pair) for pair in zip(found, labels, strict=True)]
    for name in ("effective_radius", "magnitude"):
        pairs = zip(found, labels, strict=True)
        print(f"{name}: {share_text([deviation(g, name, label) for g, label in pairs])}")
    return found, texts


def stamp_psf(path: Path) -> PsfFacts:
    """The median width [pixel] and concentration of the PSFs of Hubble's stamps."""
    with fits.open(path) as hdus:
        found = np.array([measured(hdu.data) for hdu in hdus if hdu.data is not None], dtype=float)
    width, concentration = np.nanmedian(found, axis=0).tolist()
    return width, concentration


def stamp_labels(table: Table) -> list[Label]:
    """The published single Sersic fits: radius of the circle with half of the light, magnitude."""
    _, major, index, ratio = (np.asarray(table["sersicfit"][:, i]) for i in range(4))
    one = np.ones(len(table))
    radii = half_light_radius(profile_of([one], [0.03 * major], [index], [ratio]))
    magnitudes = STAMP_ZERO_POINT - 2.5 * np.log10(np.asarray(table["flux"][:, 0]))
    error = math.hypot(MAGNITUDE_ERROR, COLOUR_ERROR)
    return [
        {"effective_radius": (radius, RADIUS_ERROR), "magnitude": (magnitude, error)}
        for radius, magnitude in zip(radii.tolist(), magnitudes.tolist(), strict=True)
    ]


def print_stamp(galaxy: Examined, label: Label) -> str:
    """Print a posterior beside the published fit; the text for the galaxy's picture."""
    height, width = galaxy.cutout.shape
    print(f"\n{galaxy.cutout.object_id}  {height} x {width} px  flags {galaxy.flag_text}")
    lines = [galaxy.cutout.object_id]
    for name, (value, _) in label.items():
        away = deviation(galaxy, name, label)
        print(f"  {SHORT[name]:4} {galaxy.text(name):52} fit {value:8.3f} {away:+6.2f} sigma")
        lines.append(f"{SHORT[name]} {galaxy.quantiles(name)[0]:.2f} / {value:.2f} ({away:+.1f})")
    return "\n".join(lines)
