"""Skies under galaxies: drawn by the laws of a survey, or cut from the blank places of real images.

The noise of a real one is kept as it is, with whatever correlates it and the residuals of its
subtraction. Sources are found where the image, smoothed about as much as by a PSF, rises above its
own noise; what stays below is part of the sky, as it is in any image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d

from gampen.errors import GalaxyError
from gampen.network.frames import MAD_TO_SIGMA
from gampen.rendering.noise import strength_of
from gampen.settings import SimulationSettings, SurveySettings
from gampen.simulation.exposures import Noise
from gampen.simulation.priors import Draw

CLIP, ROUNDS = 3.0, 6  # [sigma]: beyond it, in each round, pixels are not the sky's
SMOOTHING = 1.5  # [pixel] standard deviation
THRESHOLD = 4.0  # [sigma of the smoothed noise]: one blank frame of 64 pixels in 100 is lost
GROWTH = 4  # [pixel] by which sources are grown
LEAST_SKY = 0.05  # of an image's pixels
OUTLIER = 5.0  # [sigma]
STEPS = 8  # places a frame's side apart


@dataclass(frozen=True)
class DrawnSky:
    """Sky whose noise follows the laws of a survey."""

    noise: Noise
    residual: float

    def under(
        self, draw: Draw, light: Float[Tensor, "galaxy height width"]
    ) -> tuple[Float[Tensor, "galaxy height width"], Float[Tensor, " galaxy"]]:
        """The light with noise, on what was left in the sky, and how much that is."""
        residual = draw.normal(self.residual) * self.noise.sky_sigma
        return self.noise.on(draw, light) + residual[:, None, None], residual


@dataclass(frozen=True)
class RealSky:
    """Frames of real sky [image units] for galaxies, and what is known of their noise."""

    pixels: Float[Tensor, "galaxy size size"]
    noise: Noise

    def under(
        self, draw: Draw, light: Float[Tensor, "galaxy height width"]
    ) -> tuple[Float[Tensor, "galaxy height width"], Float[Tensor, " galaxy"]]:
        """The light on this sky, with the noise of its own photons, and what is left in the sky."""
        seen = light + self.pixels + self.noise.photons(draw, light)
        return seen, self.pixels.flatten(1).median(dim=1).values


@dataclass(frozen=True, eq=False)
class Sky:
    """An image of the sky, its level subtracted, and what is measured of it.

    `source` pixels hold light; `sigma` [image units]; `correlation` is the strength of
    `gampen.rendering.noise.correlate` whose neighbouring pixels correlate as these do.
    """

    image: Float[Tensor, "height width"]
    bad: Bool[Tensor, "height width"]
    source: Bool[Tensor, "height width"]
    sigma: float
    correlation: float

    @classmethod
    def of(cls, image: Float[Tensor, "height width"], bad: Bool[Tensor, "height width"]) -> Sky:
        """What an image is; `GalaxyError` where hardly any of it is sky."""
        image = image.masked_fill(bad, 0)
        level, sigma = clipped(image[~bad])
        source = sources(torch.where(bad, 0.0, image - level), bad) if sigma > 0 else bad
        blank = image[~(source | bad)]
        if sigma <= 0 or len(blank) < LEAST_SKY * image.numel():
            raise GalaxyError(
                f"an image of sky must be sky in {LEAST_SKY:.0%} of its pixels, with noise in it"
            )
        level, sigma = median_and_sigma(blank)
        rest = torch.where(bad, 0.0, image - level)
        alike = neighbour_correlation(rest / sigma, ~(source | bad))
        return cls(rest, bad, source, sigma, strength_of(alike))

    def places(self, size: int, covered: float) -> Int[Tensor, "place 2"]:
        """First row and column of the frames that are blank, an eighth of a frame apart.

        None of their pixels are bad, sources cover at most a share of them and nothing of their
        middle third.
        """
        if min(self.image.shape) < size:
            return torch.zeros(0, 2, dtype=torch.int64)
        step, third = max(1, size // STEPS), size // 3
        in_frame = box_sums(self.source, size)
        middle = box_sums(self.source, third)[third:, third:][: len(in_frame), : in_frame.shape[1]]
        blank = (box_sums(self.bad, size) == 0) & (in_frame <= covered * size**2) & (middle == 0)
        return blank[::step, ::step].nonzero() * step


@dataclass(frozen=True, eq=False)
class Skies:
    """Several images of sky."""

    images: tuple[Sky, ...]

    def draw(self, draw: Draw, survey: SurveySettings, size: int) -> RealSky:
        """Blank frames for galaxies, every place of every image as likely."""
        places = places_in(self, size, survey.sky_covered)
        chosen = torch.randint(len(places), (draw.galaxies,), generator=draw.generator)
        rows = places[chosen].tolist()
        pixels = [self.images[n].image[y : y + size, x : x + size] for n, y, x in rows]
        told = torch.tensor(
            [[self.images[n].sigma, self.images[n].correlation] for n, _, _ in rows]
        )
        noise = Noise(told[:, 0], draw.log_uniform(survey.gain), told[:, 1])
        return RealSky(torch.stack(pixels), noise)


def draw_sky(
    settings: SimulationSettings, draw: Draw, size: int, skies: Skies | None
) -> DrawnSky | RealSky:
    """A sky for each galaxy, real where there is one."""
    if skies is not None:
        return skies.draw(draw, settings.survey, size)
    return DrawnSky(Noise.draw(draw, settings.survey), settings.scene.sky_residual)


@lru_cache(maxsize=16)
def places_in(skies: Skies, size: int, covered: float) -> Int[Tensor, "place 3"]:
    """Number of the image, first row and first column of every blank frame."""
    found = []
    for number, sky in enumerate(skies.images):
        places = sky.places(size, covered)
        found.append(torch.cat([torch.full((len(places), 1), number), places], dim=1))
    return torch.cat(found)


def clipped(values: Float[Tensor, " pixel"]) -> tuple[float, float]:
    """Level and sigma of the sky among pixels of which some are not the sky's."""
    level, sigma = median_and_sigma(values)
    for _ in range(ROUNDS):
        near = values[(values - level).abs() <= CLIP * sigma]
        if not len(near):
            break
        level, sigma = median_and_sigma(near)
    return level, sigma


