"""Running a published network of the original GaMPEN over cutouts of any size."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import numpy as np
import torch
from torch.linalg import LinAlgError  # type: ignore[attr-defined]

from gampen.cutouts import Cutout, Cutouts
from gampen.errors import GalaxyError, UsageError
from gampen.inference.cropping import Cropped, pixel_map
from gampen.inference.sampling import NO_DISTRIBUTION, Inferred, Sampling, frames_of
from gampen.network.dropout import MapMasks
from gampen.network.frames import Frames
from gampen.network.published import PublishedNetwork, Seen, on_image
from gampen.probability.mixtures import GaussianMixture, collapse

LANE = 4  # galaxies at a time, always as many, so that a galaxy has the same bits in any batch


@torch.no_grad()
def infer_published(network: PublishedNetwork, cutouts: Cutouts, sampling: Sampling) -> Inferred:
    """What a published network says of each galaxy, once for each pass of dropout, if any.

    As from gampen's own networks it comes in pixels and sky sigmas, into which its arcsec and image
    units are converted. `GalaxyError` where there is a galaxy without a distribution,
    `UsageError` where it is to look in several orientations.
    """
    if sampling.thorough:
        raise UsageError("an imported network sees galaxies in one orientation; leave thorough out")
    order: list[int] = []
    parts = []
    for places, group in groups(cutouts):
        found = _infer_lane(network, group, sampling)
        parts.append(found.select(torch.arange(len(places))))
        order += places
    if not parts:
        return Inferred.empty(len(network.space), components=1)
    return Inferred.cat(parts).select(torch.tensor(order).argsort())


@torch.no_grad()
def crops_published(
    network: PublishedNetwork, cutouts: Cutouts, sampling: Sampling
) -> list[Cropped]:
    """What a published network looks at of each galaxy [image units]."""
    found: dict[int, Cropped] = {}
    for places, group in groups(cutouts):
        frames, seen = _seen(network, group, sampling)
        thetas = on_image(seen.theta.cpu().double(), network.settings.cutout_size, group[0].shape)
        light = torch.sinh(seen.crops[:, 0]).float().cpu().numpy()
        for place, galaxy in enumerate(places):
            theta = thetas[place].numpy()
            matrix, shift = pixel_map(theta, group[0].shape, light.shape[-1])
            zoom = float(np.sqrt(abs(np.linalg.det(theta[:, :2]))))
            sigma = float(frames.sky_sigma[place])
            found[galaxy] = Cropped(light[place], matrix, shift, theta, zoom, sigma)
    return [found[galaxy] for galaxy in range(len(cutouts))]


def groups(cutouts: Cutouts) -> Iterator[tuple[list[int], list[Cutout]]]:
    """Places of cutouts of one shape, and always as many cutouts: these, then the last again."""
    order = sorted(range(len(cutouts)), key=lambda galaxy: cutouts[galaxy].shape)
    for _, same in groupby(order, key=lambda galaxy: cutouts[galaxy].shape):
        members = list(same)
        for start in range(0, len(members), LANE):
            places = members[start : start + LANE]
            filled = places + places[-1:] * (LANE - len(places))
            yield places, [cutouts[galaxy] for galaxy in filled]


def _seen(
    network: PublishedNetwork, group: list[Cutout], sampling: Sampling
) -> tuple[Frames, Seen]:
    """Frames, and what the transformer makes of the images, bad pixels made good."""
    network.to(sampling.device).eval()
    frames = frames_of(group, sampling)
    raw = torch.from_numpy(np.stack([cutout.pixels for cutout in group]))
    bad = torch.from_numpy(np.stack([cutout.bad for cutout in group]))
    mended = frames.pixels[:, 0] * frames.sky_sigma[:, None, None]
    images = torch.where(bad.to(mended.device), mended, raw.to(mended))
    return frames, network.see(images)


def _infer_lane(network: PublishedNetwork, group: list[Cutout], sampling: Sampling) -> Inferred:
    frames, seen = _seen(network, group, sampling)
    rate = network.settings.dropout
    passes: list[MapMasks | None] = [None]
    if rate:
        passes = [MapMasks(rate, sampling.seed, number) for number in range(sampling.passes)]
    try:
        said = [network.judge(seen.crops, masks) for masks in passes]
        mixture, epistemic = collapse(GaussianMixture.stack(said))
    except LinAlgError:
        raise GalaxyError(NO_DISTRIBUTION) from None
    scales = torch.from_numpy(Cutouts(tuple(group)).unit_scales)
    sigma = frames.sky_sigma
    slope, offset = network.space.physical_map(scales, sigma.double().cpu())
    mixture = mixture.affine(1 / slope, -offset / slope)
    epistemic = epistemic / slope[:, :, None] / slope[:, None, :]
    theta = on_image(seen.theta.cpu().double(), network.settings.cutout_size, group[0].shape)
    zoom = torch.linalg.det(theta[:, :, :2]).abs().sqrt()
    parts = (mixture.means, mixture.precision_cholesky, epistemic, theta)
    if not all(bool(part.isfinite().all()) for part in parts):
        raise GalaxyError(NO_DISTRIBUTION)
    none = torch.zeros(len(group), 0)
    nothing = torch.full_like(zoom, torch.nan)
    return Inferred(mixture, epistemic, theta, zoom, sigma.cpu(), none, nothing)
