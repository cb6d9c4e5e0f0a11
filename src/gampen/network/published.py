"""The network of the original GaMPEN, as its published checkpoints need it.

Written afresh from the description of its layers (Ghosh et al. 2022, doi:10.3847/1538-4357/ac7f9e):
a spatial transformer that zooms (1 number), zooms and shifts (3) or maps freely (6), VGG16
(Simonyan & Zisserman 2015, arXiv:1409.1556) with dropout before every convolution but the first,
and a Gaussian with full covariance. It works in arcsec and image units, not in pixels and noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from gampen.errors import EstimatorError
from gampen.network.dropout import MapMasks
from gampen.parameters import ParameterSpace
from gampen.probability.mixtures import GaussianMixture
from gampen.settings import PublishedSettings

BANDS = 3  # equal channels that one band is repeated in
POOLED = 7  # side of the last map
POOL_AFTER = (1, 3, 6, 9, 12)  # convolutions of VGG16 that a pooling follows
CONVOLUTIONS = 13
DENSE = 3
LOCATE = ("locate.0", "locate.1", "propose.0", "propose.1")
LAYERS = (
    *LOCATE,
    *(f"convolutions.{n}" for n in range(CONVOLUTIONS)),
    *(f"dense.{n}" for n in range(DENSE)),
)
"""Each with a weight and a bias."""


@dataclass(frozen=True)
class Seen:
    """The maps of the transformer, in its own coordinates, and what it makes of the images."""

    theta: Float[Tensor, "galaxy 2 3"]
    crops: Float[Tensor, "galaxy 3 side side"]


class PublishedNetwork(nn.Module):
    """A published network with the scale of its labels.

    `location` and `spread`: mean and standard deviation by which each transformed label was
    standardised.
    """

    location: Tensor
    spread: Tensor

    def __init__(
        self, space: ParameterSpace, settings: PublishedSettings, tensors: Mapping[str, Tensor]
    ) -> None:
        """Build of tensors named as `LAYERS`; `EstimatorError` where they make no such network."""
        super().__init__()
        self.space, self.settings = space, settings
        check_shapes(space, settings, tensors)
        self.locate = nn.ModuleList(convolution(tensors, name) for name in LOCATE[:2])
        self.propose = nn.ModuleList(dense(tensors, name) for name in LOCATE[2:])
        self.convolutions = nn.ModuleList(
            convolution(tensors, f"convolutions.{n}") for n in range(CONVOLUTIONS)
        )
        self.dense = nn.ModuleList(dense(tensors, f"dense.{n}") for n in range(DENSE))
        self.register_buffer("location", tensors["location"].double())
        self.register_buffer("spread", tensors["spread"].double())

    def see(self, images: Float[Tensor, "galaxy height width"]) -> Seen:
        """The transformer's maps and crops of images [image units], cut to the network's size.

        In double precision where the device has it: in single, the crop of a large image is off
        where the light is steep, by more than a covariance can bear.
        """
        side = self.settings.cutout_size
        cut = middle(images, side).to(finest(images.device))
        stretched = torch.arcsinh(cut)[:, None].expand(-1, BANDS, -1, -1)
        found = stretched
        for layer in self.locate:
            found = functional.relu(functional.max_pool2d(precise(layer, found), 3, 2))
        first, last = self.propose
        theta = theta_of(precise(last, functional.relu(precise(first, found.flatten(1)))))
        grid = functional.affine_grid(theta, list(stretched.shape), align_corners=True)
        return Seen(theta, functional.grid_sample(stretched, grid, align_corners=True))

    def judge(
        self, crops: Float[Tensor, "galaxy 3 side side"], masks: MapMasks | None = None
    ) -> GaussianMixture:
        """One Gaussian a galaxy in unconstrained space, in arcsec and image units, in double.

        `masks`: of one pass of dropout.
        """
        maps = crops.float()
        for place, layer in enumerate(self.convolutions):
            thinned = maps if masks is None or not place else masks(maps, place)
            maps = functional.relu(layer(thinned))
            if place in POOL_AFTER:
                maps = functional.max_pool2d(maps, 2)
        units = functional.adaptive_avg_pool2d(maps, POOLED).flatten(1)
        for place, layer in enumerate(self.dense):
            if place:
                units = functional.relu(units)
                units = units if masks is None else thinned_units(masks, units, place)
            units = layer(units)
        # On the CPU: not every device has double precision.
        standard = gaussian(units.cpu().double(), len(self.space))
        return standard.affine(self.spread.cpu()[None], self.location.cpu()[None])


def finest(device: torch.device) -> torch.dtype:
    """The most precise numbers that a device has."""
    return torch.float32 if device.type == "mps" else torch.float64


def precise(
    layer: nn.Module, values: Float[Tensor, " galaxy *input"]
) -> Float[Tensor, " galaxy *output"]:
    """A layer's outputs in the precision of its inputs, not in that of its weights."""
    weights = {name: weight.to(values) for name, weight in layer.named_parameters()}
    outputs: Tensor = functional_call(layer, weights, (values,))
    return outputs


