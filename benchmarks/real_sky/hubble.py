"""Galaxies of Hyper Suprime-Cam against fits to Hubble's images of them.

Labels: the published fit of the COSMOS catalogue, single Sersic or bulge + disk as it prefers. Its
radius is that of the circle that holds half of the fitted light; the one it lists is circularised
(major axis times the root of the axis ratio), 5 % smaller in the median and 36 % for edge-on disks.
Magnitudes are F814W. Of some galaxies a bulge-to-total ratio alone is published, and an aperture
magnitude, which is printed and not counted.

Each fit is also rendered into a frame of the same size and depth, with white noise and alone, and
measured: through the real PSF (the twin) and through a Moffat of the same width and slope 3.5.
Where the Moffat is right and the twin is not, it is the shape of the PSF; where the twin is right
and the galaxy is not, it is the sky, the neighbours, or light that is not the fit's.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float

from benchmarks.real_sky.comparison import (
    LEVELS,
    SHORT,
    Examined,
    deviation,
    examine,
    is_within,
    share_text,
)
from benchmarks.real_sky.frames import Scene
from benchmarks.real_sky.labels import Fits, Label, bulge_label
from gampen.cutouts import Cutout
from gampen.estimator import Estimator
from gampen.inference.flags import TrainedRange
from gampen.rendering.psf import Moffat, PixelPSF, PointSpreadFunction
from gampen.rendering.render import render
from gampen.rendering.sersic import Sersic
from gampen.settings import SERSIC_INDEX
from gampen.storage.fits import PsfFacts, measured

BAND = 2  # i, of g r i z y
PIXEL_SCALE, ZERO_POINT = 0.168, 27.0
FOLDER, MATCHES, PSFS = "hsc_cosmos_blends", "hst_matches.csv", "psfs.npz"
CLEAR = 3  # [pixel] between a footprint and sky
ITSELF = 2.5  # [pixel] within which a peak is the galaxy's own
SEED, PLAIN_SLOPE = 1, 3.5
NAMES = ("effective_radius", "magnitude", "bulge_to_total")


@dataclass(frozen=True)
class Match:
    """A galaxy of HSC with what Hubble's images say of it.

    `neighbour` is the distance of the nearest other peak [arcsec], `sky` the level that was
    subtracted [sky sigma], `place` the row of the published fit, `listed` what else is published.
    """

    cutout: Cutout
    label: Label
    neighbour: float
    sky: float
    place: int | None
    listed: str


def read_matches(data: Path, fits: Fits, largest: float) -> list[Match]:
    """The matched galaxies, in the order of the list."""
    folder = data / FOLDER
    psf = measured(np.load(folder / PSFS)["psfs"][BAND])
    with (folder / MATCHES).open(newline="") as file:
        return [read_match(folder, row, fits, psf, largest) for row in csv.DictReader(file)]


def read_match(
    folder: Path, row: dict[str, str], fits: Fits, psf: PsfFacts, largest: float
) -> Match:
    """One galaxy, cut out of its scene with the level of the scene's sky taken off."""
    planes = np.load(folder / row["file"])
    image, footprint = planes["images"][BAND].astype(float), planes["weights"][BAND] > 0
    level, sigma = sky_of(image, footprint)
    scene = Scene(image - level, psf, PIXEL_SCALE, ZERO_POINT)
    x, y, ident = float(row["x"]), float(row["y"]), int(row["ident"])
    other = float(row["great3_bulge_tot"])
    place = fits.place(ident) if row["catalogue"] == "0" else None
    label = fits.label(place, other) if place is not None else just_bulge(other)
    listed = f'F814W {row["mag_f814w"]}, i {row["hsc_i_mag"]}, R_e {row["ser_hlr_circ"]}"'
    cutout = scene.cut(row["ident"], x, y, largest)
    return Match(cutout, label, nearest(planes["peaks"], x, y), level / sigma, place, listed)


def just_bulge(value: float) -> Label:
    """The label of a galaxy of which a bulge-to-total ratio alone is published."""
    return {"bulge_to_total": bulge_label(value)}


def sky_of(
    image: Float[np.ndarray, "height width"], footprint: Bool[np.ndarray, "height width"]
) -> tuple[float, float]:
    """Median and scatter of the pixels that lie clear of every detection."""
    light = torch.from_numpy(footprint.astype(np.float32))[None, None]
    grown = torch.nn.functional.max_pool2d(light, 2 * CLEAR + 1, 1, CLEAR)[0, 0].numpy() > 0
    values = image[~grown]
    level = float(np.median(values))
    return level, 1.482602 * float(np.median(np.abs(values - level)))


def nearest(peaks: Float[np.ndarray, "peak 2"], x: float, y: float) -> float:
    """The distance of the nearest peak beside the galaxy's own [arcsec]."""
    distances = np.hypot(peaks[:, 0] - x, peaks[:, 1] - y)
    others = distances[distances > ITSELF]
    return float(others.min()) * PIXEL_SCALE if others.size else math.inf


