"""One galaxy seen twice: two surveys, or two telescopes, must agree within their posteriors.

The KiDS and SDSS images come in maggies, so that both zero points are 0: ProFit's example data hold
`image * 10**(-0.4 * 30)` of mosaics with zero point 30 and are fitted with `magzero = 0`. Checked:
the segments hold the magnitudes of `ExampleInit.tab`. Pixels are 0.2 and 0.339 arcsec. The table's
rough starting values split one Sersic fit in two: total magnitude `mag1 - 2.5 log10 2`, semi-major
R_e `re2` [KiDS pixel], index `nser1 / 2`; what it calls `axrat2` is the ellipticity.

The light in one and the same circle differs between the surveys too, by calibration and filters.
The difference of our magnitudes is given without it as well.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from jaxtyping import Float

from benchmarks.real_sky.comparison import Examined, apart, examine, share_text
from benchmarks.real_sky.frames import Scene, distances_from_centre, read_plane
from benchmarks.real_sky.labels import profile_of
from gampen.cutouts import Cutout
from gampen.estimator import Estimator
from gampen.inference.flags import TrainedRange
from gampen.rendering.sersic import half_light_radius
from gampen.storage.fits import measured

PIXEL_SCALES = {"KiDS": 0.2, "SDSS": 0.339}
HALF = 2.5 * np.log10(2)
CIRCLE = 5.0  # [arcsec] in which both surveys see nearly all of a galaxy
NAMES = ("effective_radius", "magnitude")

PAIR, PAIR_SCALES = "hsc_hst_pair", {"HSC": 0.168, "HST": 0.03}
HST_ZERO_POINT = 25.947 + 2.5 * np.log10(2028)
"""AB of one electron a second in F814W, and COSMOS's exposure [s]: the image is in electrons."""
ORDINARY, CHAIN = (150.318494, 2.039519), (150.319246, 2.039373)  # [deg]
REFERENCE = 2.0  # [arcsec] around the chain, whose light relates the zero points
BAND = 2


def profit_scene(folder: Path, name: str, survey: str) -> Scene:
    """One galaxy of ProFit's example in one survey, less the median of its sky."""

    def plane(kind: str) -> Float[np.ndarray, "height width"]:
        return read_plane(folder / survey / f"{name}{kind}.fits").astype(float)

    # In units of a picomaggy, so that single precision holds the squares of the noise.
    image, width = plane("fitim") * 1e12, measured(plane("psfim"))
    image -= np.median(image[plane("segim") == 0])
    return Scene(image, width, PIXEL_SCALES[survey], 30.0, plane("mskim") != 0)


def starting_values(folder: Path) -> dict[str, tuple[float, float]]:
    """Radius of the circle with half of the light [arcsec] and magnitude, by galaxy."""
    with (folder / "ExampleInit.tab").open() as file:
        rows = list(csv.DictReader(file, delimiter=" "))
    column = {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}
    radii = half_light_radius(
        profile_of(
            [np.ones(len(rows))],
            [column["sersic.re2"] * PIXEL_SCALES["KiDS"]],
            [column["sersic.nser1"] / 2],
            [1 - column["sersic.axrat2"]],
        )
    ).tolist()
    names = [f"G{row['CATAID']}" for row in rows]
    magnitudes = (column["sersic.mag1"] - HALF).tolist()
    return dict(zip(names, zip(radii, magnitudes, strict=True), strict=True))


def compare_profit(data: Path, estimator: Estimator) -> tuple[list[Examined], list[str]]:
    """KiDS against SDSS: measure and print; the galaxies with the text for their pictures."""
    folder, largest = data / "kids_sdss_profit", TrainedRange.of(estimator.simulations).size[1]
    names = sorted(path.name[:7] for path in (folder / "KiDS").glob("*fitim.fits"))
    seen = [
        examine(estimator, [profit_scene(folder, n, s).central(f"{n} {s}", largest) for n in names])
        for s in PIXEL_SCALES
    ]
    start = starting_values(folder)
    print("differences are KiDS less SDSS, of ln R_e and of magnitude; start: rough published fit")
    deviates: dict[str, list[float]] = {"ln R_e": [], "magnitude": [], "less that of circles": []}
    for name, kids, sdss in zip(names, *seen, strict=True):
        print_pair(name, kids, sdss, start[name])
        circles = circle_magnitude(kids.cutout) - circle_magnitude(sdss.cutout)
        radius, brightness = (apart(kids, sdss, parameter) for parameter in NAMES)
        left = (brightness[0] - circles) / brightness[1]
        print(f'  in circles of {CIRCLE:g}"  {circles:+.3f}: {left:+.2f} sigma without it')
        found = (radius[0] / radius[1], brightness[0] / brightness[1], left)
        for values, value in zip(deviates.values(), found, strict=True):
            values.append(value)
    print()
    for title, values in deviates.items():
        print(f"{title}: {share_text(values)}")
    galaxies = [galaxy for pair in zip(*seen, strict=True) for galaxy in pair]
    return galaxies, [caption(galaxy, start) for galaxy in galaxies]


