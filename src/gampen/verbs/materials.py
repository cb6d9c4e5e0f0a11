"""A survey's own files: read, measured, and filled into its settings.

What is measured becomes the ranges of the settings, so that whatever goes by these (flags, limits,
whether an estimator covers a survey) holds as it does for laws.
"""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gampen.errors import GalaxyError, UsageError
from gampen.rendering.psf import moffat_slope
from gampen.settings import Range, SimulationSettings
from gampen.simulation.exposures import Stars
from gampen.simulation.materials import NONE, Materials
from gampen.simulation.skies import Skies, Sky, places_in
from gampen.storage.fits import measured, psf_image
from gampen.storage.hdus import read_hdus
from gampen.storage.planes import choose_planes
from gampen.storage.psfs import centred, fit_core
from gampen.storage.runfiles import convert, read_settings, write_settings

Table = dict[str, Any]
PSF_IMAGES, SKY_IMAGES = "psf_images", "sky_images"
LEAST_FWHM = 1.9  # [pixel]: a narrower PSF holds more than its own pixels can tell
USUAL_SLOPES: Range = (2.5, 4.5)  # where images end too close to the peak to tell of wings
NOTE = "materials.toml"


@dataclass(frozen=True)
class Sources:
    """The SHA-256 of every file that simulations are made with, by its path."""

    psf_images: dict[str, str] = field(default_factory=dict)
    sky_images: dict[str, str] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        """Whether there are files at all."""
        return any(vars(self).values())

    @property
    def sha256(self) -> str:
        """One digest of what all files hold, whatever they are called."""
        lines = [
            f"{kind} {digest}" for kind, found in vars(self).items() for digest in [*found.values()]
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Supply:
    """Materials, and the files that they come from."""

    materials: Materials = NONE
    sources: Sources = field(default_factory=Sources)


def supplied(table: Table, folder: Path) -> tuple[Table, Supply]:
    """The table of a simulation with what its files say filled in, and what they supply.

    Paths stand relative to the folder. `UsageError` for files that are not there, are none of their
    kind, or say something else than the table.
    """
    supply, survey = Supply(), table.get("survey")
    if not isinstance(survey, dict):
        return table, supply
    if survey.get(PSF_IMAGES):
        survey, supply = with_stars(survey, folder, supply)
    if survey.get(SKY_IMAGES):
        survey, supply = with_skies(survey, folder, supply)
    return {**table, "survey": survey}, supply


def check_frames(settings: SimulationSettings, supply: Supply) -> None:
    """`UsageError` where images of sky hold no blank frame of a size that is asked for."""
    skies = supply.materials.skies
    for size in settings.scene.sizes if skies is not None else ():
        assert skies is not None  # noqa: S101
        if not len(places_in(skies, size, settings.survey.sky_covered)):
            raise UsageError(
                f"sky_images must hold blank places for frames of {size} pixels; they hold none: "
                "give more sky, choose smaller `sizes`, or let sources cover more (sky_covered)"
            )


def with_stars(survey: Table, folder: Path, supply: Supply) -> tuple[Table, Supply]:
    """A survey's table with the widths and wings of its PSF images, and these."""
    files = matching(survey[PSF_IMAGES], folder, PSF_IMAGES)
    stars = read_stars(files)
    widths, shares = stars.psf_fwhm, stars.concentration[stars.concentration.isfinite()]
    filled = {"psf_beta": ends([moffat_slope(float(share)) for share in shares] or USUAL_SLOPES)}
    if isinstance(survey.get("pixel_scale"), int | float):
        filled["psf_fwhm"] = ends([float(width) * survey["pixel_scale"] for width in widths])
    told = replace(supply.sources, psf_images=digests(files, folder))
    return fill(survey, filled, PSF_IMAGES), Supply(replace(supply.materials, stars=stars), told)


def with_skies(survey: Table, folder: Path, supply: Supply) -> tuple[Table, Supply]:
    """A survey's table with the noise of its images of sky, and these."""
    files = matching(survey[SKY_IMAGES], folder, SKY_IMAGES)
    skies = Skies(tuple(read_sky(path) for path in files))
    filled = {
        "sky_sigma": ends([sky.sigma for sky in skies.images]),
        "noise_correlation": ends([sky.correlation for sky in skies.images]),
    }
    told = replace(supply.sources, sky_images=digests(files, folder))
    return fill(survey, filled, SKY_IMAGES), Supply(replace(supply.materials, skies=skies), told)


def ends(values: Sequence[float]) -> list[float]:
    """The least and the largest value."""
    return [min(values), max(values)]


def fill(table: Table, filled: Mapping[str, list[float]], key: str) -> Table:
    """The table with measured ranges; `UsageError` where it says others itself."""
    for name, found in filled.items():
        if name in table and [*map(float, table[name])] != found:
            raise UsageError(
                f"{name} must be left out beside {key}, which it is measured from "
                f"({found[0]:.4g} to {found[1]:.4g}); got {table[name]}"
            )
    return {**table, **filled}


def matching(value: object, folder: Path, key: str) -> list[Path]:
    """The files that patterns match, in the order of these, each once; `UsageError` without any."""
    patterns = convert(tuple[str, ...], value, key)
    assert isinstance(patterns, tuple)  # noqa: S101
    found: dict[Path, None] = {}
    for pattern in patterns:
        names = sorted(glob.glob(str(folder / pattern), recursive=True))  # noqa: PTH207 - absolute
        if not names:
            raise UsageError(
                f"{key} must match files, relative to the run file; {pattern!r} matches none in "
                f"{folder}"
            )
        found.update(dict.fromkeys(map(Path, names)))
    return list(found)


def digests(files: Sequence[Path], folder: Path) -> dict[str, str]:
    """The SHA-256 of each file, by its path from the folder where it lies below that."""
    return {
        str(path.relative_to(folder) if path.is_relative_to(folder) else path): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in files
    }


def read_stars(files: Sequence[Path]) -> Stars:
    """Images of PSFs, centred and of one odd side, and what is measured of them."""
    images, facts = [], []
    for path in files:
        try:
            image = psf_image(path, None)
            facts.append(measured(image))
            images.append(centred(image, fit_core(image)))
        except (GalaxyError, OSError) as error:
            raise UsageError(f"the PSF image {path.name}: {error}") from None
        if facts[-1][0] < LEAST_FWHM:
            raise UsageError(
                f"a PSF image must show a PSF at least two pixels wide; {path.name} is "
                f"{facts[-1][0]:.2f} wide: leave it out, or describe such PSFs by psf_fwhm and "
                "psf_families, which are rendered finer"
            )
    side = max(len(image) for image in images)
    padded = [np.pad(image, (side - len(image)) // 2) for image in images]
    shares = [np.nan if share is None else share for _, share in facts]
    return Stars(
        torch.from_numpy(np.stack(padded)).float(),
        torch.tensor([width for width, _ in facts]),
        torch.tensor(shares),
    )


def read_sky(path: Path) -> Sky:
    """An image of sky; bad pixels are those of its mask, or not finite."""
    try:
        planes = choose_planes(read_hdus(path))
        image = np.squeeze(planes.image).astype(np.float32)
        bad = ~np.isfinite(image) | (planes.bad if planes.bad.size else False)
        return Sky.of(torch.from_numpy(np.nan_to_num(image)), torch.from_numpy(bad))
    except (GalaxyError, OSError) as error:
        raise UsageError(f"the image of sky {path.name}: {error}") from None


def check_sources(folder: Path, sources: Sources) -> None:
    """`UsageError` where what a folder holds was made with other files."""
    path = folder / NOTE
    if path.exists() and read_settings(path, Sources) != sources:
        raise UsageError(
            "images and catalogues that simulations are made with must stay as they are; "
            f"{folder} was begun with others: choose another folder"
        )


def note_sources(folder: Path, sources: Sources) -> None:
    """Note in a folder which files its simulations are made with, if any."""
    if sources.any:
        write_settings(sources, folder / NOTE)
