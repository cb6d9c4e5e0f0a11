"""Scrutiny: what gives away an image that is not as it should be, and measures nothing of a galaxy.

A core cut off at one level, a streak that crosses the frame, noise or sky that differ from side to
side, structure that bulge and disk do not have.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, embedding_bag

from gampen.network.apertures import summed
from gampen.network.crop import Crop

CORE, AROUND = 4, 16  # [pixel] half-widths of the boxes in which a plateau is looked for
ORDERS = (2, 3, 5, 9, 16, 25, 49)  # of the core's brightest pixels
NEAR_PEAK = (0.97, 0.9)  # of the peak: what belongs to a plateau
TILES = 4  # along each side of the frame
EDGE_TILES = 4 * TILES - 4
SHOWN = (0, 2, 5, 8, 11)  # of the tiles at the edge, in order
CLIP = 6.0  # [sky sigma]
COARSE = 32  # rows and columns in which streaks are looked for
ANGLES, SEGMENTS = 24, 6
MOST_SEGMENTS = 2  # in order of brightness: a galaxy on the line may hide it in that many
LEAST_PLACES = 2  # in a segment that counts
RING_WIDTH = 2.0  # [place]
CLEAR = 3  # [place] to each side of a streak, where it should be dark
REACH = 2  # [pixel of the crop] to each side, over which it is smoothed
ROUGH = (0.12, 0.25, 0.5, 1.0)  # [half-sides of the crop] outer radii of rings
STRETCH, LIMIT = 2.0, 4.0
NUMBERS = len(ORDERS) + 2 * len(NEAR_PEAK) + 1 + 2 * len(SHOWN) + 1 + 2 + 2 * 2 * len(ROUGH)


@torch.no_grad()
def scrutiny(
    pixels: Float[Tensor, "galaxy 1 height width"], crop: Crop
) -> Float[Tensor, "galaxy number"]:
    """What is suspicious in frames [sky sigma] and their crops, as numbers of order one."""
    image = pixels[:, 0]
    parts = [core(image), tiles(image), streaks(image), roughness(crop)]
    return torch.cat(parts, dim=1).clamp(-LIMIT, LIMIT)


def core(image: Float[Tensor, "galaxy height width"]) -> Float[Tensor, "galaxy number"]:
    """How the core falls off from its brightest pixel, and how many are nearly as bright."""
    middle = box(image, CORE).flatten(1)
    ordered = middle.topk(max(ORDERS), dim=1).values.clamp(min=1)
    peak = ordered[:, :1]
    fall = [(ordered[:, order - 1 : order] / peak).log() for order in ORDERS]
    around = box(image, AROUND).flatten(1)
    alike = [
        ((part > share * peak) & (part < peak * (2 - share))).sum(dim=1, keepdim=True).log1p() / 2
        for part in (middle, around)
        for share in NEAR_PEAK
    ]
    return torch.cat([*fall, *alike, peak.log() / 4], dim=1)


def box(
    image: Float[Tensor, "galaxy height width"], half: int
) -> Float[Tensor, "galaxy rows columns"]:
    """The middle of the frames, so many pixels each way."""
    row, column = (length // 2 for length in image.shape[1:])
    top, left = max(0, row - half), max(0, column - half)
    return image[:, top : row + half + 1, left : column + half + 1]


def tiles(image: Float[Tensor, "galaxy height width"]) -> Float[Tensor, "galaxy number"]:
    """Noise and level of the tiles along the frame's edge, in order, and the slope of its level."""
    step = (image[:, :, 1:] - image[:, :, :-1]).abs().clamp(max=CLIP)[:, None]
    noise = ring_of(adaptive_avg_pool2d(step, TILES)).clamp(min=1e-2).log().sort(dim=1).values
    level = ring_of(adaptive_avg_pool2d(image[:, None].clamp(-CLIP, CLIP), TILES))
    ordered = level.sort(dim=1).values
    middle = noise[:, EDGE_TILES // 2 :][:, :1]
    shown = [3 * (noise[:, [place]] - middle) for place in SHOWN]
    shown += [STRETCH * ordered[:, [place]] for place in SHOWN]
    slope = (level @ plane(level.device)).norm(dim=1, keepdim=True)
    return torch.cat([*shown, slope], dim=1)


def ring_of(grid: Float[Tensor, "galaxy 1 tile tile"]) -> Float[Tensor, "galaxy edge"]:
    """The tiles at the edge."""
    cells = grid[:, 0]
    inner = slice(1, -1)
    sides = (cells[:, 0], cells[:, -1], cells[:, inner, 0], cells[:, inner, -1])
    return torch.cat(sides, dim=1)


@lru_cache(maxsize=4)
def plane(device: torch.device) -> Float[Tensor, "edge 2"]:
    """What takes the levels of the edge's tiles to the rise across the frame, along y and x."""
    axis = torch.arange(TILES, dtype=torch.float32) / (TILES - 1) - 0.5
    y, x = (ring_of(part[None, None]) for part in torch.meshgrid(axis, axis, indexing="ij"))
    return torch.cat([y / y.square().sum(), x / x.square().sum()]).T.to(device)


def streaks(image: Float[Tensor, "galaxy height width"]) -> Float[Tensor, "galaxy 2"]:
    """How far the brightest line across the frame stands out: ln(1 + sigmas).

    In the darkest of its segments, and in the darkest but two.
    """
    cell = image[0].numel() / COARSE**2
    coarse = adaptive_avg_pool2d(image[:, None].clamp(-3, CLIP), COARSE).flatten(1)
    coarse = unrounded(coarse) * math.sqrt(max(1.0, cell))
    places, starts, counts = lines(image.device)
    sums = embedding_bag(places, coarse.T.contiguous(), starts, mode="sum")
    mean = sums.reshape(*counts.shape[:3], -1) / counts.clamp(min=1)
    clear = torch.maximum(mean.roll(CLEAR, dims=2), mean.roll(-CLEAR, dims=2))
    above = ((mean - clear) * counts.sqrt()).masked_fill(counts < LEAST_PLACES, 0)
    darkest = darkest_segments(above[:, :, CLEAR:-CLEAR])
    best = [darkest[place].amax(dim=(0, 1)) for place in (0, MOST_SEGMENTS)]
    return torch.stack(best, dim=1).clamp(min=0).log1p()


def darkest_segments(
    segments: Float[Tensor, "segment angle offset galaxy"],
) -> list[Float[Tensor, "angle offset galaxy"]]:
    """The least of the segments of each line, the next, and so on: as many as are of use."""
    found = [torch.full_like(segments[0], torch.inf)] * (MOST_SEGMENTS + 1)
    for segment in segments:
        left = segment
        for place, least in enumerate(found):
            found[place], left = torch.minimum(least, left), torch.maximum(least, left)
    return found


def unrounded(coarse: Float[Tensor, "galaxy place"]) -> Float[Tensor, "galaxy place"]:
    """A coarse frame less the median of each ring about its centre: without its galaxy, nearly."""
    rest = coarse.clone()
    for ring in coarse_rings(coarse.device):
        rest[:, ring] -= coarse[:, ring].median(dim=1, keepdim=True).values
    return rest


@lru_cache(maxsize=4)
def coarse_rings(device: torch.device) -> tuple[Int[Tensor, " _place"], ...]:
    """The places of a coarse frame in each ring about its centre."""
    axis = torch.arange(COARSE) - (COARSE - 1) / 2
    rank = (axis.square()[:, None] + axis.square()[None, :]).sqrt().flatten() / RING_WIDTH
    count = int(rank.max()) + 1
    return tuple((rank.long() == ring).nonzero().squeeze(1).to(device) for ring in range(count))


def angles() -> list[float]:
    """The angles of the lines along which streaks are looked for."""
    return [math.pi * number / ANGLES for number in range(ANGLES)]


@lru_cache(maxsize=4)
def lines(
    device: torch.device,
) -> tuple[Int[Tensor, " place"], Int[Tensor, " line"], Float[Tensor, "s a b 1"]]:
    """The places of a coarse frame that lie on lines of all angles and offsets, in segments.

    Places line by line, where in them each line starts, and the number of places on each [segment
    angle offset].
    """
    axis = torch.arange(COARSE) - (COARSE - 1) / 2
    y, x = (part.flatten() for part in torch.meshgrid(axis, axis, indexing="ij"))
    turns = [(math.cos(angle), math.sin(angle)) for angle in angles()]
    across = torch.stack([x * cosine + y * sine for cosine, sine in turns])
    along = torch.stack([y * cosine - x * sine for cosine, sine in turns])
    offset = (across.round() + COARSE // 2).long()
    part = ((along / COARSE + 0.5) * SEGMENTS).long().clamp(0, SEGMENTS - 1)
    number = (part * ANGLES + torch.arange(ANGLES)[:, None]) * (COARSE + 1) + offset
    held = (offset >= 0) & (offset <= COARSE)
    order = number[held].argsort(stable=True)
    places = torch.arange(COARSE**2).expand(ANGLES, -1)[held][order]
    counts = number[held].bincount(minlength=SEGMENTS * ANGLES * (COARSE + 1))
    starts = counts.cumsum(0) - counts
    shaped = counts.float().reshape(SEGMENTS, ANGLES, COARSE + 1, 1)
    return places.to(device), starts.to(device), shaped.to(device)


def roughness(crop: Crop) -> Float[Tensor, "galaxy number"]:
    """What a crop and its inner part hold that is neither smooth nor the same across the centre.

    In rings: ln of the mean square over the noise's, which a smooth galaxy has as well.
    """
    found = []
    for view in (crop.pixels, *crop.inner[-1:]):
        near = neighbourhood(view.shape[-1], view.device)
        smooth = near @ view @ near.T
        odd = (view - view.flip(-1, -2)) / math.sqrt(2)
        for part in (view - smooth, odd):
            power = summed(part[:, 0].square().flatten(1), annuli(view.shape[-1], view.device))
            found.append(power.clamp(min=1e-3).log() / 3)
    if not crop.inner:
        found += [torch.zeros_like(found[0])] * 2
    return torch.cat(found, dim=1)


@lru_cache(maxsize=4)
def neighbourhood(size: int, device: torch.device) -> Float[Tensor, "pixel pixel"]:
    """What takes the mean over the pixels near each one, along an axis of `size`."""
    place = torch.arange(size)
    near = ((place[:, None] - place).abs() <= REACH).float()
    return (near / near.sum(dim=1, keepdim=True)).to(device)


@lru_cache(maxsize=4)
def annuli(size: int, device: torch.device) -> Float[Tensor, "ring pixel"]:
    """What takes the mean over each ring of a crop of `size` pixels along each side."""
    axis = (torch.arange(size) - (size - 1) / 2) / (size / 2)
    radius = (axis.square()[:, None] + axis.square()[None, :]).sqrt().flatten()
    bounds = (0.0, *ROUGH)
    rings = [
        ((radius >= low) & (radius < high)).float()
        for low, high in zip(bounds, ROUGH, strict=False)
    ]
    return torch.stack([ring / ring.sum() for ring in rings]).to(device)
