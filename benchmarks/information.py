"""`python -m benchmarks.information NAME [GALAXIES]`: where in a frame the information lies.

How wide the best posterior of isolated galaxies would be that knew only part of what their frames
hold, over the information limit of the whole: the crop of the named estimator, and sums over it as
the network takes them. Noise is uncorrelated, and taken to be so in the crop as well.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from benchmarks.card.sets import true_signal_to_noise
from benchmarks.card.sharpness import exposure_of, isolated, priors_of
from gampen import Estimator
from gampen.calibration.limit import deviations, information_limit, medians_by_bin
from gampen.calibration.priors import Priors
from gampen.network.crop import Crop
from gampen.network.growth import Growth, cleaned
from gampen.network.profiles import RINGS, Ellipse, Profiles, Tiling, tiling_of
from gampen.network.surroundings import RATIO
from gampen.network.surroundings import RINGS as OUTER_RINGS
from gampen.network.transformer import resample
from gampen.parameters import MORPHOLOGY
from gampen.rendering.coordinates import TARGETS, coordinates_of, quantity_slopes
from gampen.rendering.derivatives import Slopes
from gampen.rendering.exposures import slope_of
from gampen.simulation.scenes import Scenes, Simulator
from gampen.verbs.lessons import to_batch

SEED = 5
EDGES = (30.0, 120.0, 500.0, 3000.0)
SUMS = {"circles": (), "ellipses": (0,), "+ 2nd": (0, 2), "+ 2nd and 4th": (0, 2, 4)}
AT_ONCE = 16
FLOOR = 1e-4  # [sky sigma] of noise on every sum: two over the same pixels are one

Gradient = Float[Tensor, "galaxy coordinate pixel"]
Information = Float64[Tensor, "galaxy coordinate coordinate"]


@dataclass(frozen=True)
class Seen:
    """Some galaxies in an estimator's crops: derivatives of their light by every coordinate.

    `frame` [image units] and `crop`, pixel by pixel, with the variance of each; derivatives are in
    deviations of each coordinate's prior, which are `scale`.
    """

    frame: Gradient
    frame_variance: Float[Tensor, "galaxy pixel"]
    crop: Gradient
    crop_variance: Float[Tensor, "galaxy pixel"]
    inside: Float[Tensor, "galaxy pixel"]
    ring: Float[Tensor, "galaxy pixel"]
    profiles: Profiles
    scale: Float64[Tensor, "galaxy coordinate"]

    @classmethod
    def of(cls, estimator: Estimator, scenes: Scenes, priors: Priors) -> Seen:
        """What the estimator's network sees of scenes."""
        network, exposure = estimator.own_network, exposure_of(scenes)
        frames = to_batch(scenes, MORPHOLOGY).frames
        crop = network.transformer(frames.pixels)
        views = crop.views(network.settings.views)
        symmetric = cleaned(views, crop.sampling)
        growth = Growth.of(symmetric, crop.sampling)
        profiles = Profiles.of(views, symmetric, crop.sampling, growth)
        tiling, shares = tiling_of(views), tuple(sorted(views))
        quantities, slopes = quantity_slopes(coordinates_of(scenes.target, slope_of(scenes.psf)))
        images = Slopes(quantities.float(), exposure, True, True).images()
        light = images[:, 0] + images[:, 5]
        scale = priors.deviations(exposure)
        onto = (slopes * scale[:, None, :]).float()
        frame = onto.mT @ images.flatten(2)
        tiles = tiled(images, crop, tiling, shares)
        area = (tiling.side * crop.sampling[:, None]).square()
        bright = tiled(light[:, None], crop, tiling, shares)[:, 0].clamp(min=0) / area
        inside, ring = around(crop, *images.shape[-2:])
        return cls(
            frame=frame,
            frame_variance=exposure.variance(light).flatten(1),
            crop=onto.mT @ tiles,
            crop_variance=area * exposure.variance(bright[..., None])[..., 0],
            inside=inside,
            ring=ring,
            profiles=profiles,
            scale=scale,
        )

    def beyond(self) -> Information:
        """What the rings around the crop say."""
        outside = 1 - self.inside
        gradient = binned(self.frame * outside[:, None], self.ring, OUTER_RINGS)
        variance = binned((self.frame_variance * outside)[:, None], self.ring, OUTER_RINGS)[:, 0]
        return said(gradient, torch.diag_embed(variance))

    def every_pixel(self) -> Information:
        """What all pixels of the crop say."""
        white = self.crop.double() / self.crop_variance.double().sqrt()[:, None]
        return white @ white.mT

    def sums(self, orders: tuple[int, ...]) -> Information:
        """What harmonics of these orders say, on ellipses; on circles, if there is none."""
        profiles, tiling = self.profiles, tiling_of(self.profiles.views)
        if not orders:
            profiles = replace(profiles, ellipse=Ellipse.round(profiles.radius))
        rank = profiles.rank(tiling, profiles.sampling)
        turned = tiling.direction * profiles.ellipse.direction.conj()
        waves = [torch.ones_like(rank)]
        for order in orders[1:]:
            wave = turned.pow(order // 2)
            waves += [wave.real, wave.imag]
        gradient = torch.cat([shared(self.crop * wave[:, None], rank) for wave in waves], dim=2)
        rows = [
            torch.cat([covariance(self.crop_variance * one * other, rank) for other in waves], 2)
            for one in waves
        ]
        return said(gradient, torch.cat(rows, dim=1))


def tiled(
    images: Float[Tensor, "galaxy image height width"],
    crop: Crop,
    tiling: Tiling,
    shares: tuple[float, ...],
) -> Float[Tensor, "galaxy image pixel"]:
    """The light of images in each tile of the crop."""
    size = crop.pixels.shape[-1]
    found = []
    for image in images.unbind(1):
        seen = [resample(image[:, None], crop.theta, size, share, True) for share in shares]
        found.append(tiling.light(seen) * crop.sampling.square()[:, None])
    return torch.stack(found, dim=1)


def around(crop: Crop, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Whether each pixel of a frame is in the crop, and in which ring around it."""
    half = torch.tensor([width / 2, height / 2])
    centre = crop.theta[:, :, 2] * half
    x = torch.arange(width) - (width - 1) / 2 - centre[:, :1]
    y = torch.arange(height) - (height - 1) / 2 - centre[:, 1:]
    half_side = crop.side[:, None, None] / 2
    inside = torch.maximum(x.abs()[:, None, :], y.abs()[:, :, None]) <= half_side
    distance = torch.hypot(x[:, None, :], y[:, :, None]) / half_side
    ring = (distance.log() / math.log(RATIO)).clamp(0, OUTER_RINGS - 1).floor()
    return inside.flatten(1).float(), ring.flatten(1)


def binned(values: Gradient, place: Float[Tensor, "galaxy pixel"], count: int) -> Gradient:
    """Sums of values over places."""
    sums = values.new_zeros(*values.shape[:2], count)
    return sums.scatter_add(2, place.long()[:, None].expand_as(values), values)


def shared(values: Gradient, rank: Float[Tensor, "galaxy pixel"]) -> Gradient:
    """Sums of values, each shared between the two nearest rings."""
    outwards = (rank - rank.floor())[:, None]
    inner = binned(values * (1 - outwards), rank, RINGS)
    return inner + binned(values * outwards, rank + 1, RINGS)


def covariance(
    variance: Float[Tensor, "galaxy pixel"], rank: Float[Tensor, "galaxy pixel"]
) -> Float[Tensor, "galaxy ring ring"]:
    """Of sums over rings that share their pixels with the next."""
    out = rank - rank.floor()
    parts = [variance * (1 - out) ** 2, variance * out**2, variance * out * (1 - out)]
    inner, outer, both = (part[:, None] for part in parts)
    diagonal = binned(inner, rank, RINGS) + binned(outer, rank + 1, RINGS)
    beside = binned(both, rank, RINGS)[:, 0, :-1]
    return (
        torch.diag_embed(diagonal[:, 0])
        + torch.diag_embed(beside, 1)
        + torch.diag_embed(beside, -1)
    )


def said(gradient: Gradient, noise: Float[Tensor, "galaxy number number"]) -> Information:
    """The information of numbers with this covariance."""
    rows = gradient.double()
    floor = FLOOR * torch.eye(noise.shape[-1], dtype=torch.float64)
    return rows @ torch.linalg.solve(noise.double() + floor, rows.mT)


def widths(information: Information, scale: Float64[Tensor, "galaxy coordinate"]) -> Tensor:
    """Deviations of the targets, prior and information together."""
    one = torch.eye(information.shape[-1], dtype=torch.float64)
    return (deviations(torch.linalg.inv(information + one)) * scale)[:, :TARGETS]


def parts(seen: Seen) -> Iterator[tuple[str, Tensor]]:
    """Widths by what is known."""
    beyond, pixels = seen.beyond(), seen.every_pixel()
    yield "the crop's pixels", widths(pixels, seen.scale)
    yield "the crop's pixels and what lies around", widths(pixels + beyond, seen.scale)
    for name, orders in SUMS.items():
        yield f"{name}, and what lies around", widths(seen.sums(orders) + beyond, seen.scale)


def measure(estimator: Estimator, galaxies: int, seed: int) -> dict[str, Tensor]:
    """Medians of the widths over the information limit in bins of S/N, by what is known."""
    settings = estimator.simulations
    plain = replace(settings.survey, noise_correlation=(0.0, 0.0))
    bright = replace(settings.prior, signal_to_noise=(EDGES[0], EDGES[-1]))
    chosen = replace(isolated(settings), survey=plain, prior=bright)
    priors, simulator = priors_of(chosen), Simulator(chosen, seed)
    ratios: dict[str, list[Tensor]] = {}
    signal = []
    for step in range(-(-galaxies // AT_ONCE)):
        scenes = simulator.batch(step, AT_ONCE)
        exposure = exposure_of(scenes)
        least = deviations(information_limit(scenes.target, exposure, priors))
        signal.append(true_signal_to_noise(scenes))
        for name, width in parts(Seen.of(estimator, scenes, priors)):
            ratios.setdefault(name, []).append(width / least)
    found, edges = torch.cat(signal), torch.tensor(EDGES, dtype=torch.float64)
    return {name: medians_by_bin(torch.cat(r), found, edges) for name, r in ratios.items()}


@torch.no_grad()
def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", help="a shipped estimator, or a path")
    parser.add_argument("galaxies", type=int, nargs="?", default=512)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    estimator = Estimator.load(asked.name)
    bins = " | ".join(f"S/N {low:.0f}-{high:.0f}" for low, high in pairwise(EDGES))
    print(f"| B/T, R_e, flux | {bins} |")
    for name, medians in measure(estimator, asked.galaxies, SEED).items():
        cells = [" / ".join(f"{value:.2f}" for value in row) for row in medians.tolist()]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