def median_and_sigma(values: Float[Tensor, " pixel"]) -> tuple[float, float]:
    """The median, and the standard deviation that the median distance from it stands for."""
    if not len(values):
        return 0.0, 0.0
    level = values.median()
    return float(level), MAD_TO_SIGMA * float((values - level).abs().median())


def sources(
    image: Float[Tensor, "height width"], bad: Bool[Tensor, "height width"]
) -> Bool[Tensor, "height width"]:
    """Where there is light: above the noise of the smoothed image, and a few pixels around."""
    reach = math.ceil(4 * SMOOTHING)
    offset = torch.arange(-reach, reach + 1, dtype=image.dtype)
    kernel = torch.exp(-0.5 * (offset / SMOOTHING) ** 2)
    kernel = kernel / kernel.sum()
    along_y = conv2d(image[None, None], kernel.view(1, 1, -1, 1), padding=(reach, 0))
    smooth = conv2d(along_y, kernel.view(1, 1, 1, -1), padding=(0, reach))[0, 0]
    level, sigma = clipped(smooth[~bad])
    above = (smooth > level + THRESHOLD * sigma) & ~bad
    grown = max_pool2d(above[None, None].float(), 2 * GROWTH + 1, stride=1, padding=GROWTH)
    return grown[0, 0] > 0


def neighbour_correlation(
    image: Float[Tensor, "height width"], good: Bool[Tensor, "height width"]
) -> float:
    """How pixels correlate with the next along both axes, among good ones without outliers."""
    good = good & (image.abs() <= OUTLIER)
    image = (image - image[good].mean()).double().masked_fill(~good, 0)
    total = pairs = 0.0
    for along in (image, image.mT):
        total += float((along[1:] * along[:-1]).sum())
    for along in (good, good.mT):
        pairs += float((along[1:] & along[:-1]).sum())
    return total / max(pairs, 1.0) / float(image[good].square().mean())


def box_sums(mask: Bool[Tensor, "height width"], size: int) -> Int[Tensor, "rows columns"]:
    """How many pixels of every square of a side are in a mask, by its first row and column."""
    table = torch.zeros(mask.shape[0] + 1, mask.shape[1] + 1, dtype=torch.int64)
    table[1:, 1:] = mask.to(torch.int64).cumsum(0).cumsum(1)
    return table[size:, size:] - table[:-size, size:] - table[size:, :-size] + table[:-size, :-size]
