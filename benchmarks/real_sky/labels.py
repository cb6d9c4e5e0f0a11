"""Published measurements of a galaxy, with the errors that they deserve.

A published fit is one code's answer under its own definitions. Its error is taken from how much two
answers to the same question differ: a difference of two has the scatter of one times root two.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from astropy.table import Table
from jaxtyping import Float
from torch import Tensor

from gampen.rendering.sersic import Sersic, half_light_radius

CATALOGUE = Path("cosmos_fits_catalogue") / "cosmos_f814w_lt25p2_fits.fits.gz"
BULGE_INDEX, DISK_INDEX = 4.0, 1.0
SINGLE, DOUBLE = ("ser_mag", "dvc_btt"), ("bd_mag", "bt")
SAME_MAGNITUDE, LIKE = 0.5, 300  # [mag] within which fits are equally good, and how many suffice
COLOUR_ERROR = 0.05  # [mag] F814W differs from i by up to 0.1
BULGE_TO_TOTAL_ERROR = 0.12 / 1.645 / math.sqrt(2)  # two runs differ by 0.12 or less in 90 %
MAD_TO_SIGMA = 1.482602

Label = Mapping[str, tuple[float, float]]
"""Value and error by parameter; that of `effective_radius` [arcsec] is relative."""


@dataclass(frozen=True)
class Fits:
    """The published fits of many galaxies: single Sersic, and bulge + disk where it was viable."""

    table: Table

    @classmethod
    def read(cls, folder: Path) -> Fits:
        """The catalogue in the folder of real images."""
        return cls(Table.read(folder / CATALOGUE).filled(np.nan))

    def place(self, ident: int) -> int | None:
        """The row of a galaxy, None where it has none."""
        found = np.flatnonzero(self.table["ident"] == ident)
        return int(found[0]) if found.size else None

    def prefers_double(self, place: int) -> bool:
        """Whether bulge + disk was preferred."""
        return bool(self.table["use_bulgefit"][place] == 1)

    def label(self, place: int, other_bulge_to_total: float = math.nan) -> Label:
        """The preferred fit, with errors from what the other fit says of it and of its like."""
        double, row = self.prefers_double(place), self.table[place]
        own, like = self.table[place : place + 1], self.like(place)
        radius = float(half_light_radius(self.profile(place))[0])
        magnitude, bulge = (row[name] for name in (DOUBLE if double else SINGLE))
        wrong = error_of(radius_differences(own), radius_differences(like))
        dimmer = error_of(magnitude_differences(own), magnitude_differences(like))
        return {
            "effective_radius": (radius, wrong),
            "magnitude": (float(magnitude), math.hypot(dimmer, COLOUR_ERROR)),
            "bulge_to_total": bulge_label(float(bulge), other_bulge_to_total),
        }

    def like(self, place: int) -> Table:
        """Some galaxies of about the same magnitude that have both fits."""
        magnitudes = np.asarray(self.table["mag_auto"])
        near = np.abs(magnitudes - magnitudes[place]) < SAME_MAGNITUDE
        return self.table[np.flatnonzero(near & (self.table["use_bulgefit"] == 1))[:LIKE]]

    def profile(self, place: int) -> Sersic:
        """The preferred fit as a profile of total flux one, in arcsec."""
        row = self.table[place : place + 1]
        return double_profile(row) if self.prefers_double(place) else single_profile(row)


def bulge_label(value: float, other: float = math.nan) -> tuple[float, float]:
    """A bulge-to-total ratio with the error of a run, or what another run says if that is more."""
    apart = abs(value - other) / math.sqrt(2)
    return value, max(BULGE_TO_TOTAL_ERROR, apart if math.isfinite(apart) else 0.0)


def radius_differences(table: Table) -> Float[np.ndarray, " galaxy"]:
    """ln of the radius by single fits over that by bulge + disk, NaN where there is no such fit."""
    radii = [half_light_radius(profile(table)) for profile in (single_profile, double_profile)]
    return (radii[0] / radii[1]).log().numpy()


def magnitude_differences(table: Table) -> Float[np.ndarray, " galaxy"]:
    """The magnitude by single fits less that by bulge + disk, NaN where there is no such fit."""
    return np.asarray(table["ser_mag"] - table["bd_mag"], dtype=float)


def error_of(own: Float[np.ndarray, " 1"], like: Float[np.ndarray, " galaxy"]) -> float:
    """A fit's error: from the galaxy's own two fits, or those of others where that is larger."""
    typical = MAD_TO_SIGMA * float(np.median(np.abs(like - np.median(like))))
    return max(typical, float(np.nan_to_num(np.abs(own[0])))) / math.sqrt(2)


def single_profile(table: Table) -> Sersic:
    """The Sersic fits as profiles of total flux one, in arcsec."""
    one = np.ones(len(table))
    return profile_of([one], [table["ser_re_major"]], [table["ser_n"]], [table["ser_q"]])


def double_profile(table: Table) -> Sersic:
    """The bulge + disk fits as profiles of total flux one, in arcsec."""
    one, bulge = np.ones(len(table)), np.asarray(table["bt"], dtype=float)
    return profile_of(
        [bulge, 1 - bulge],
        [table["bulge_re_major"], table["disk_re_major"]],
        [BULGE_INDEX * one, DISK_INDEX * one],
        [table["bulge_q"], table["disk_q"]],
    )


def profile_of(
    fluxes: list[np.ndarray],
    radii: list[np.ndarray],
    indices: list[np.ndarray],
    axis_ratios: list[np.ndarray],
) -> Sersic:
    """Centred profiles of components given as lists of columns."""
    flux, radius, index, ratio = (columns(x) for x in (fluxes, radii, indices, axis_ratios))
    centre = torch.zeros_like(flux)
    return Sersic(flux, radius, index, ratio, centre + 30.0, centre, centre)


def columns(values: list[np.ndarray]) -> Float[Tensor, "galaxy component"]:
    """Columns side by side."""
    return torch.from_numpy(np.stack([np.asarray(v, dtype=float) for v in values], axis=1))
