"""Checkpoints of the original GaMPEN's layout with random weights, and what they say, worked out.

Everything is computed again here from the description of the layers: in double precision, the grid,
the interpolation and the covariance with numpy.
"""

import numpy as np
import torch
from torch.nn import functional

WITH_DROPOUT = (0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40)
WITHOUT = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
POOLED_AFTER = {1, 3, 6, 9, 12}
NARROW = (4, 4, 5, 5, 6, 6, 6, 7, 7, 7, 7, 7, 7)
REAL = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
NUMBERS = {"oc": 1, "at": 3, "drp": 6}


def last_side(size):
    """The side of the localisation's last map."""
    for kernel in (11, 9):
        size = (size - kernel + 1 - 3) // 2 + 1
    return size


def checkpoint(
    kind="oc", size=40, targets=3, widths=NARROW, located=(3, 4), dense=(11, 9),
    places=WITH_DROPOUT, seed=0, prefix="",
):  # fmt: skip
    """A state dict."""
    generator = torch.Generator().manual_seed(seed)

    def layer(*shape, gain=1.4):
        weight = torch.randn(shape, generator=generator)
        inputs = weight[0].numel()
        weight *= gain / inputs**0.5
        return weight, 0.1 * torch.randn(shape[0], generator=generator)

    outputs = (targets * targets + 3 * targets) // 2
    layers = {
        "localization.0": layer(located[0], 3, 11, 11),
        "localization.3": layer(located[1], located[0], 9, 9),
        "fc_loc.0": layer(32, located[1] * last_side(size) ** 2),
        "fc_loc.2": layer(NUMBERS[kind], 32, gain=0.1),
    }
    start = {"oc": [0.6], "at": [0.6, 0.05, -0.1], "drp": [0.6, 0.1, 0.05, -0.1, 0.7, -0.02]}
    layers["fc_loc.2"][1].copy_(torch.tensor(start[kind]))
    inputs = 3
    for place, width in zip(places, widths, strict=True):
        layers[f"vgg.features.{place}"] = layer(width, inputs, 3, 3)
        inputs = width
    inputs *= 49
    for place, width in zip((0, 3, 6), (*dense, outputs), strict=True):
        layers[f"vgg.classifier.{place}"] = layer(width, inputs, gain=1.0)
        inputs = width
    return {
        f"{prefix}{name}.{part}": value
        for name, pair in layers.items()
        for part, value in zip(("weight", "bias"), pair, strict=True)
    }


def worked_out(state, images, targets=3):
    """Theta, crops, means and covariances (standardised) of images that fit, one by one."""
    state = {name.removeprefix("module."): value.double() for name, value in state.items()}
    said = [_one(state, image, targets) for image in images]
    return [np.stack(part) for part in zip(*said, strict=True)]


def _one(state, image, targets):
    stretched = np.arcsinh(np.asarray(image, dtype=np.float64))
    theta = _theta(state, stretched)
    crop = sampled(stretched, theta)
    places = [int(n.split(".")[2]) for n in state if n.startswith("vgg.features") and "bias" in n]
    maps = torch.from_numpy(np.repeat(crop[None, None], 3, axis=1))
    for number, place in enumerate(sorted(places)):
        padded = functional.pad(maps, (1, 1, 1, 1))
        maps = _layer(functional.conv2d, state, f"vgg.features.{place}", padded).clamp(min=0)
        if number in POOLED_AFTER:
            maps = functional.max_pool2d(maps, 2)
    units = _seven_by_seven(maps[0].numpy()).ravel()
    for place in (0, 3, 6):
        weight, bias = (state[f"vgg.classifier.{place}.{p}"].numpy() for p in ("weight", "bias"))
        units = weight @ (np.maximum(units, 0) if place else units) + bias
    return theta, crop, *_gaussian(units, targets)


def _layer(operation, state, name, values):
    return operation(values, state[f"{name}.weight"], state[f"{name}.bias"])


def _theta(state, stretched):
    maps = torch.from_numpy(np.repeat(stretched[None, None], 3, axis=1))
    for place in (0, 3):
        maps = _layer(functional.conv2d, state, f"localization.{place}", maps)
        maps = functional.max_pool2d(maps, 3, 2).clamp(min=0)
    units = _layer(functional.linear, state, "fc_loc.0", maps.flatten(1)).clamp(min=0)
    raw = _layer(functional.linear, state, "fc_loc.2", units)[0].tolist()
    if len(raw) == 6:
        return np.array(raw).reshape(2, 3)
    scale, x, y = raw if len(raw) == 3 else (raw[0], 0.0, 0.0)
    return np.array([[scale, 0, x], [0, scale, y]])


def sampled(image, theta):
    """Bilinear interpolation at the places of theta; zero outside, squares end at pixel centres."""
    side = len(image)
    axis = np.linspace(-1, 1, side)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    places = np.stack([x, y, np.ones_like(x)], axis=-1) @ theta.T
    x, y = ((places[..., n] + 1) / 2 * (side - 1) for n in (0, 1))
    padded = np.zeros((side + 4, side + 4))
    padded[2:-2, 2:-2] = image
    found = np.zeros_like(x)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for row, column in np.ndindex(2, 2):
        weight = (1 - np.abs(x - left - column)) * (1 - np.abs(y - top - row))
        rows, columns = (np.clip(n + 2, 0, side + 3) for n in (top + row, left + column))
        found += weight * padded[rows, columns]
    return found


def _seven_by_seven(maps):
    """The mean of each of 7 by 7 parts, which overlap where the side is no multiple."""
    side = maps.shape[-1]
    edges = [(n * side // 7, -(-(n + 1) * side // 7)) for n in range(7)]
    return np.stack(
        [[[channel[a:b, c:d].mean() for c, d in edges] for a, b in edges] for channel in maps]
    )


def _gaussian(units, targets):
    mean, log_d, below = np.split(units, [targets, 2 * targets])
    factor = np.eye(targets)
    place = 0
    for row in range(targets):
        for column in range(row):
            factor[row, column] = below[place]
            place += 1
    return mean, factor @ np.diag(np.exp(log_d)) @ factor.T
