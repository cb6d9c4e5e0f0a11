"""A survey's own files: read, measured, and filled into its settings.

What is measured becomes the ranges of the settings, so that whatever goes by these (flags, limits,
whether an estimator covers a survey) holds as it does for laws.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gampen.errors import UsageError
from gampen.rendering.psf import moffat_slope
from gampen.settings import (
    QUANTITIES,
    CatalogueSettings,
    GalaxyModel,
    PriorSettings,
    Range,
    SimulationSettings,
)
from gampen.settings.populations import PARTS, PROFILE, WHOLE
from gampen.simulation.materials import NONE, Materials
from gampen.simulation.skies import Skies, places_in
from gampen.storage.runfiles import build, convert, plain, read_settings, write_settings
from gampen.storage.tables import read_catalog
from gampen.verbs.supplies import digests, matching, read_sky, read_stars, sample_of

Table = dict[str, Any]
PSF_IMAGES, SKY_IMAGES, CATALOGUE = "psf_images", "sky_images", "catalogue"
USUAL_SLOPES: Range = (2.5, 4.5)  # where images end too close to the peak to tell of wings
NOTE = "materials.toml"


@dataclass(frozen=True)
class Sources:
    """The SHA-256 of every file that simulations are made with, by its path."""

    psf_images: dict[str, str] = field(default_factory=dict)
    sky_images: dict[str, str] = field(default_factory=dict)
    catalogue: dict[str, str] = field(default_factory=dict)

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
    supply, found = Supply(), dict(table)
    for part, key, put in (
        ("survey", PSF_IMAGES, with_stars),
        ("survey", SKY_IMAGES, with_skies),
        ("prior", CATALOGUE, with_sample),
    ):
        if isinstance(found.get(part), dict) and found[part].get(key):
            found[part], supply = put(found[part], folder, supply)
    return found, supply


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


def with_sample(prior: Table, folder: Path, supply: Supply) -> tuple[Table, Supply]:
    """A prior's table with the names of its catalogue's columns, and the galaxies of that."""
    told = convert(CatalogueSettings, prior[CATALOGUE], CATALOGUE)
    assert isinstance(told, CatalogueSettings)  # noqa: S101
    path = folder / told.file
    table = read_catalog(path)
    if not told.columns:
        model = prior.get("model", PriorSettings.model.value)
        own = (*WHOLE, *(PROFILE if model == GalaxyModel.SERSIC.value else PARTS))
        told = replace(told, **{name: name for name in own if name in table})
    if not told.columns:
        raise UsageError(
            f"{CATALOGUE} must name columns, or have some of {', '.join(QUANTITIES)}; "
            f"{path.name} has {', '.join(table.names)}"
        )
    filled = {**prior, CATALOGUE: plain(told)}
    sample = sample_of(table, told, build(PriorSettings, filled, "prior."))
    sources = replace(supply.sources, catalogue=digests([path], folder))
    return filled, Supply(replace(supply.materials, sample=sample), sources)


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