def thinned_units(
    masks: MapMasks, units: Float[Tensor, "galaxy unit"], place: int
) -> Float[Tensor, "galaxy unit"]:
    """Units after dropout, alike for every galaxy."""
    return masks(units[..., None, None], CONVOLUTIONS + place)[..., 0, 0]


def gaussian(outputs: Float[Tensor, "galaxy output"], size: int) -> GaussianMixture:
    """The Gaussian of a network's outputs: means, ln of D, and L by rows; covariance L D L^T."""
    means, log_diagonal, below = torch.split(outputs, [size, size, size * (size - 1) // 2], 1)
    factor = torch.diag_embed(torch.ones_like(means))
    rows, columns = torch.tril_indices(size, size, -1)
    factor[:, rows, columns] = below
    covariance = (factor * log_diagonal.exp()[:, None]) @ factor.mT
    ones = torch.ones_like(means[:, :1])
    return GaussianMixture.from_covariances(ones, means[:, None], covariance[:, None])


def theta_of(raw: Float[Tensor, "galaxy raw"]) -> Float[Tensor, "galaxy 2 3"]:
    """The affine maps of a transformer's 1, 3 or 6 numbers."""
    if raw.shape[1] == 6:
        return raw.view(-1, 2, 3)
    zoom, none = raw[:, 0], torch.zeros_like(raw[:, 0])
    x, y = (raw[:, 1], raw[:, 2]) if raw.shape[1] == 3 else (none, none)
    return torch.stack([zoom, none, x, none, zoom, y], dim=1).view(-1, 2, 3)


def middle(
    images: Float[Tensor, "galaxy height width"], side: int
) -> Float[Tensor, "galaxy side side"]:
    """The central square of images; those that are smaller have zeros around them."""
    for axis in (1, 2):
        lead = before(images.shape[axis], side)
        if lead < 0:
            around = [-lead, side - images.shape[axis] + lead]
            images = functional.pad(images, around if axis == 2 else [0, 0, *around])
        else:
            images = images.narrow(axis, lead, side)
    return images


def before(length: int, side: int) -> int:
    """Pixels that are cut off at the beginning of an axis; below 0: that are added."""
    return round((length - side) / 2) if length >= side else -((side - length) // 2)


def on_image(
    theta: Float[Tensor, "galaxy 2 3"], side: int, shape: tuple[int, int]
) -> Float[Tensor, "galaxy 2 3"]:
    """Maps as gampen gives them: of the crop's square to the image's, both from edge to edge.

    The original's squares end at the centres of the outermost pixels, and are of the cut image.
    """
    lengths = torch.tensor(shape[::-1], dtype=theta.dtype, device=theta.device)
    leads = torch.tensor([before(n, side) for n in shape[::-1]], device=theta.device)
    matrix = theta[:, :, :2] * (side / lengths)[:, None]
    shift = theta[:, :, 2] * (side - 1) / lengths + (side + 2 * leads - lengths) / lengths
    return torch.cat([matrix, shift[..., None]], dim=2)


def convolution(tensors: Mapping[str, Tensor], name: str) -> nn.Conv2d:
    """A convolution of these weights; those of VGG16, 3 by 3, keep the size of maps."""
    weight = tensors[f"{name}.weight"]
    outputs, inputs, height, width = weight.shape
    padding = 1 if name.startswith("convolutions") else 0
    layer = nn.Conv2d(inputs, outputs, (height, width), padding=padding, device="meta")
    return filled(layer, tensors, name)  # type: ignore[return-value]


def dense(tensors: Mapping[str, Tensor], name: str) -> nn.Linear:
    """A dense layer of these weights."""
    outputs, inputs = tensors[f"{name}.weight"].shape
    layer = nn.Linear(inputs, outputs, device="meta")
    return filled(layer, tensors, name)  # type: ignore[return-value]


def filled(layer: nn.Module, tensors: Mapping[str, Tensor], name: str) -> nn.Module:
    """The layer with its weights, of which no copy is made."""
    state = {part: tensors[f"{name}.{part}"].float() for part in ("weight", "bias")}
    layer.load_state_dict(state, assign=True)
    return layer


def check_shapes(
    space: ParameterSpace, settings: PublishedSettings, tensors: Mapping[str, Tensor]
) -> None:
    """`EstimatorError` where a layer is missing, or does not take what the one before it gives."""
    names = [f"{layer}.{part}" for layer in LAYERS for part in ("weight", "bias")]
    missing = [name for name in (*names, "location", "spread") if name not in tensors]
    if missing or len(tensors) > len(names) + 2:
        raise EstimatorError(
            f"a published network must have a weight and a bias for each of {len(LAYERS)} layers; "
            f"{', '.join(missing[:3]) or 'there are others'} "
            f"{'are missing' if missing else 'beside them'}"
        )
    size = len(space)
    flat = tensors["locate.1.weight"].shape[0] * located_side(settings.cutout_size) ** 2
    chains = (
        (BANDS, LOCATE[:2], 4, None),
        (flat, LOCATE[2:], 2, (1, 3, 6)),
        (BANDS, LAYERS[4 : 4 + CONVOLUTIONS], 4, None),
        (
            tensors["convolutions.12.weight"].shape[0] * POOLED**2,
            LAYERS[-DENSE:],
            2,
            (outputs_of(size),),
        ),
    )
    for inputs, layers, dimensions, outputs in chains:
        check_chain(inputs, layers, dimensions, outputs, tensors)
    if any(tensors[name].shape != (size,) for name in ("location", "spread")):
        raise EstimatorError(f"the scale of {size} labels must be as many numbers; it is not")


def check_chain(
    inputs: int,
    layers: Sequence[str],
    dimensions: int,
    outputs: Sequence[int] | None,
    tensors: Mapping[str, Tensor],
) -> None:
    """`EstimatorError` where layers do not follow each other from so many inputs on."""
    for name in layers:
        weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        if (
            weight.dim() != dimensions
            or weight.shape[1] != inputs
            or bias.shape != weight.shape[:1]
        ):
            raise EstimatorError(
                f"{name} must be a layer of {inputs} inputs; got a weight of shape "
                f"{tuple(weight.shape)} and a bias of shape {tuple(bias.shape)}"
            )
        inputs = len(weight)
    if outputs is not None and inputs not in outputs:
        raise EstimatorError(
            f"{layers[-1]} must have {' or '.join(map(str, outputs))} outputs; got {inputs}"
        )


def outputs_of(targets: int) -> int:
    """The numbers that a Gaussian of so many targets takes: means, ln of D, and L."""
    return targets * (targets + 3) // 2


def located_side(cutout_size: int) -> int:
    """The side of the transformer's last map: convolutions of 11 and 9, each pooled by 3 over 2."""
    side = cutout_size
    for kernel in (11, 9):
        side = (side - kernel + 1 - 3) // 2 + 1
    return max(side, 0)