def twin(match: Match, fits: Fits, psf: PointSpreadFunction, sigma: float, seed: int) -> Cutout:
    """The published fit as HSC would see it alone: same frame and depth, white noise."""
    assert match.place is not None
    profile, (magnitude, _) = fits.profile(match.place), match.label["magnitude"]
    seen = in_pixels(profile, 10 ** (0.4 * (ZERO_POINT - magnitude)))
    finer = 1 if psf.includes_pixel else 2
    clean = render(seen, psf, match.cutout.shape, oversampling=finer)[0]
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))
    pixels = (clean + sigma * noise).float().numpy()
    return replace(match.cutout, pixels=pixels, object_id=f"{match.cutout.object_id} twin")


def psfs_of(data: Path) -> tuple[PointSpreadFunction, PointSpreadFunction]:
    """The PSF of the scenes, and the Moffat of the same width that simulations know."""
    image = np.load(data / FOLDER / PSFS)["psfs"][BAND]
    width = torch.tensor([measured(image)[0]], dtype=torch.float64)
    real = PixelPSF(torch.from_numpy(image)[None].double())
    return real, Moffat(width, torch.full_like(width, PLAIN_SLOPE))


def examine_twins(
    data: Path, estimator: Estimator, fits: Fits, pairs: list[tuple[Match, Examined]]
) -> list[dict[int, Examined]]:
    """What is measured of the published fits through either PSF, by the place in the list."""
    fitted = [place for place, (match, _) in enumerate(pairs) if match.place is not None]
    found = []
    for psf in psfs_of(data):
        frames = [
            twin(pairs[place][0], fits, psf, pairs[place][1].sky_sigma, SEED + place)
            for place in fitted
        ]
        if isinstance(psf, Moffat):
            known = float(psf.light_within(psf.fwhm))
            frames = [replace(frame, psf_concentration=known) for frame in frames]
        found.append(dict(zip(fitted, examine(estimator, frames), strict=True)))
    return found


def in_pixels(profile: Sersic, flux: float) -> Sersic:
    """A profile of total flux one in arcsec as one of this flux in pixels of HSC."""
    return replace(
        profile,
        flux=profile.flux * flux,
        effective_radius=profile.effective_radius / PIXEL_SCALE,
        index=profile.index.clamp(*SERSIC_INDEX),
    )


def compare(data: Path, estimator: Estimator) -> tuple[list[Examined], list[str]]:
    """Measure and print; the galaxies with the text for their pictures."""
    fits = Fits.read(data)
    matches = read_matches(data, fits, TrainedRange.of(estimator.simulations).size[1])
    found = examine(estimator, [match.cutout for match in matches])
    pairs = list(zip(matches, found, strict=True))
    twins = examine_twins(data, estimator, fits, pairs)
    for place, (match, galaxy) in enumerate(pairs):
        print_match(match, galaxy)
        for name in NAMES:
            print_row(name, match, galaxy, [alone[place] for alone in twins if place in alone])
    print_shares("galaxies", pairs)
    for title, alone in zip(("twins", "twins, Moffat"), twins, strict=True):
        print_shares(title, [(matches[place], galaxy) for place, galaxy in alone.items()])
    return found, [caption(*pair) for pair in pairs]


def print_shares(title: str, pairs: list[tuple[Match, Examined]]) -> None:
    """The shares of labels inside the intervals, of each parameter."""
    print(f"\n{title}")
    for name in NAMES:
        labelled = [(match.label, galaxy) for match, galaxy in pairs if name in match.label]
        deviates = [deviation(galaxy, name, label) for label, galaxy in labelled]
        print(f"  {SHORT[name]:4} {share_text(deviates)}")


def print_match(match: Match, galaxy: Examined) -> None:
    """The line that says what the galaxy is."""
    height, width = match.cutout.shape
    print(
        f'\n{match.cutout.object_id}  {height} x {width} px  neighbour {match.neighbour:.1f}"  '
        f"sky {match.sky:+.2f} sigma  crop {galaxy.crop_side:.2f}  "
        f"flags {galaxy.flag_text}  listed: {match.listed}"
    )


def print_row(name: str, match: Match, galaxy: Examined, twins: list[Examined]) -> None:
    """The line of one parameter."""
    line = f"  {SHORT[name]:4} {galaxy.text(name):48}"
    if name not in match.label:
        print(line)
        return
    value, error = match.label[name]
    away = deviation(galaxy, name, match.label)
    spread = error * value if name == "effective_radius" else error
    verdict = "68" if is_within(away, LEVELS[0]) else "95" if is_within(away, LEVELS[1]) else "out"
    line += f" label {value:7.3f} +- {spread:.3f}  {away:+6.2f} sigma  {verdict:3}"
    for title, alone in zip(("twin", "Moffat"), twins, strict=False):
        median = alone.quantiles(name)[0]
        line += f"  {title} {median:6.3f} {deviation(alone, name, match.label):+5.2f}"
    print(line)


def caption(match: Match, galaxy: Examined) -> str:
    """Ours and the label's numbers in a few words."""
    lines = [match.cutout.object_id]
    for name, (value, _) in match.label.items():
        away = deviation(galaxy, name, match.label)
        ours = galaxy.quantiles(name)[0]
        lines.append(f"{SHORT[name]} {ours:.2f} / {value:.2f} ({away:+.1f})")
    return "\n".join(lines)