def circle_magnitude(cutout: Cutout) -> float:
    """The magnitude of the light in a circle around the middle."""
    assert cutout.pixel_scale is not None
    assert cutout.zero_point is not None
    distances = distances_from_centre(cutout.shape)
    share = np.clip(CIRCLE / cutout.pixel_scale - distances + 0.5, 0, 1)
    return cutout.zero_point - 2.5 * float(np.log10((share * cutout.pixels).sum()))


def print_pair(
    name: str, first: Examined, second: Examined, start: tuple[float, float] | None = None
) -> None:
    """What both say of one galaxy, and how they differ."""
    print(f"\n{name}")
    for galaxy in (first, second):
        height, width = galaxy.cutout.shape
        texts = [f"{galaxy.text(parameter):44}" for parameter in NAMES]
        print(f"  {height:3} x {width:3} px  R_e {texts[0]} mag {texts[1]} {galaxy.flag_text}")
    for place, parameter in enumerate(NAMES):
        difference, spread = apart(first, second, parameter)
        rough = "" if start is None else f"  start {start[place]:.3f}"
        sigmas = difference / spread
        print(f"  {parameter:16} {difference:+.3f} +- {spread:.3f}: {sigmas:+.2f} sigma{rough}")


def caption(galaxy: Examined, start: dict[str, tuple[float, float]]) -> str:
    """Our numbers and the starting values in a few words."""
    radius, magnitude = (galaxy.quantiles(name)[0] for name in NAMES)
    name = galaxy.cutout.object_id
    rough = start[name.split()[0]]
    return f"{name}\nR_e {radius:.2f} / {rough[0]:.2f}\nmag {magnitude:.2f} / {rough[1]:.2f}"


def compare_telescopes(data: Path, estimator: Estimator) -> tuple[list[Examined], list[str]]:
    """HSC against Hubble: measure and print; the galaxies with the text for their pictures."""
    largest = TrainedRange.of(estimator.simulations).size[1]
    scenes, places = pair_scenes(data / PAIR)
    found = []
    for target, position in (("ordinary", ORDINARY), ("chain", CHAIN)):
        cuts = []
        for survey, scene in scenes.items():
            x, y = (float(v) for v in places[survey].world_to_pixel_values(*position))
            cuts.append(scene.cut(f"{target} {survey}", *scene.peak(x, y), largest))
        galaxies = examine(estimator, cuts)
        print_pair(f"{target}: HSC i, HST F814W", *galaxies)
        found += galaxies
    texts = [
        f"{galaxy.cutout.object_id}\nR_e {galaxy.quantiles(NAMES[0])[0]:.2f}" for galaxy in found
    ]
    return found, texts


def pair_scenes(folder: Path) -> tuple[dict[str, Scene], dict[str, WCS]]:
    """Both images with their world coordinates; HSC's zero point is that which fits Hubble's."""
    headers = {"HSC": "hsc_grizy.fits", "HST": "hst_acs_f814w.fits"}
    places = {s: WCS(fits.getheader(folder / file)).celestial for s, file in headers.items()}
    images = {s: read_plane(folder / file).astype(float) for s, file in headers.items()}
    images["HSC"] = images["HSC"][BAND]
    psfs = {
        "HSC": read_plane(folder / "hsc_psf_grizy.fits")[BAND],
        "HST": read_plane(folder / "hst_psf.fits"),
    }
    sums = {s: light(images[s], places[s], PAIR_SCALES[s]) for s in images}
    zero_points = {
        "HSC": HST_ZERO_POINT - 2.5 * float(np.log10(sums["HST"] / sums["HSC"])),
        "HST": HST_ZERO_POINT,
    }
    print(f"zero points: HST {HST_ZERO_POINT:.2f}, HSC {zero_points['HSC']:.2f} from the chain")
    scenes = {
        s: Scene(images[s], measured(psfs[s]), PAIR_SCALES[s], zero_points[s]) for s in images
    }
    return scenes, places


def light(image: Float[np.ndarray, "height width"], place: WCS, pixel_scale: float) -> float:
    """The light around the chain, above the median of the lower third of the image."""
    x, y = (float(value) for value in place.world_to_pixel_values(*CHAIN))
    rows, columns = np.indices(image.shape)
    inside = np.hypot(rows - y, columns - x) * pixel_scale < REFERENCE
    sky = float(np.median(image[: image.shape[0] // 3]))
    return float((image[inside] - sky).sum())
