"""The network: frames in, a Gaussian mixture over unconstrained parameters out.

    loss = -network(frames).log_prob(truth).mean()

The truth is in the network's own units: lengths in pixels, fluxes in sky sigmas.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from gampen.network.apertures import RADII, RINGED, crop_signal
from gampen.network.crop import Crop
from gampen.network.dropout import MapMasks, Masks
from gampen.network.features import Features
from gampen.network.frames import Frames, noise_texture
from gampen.network.growth import PLACES, Growth, cleaned, guessed_radius
from gampen.network.head import BIAS, WEIGHT, MixtureHead, more_components
from gampen.network.profiles import HARMONICS, NUMBERS, Ellipse, Profiles
from gampen.network.resampling import frame_side
from gampen.network.stretch import stretch
from gampen.network.surroundings import NUMBERS as SURROUNDINGS
from gampen.network.surroundings import surroundings
from gampen.network.transformer import SpatialTransformer
from gampen.parameters import ParameterSpace
from gampen.parameters.pairs import framed_points, turned_mixture
from gampen.probability.bijections import Exponential
from gampen.probability.mixtures import GaussianMixture
from gampen.settings import NetworkSettings, Scaling

CONTEXT = 64
DETAIL = 128
PROFILE = 256
PRODUCTS = 512
SCALARS = 9
SIZES = 4
PSF_SHAPE = 2
USUAL_CONCENTRATION = 0.75
UNKNOWN_PSF = 0.0
LEAST_SPREAD = 1e-3
MOST = 12.0
"""No layer says more of a galaxy of the prior; products of what an empty frame shows would."""


Standard = tuple[
    GaussianMixture, Float[Tensor, "galaxy parameter"], Float[Tensor, "galaxy parameter"]
]


@dataclass(frozen=True)
class Seen:
    """What a network sees of each galaxy.

    `summary`: all that the head is told; `guess`: a first guess in unconstrained space, pairs in
    the frame of the `heading`, along which the galaxy is seen to lie (`gampen.parameters.pairs`);
    `measured`: the measurements that these came from.
    """

    summary: Float[Tensor, "galaxy feature"]
    guess: Float[Tensor, "galaxy parameter"]
    heading: Float[Tensor, "galaxy 2"]
    measured: Float[Tensor, "galaxy number"]


class GampenNetwork(nn.Module):
    """Crop, features and head, with the parameters that they speak of."""

    location: Tensor
    spread: Tensor

    def __init__(self, space: ParameterSpace, settings: NetworkSettings) -> None:
        """Build untrained; `standardise` sets the scale of the outputs."""
        super().__init__()
        self.space, self.settings = space, settings
        self.transformer = SpatialTransformer(settings)
        inputs = len(RADII) + len(RINGED) + SCALARS + PSF_SHAPE
        self.context = nn.Sequential(nn.Linear(inputs, CONTEXT), nn.SiLU())
        self.features = Features(settings, CONTEXT)
        details = inputs + 2 * len(PLACES) + SIZES
        self.details = details
        self.detail = perceptron(details, DETAIL)
        details += NUMBERS + HARMONICS + SURROUNDINGS
        self.profile = perceptron(details, PROFILE)
        self.products = gated_perceptron(details, PRODUCTS)
        self.shift = nn.Linear(3 * CONTEXT, len(space))
        nn.init.zeros_(self.shift.weight)
        nn.init.zeros_(self.shift.bias)
        self.head = MixtureHead(self.features.size + 4 * CONTEXT, len(space), settings)
        self.register_buffer("location", torch.zeros(len(space)))
        self.register_buffer("spread", torch.ones(len(space)))

    def for_convolutions(self) -> GampenNetwork:
        """The same network, its weights laid out in memory as convolutions read them fastest."""
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return self

    def with_dropout(self, rate: float) -> GampenNetwork:
        """A copy with another rate of dropout in its head."""
        copied = GampenNetwork(self.space, replace(self.settings, dropout=rate))
        copied.load_state_dict(self.state_dict())
        return copied.eval().for_convolutions()

    def forward(self, frames: Frames, masks: Masks | None = None) -> GaussianMixture:
        """The mixture of each galaxy; [pass galaxy] mixtures where dropout masks are given."""
        return self.judge(frames, self.transformer(frames.pixels), masks)

    def judge(self, frames: Frames, crop: Crop, masks: Masks | None = None) -> GaussianMixture:
        """The mixture of each galaxy, from its crop."""
        seen = self.look(frames, crop)
        mixture, slope, offset = self.conclude(seen.summary, seen.guess, masks)
        return turned_mixture(self.space, mixture.affine(slope, offset), seen.heading)

    def look(self, frames: Frames, crop: Crop, masks: MapMasks | None = None) -> Seen:
        """What is seen of each galaxy.

        `masks` are of one pass, where dropout stands before the convolutions.
        """
        views = crop.views(self.settings.views)
        symmetric = cleaned(views, crop.sampling)
        whole, clean = (Growth.of(seen, crop.sampling) for seen in (views, symmetric))
        radius = guessed_radius(clean, frames.psf_fwhm)
        told, psf = self._context(frames, crop, whole), psf_shape(frames)
        context = self.context(torch.cat([told, psf], dim=1))
        sizes = [radius - crop.sampling.log(), radius - frames.psf_fwhm.log().nan_to_num(0.0)]
        sizes += [whole.total.log() - clean.total.log(), whole.log_radius - clean.log_radius]
        shape = [whole.shape(), clean.shape(), torch.stack(sizes, dim=1) - 1]
        details = torch.cat([told, *shape, psf], dim=1)
        profiles = Profiles.of(views, symmetric, crop.sampling, clean)
        around = surroundings(frames.pixels, crop)
        light = torch.cat([details, profiles.rings(), profiles.harmonics(), around], dim=1)
        measured = self.weigh(light)
        images = torch.cat([stretch(view) for view in views.values()], dim=1)
        summary = torch.cat([self.features(images, context, masks), context, measured], dim=1)
        shift = self.shift(measured)
        guess = self.anchor(radius, clean.total, profiles.ellipse) + self.spread * shift
        return Seen(summary, guess, profiles.ellipse.heading, light)

    def weigh(self, light: Float[Tensor, "galaxy number"]) -> Float[Tensor, "galaxy feature"]:
        """What is made of the measurements alone: the last part of what the head is told."""
        details = light[:, : self.details].contiguous()
        measured = [self.detail(details), self.profile(light), self.products(light)]
        return torch.cat([part.clamp(-MOST, MOST) for part in measured], dim=1)

    def conclude(
        self,
        summary: Float[Tensor, "*pass galaxy feature"],
        guess: Float[Tensor, "galaxy parameter"],
        masks: Masks | None = None,
    ) -> Standard:
        """The mixture on the network's own scale, and the slope and offset that lead from it.

        They lead to unconstrained space, pairs in the frame of the galaxy's heading. Whoever needs
        more digits than single precision leaves in the sum takes it in double.
        """
        mixture: GaussianMixture = self.head(summary, masks)
        return mixture, self.spread.expand_as(guess), self.location + guess

    def anchor(
        self,
        log_radius: Float[Tensor, " galaxy"],
        light: Float[Tensor, " galaxy"],
        ellipse: Ellipse,
    ) -> Float[Tensor, "galaxy parameter"]:
        """What is known of each parameter before anything is learned, in unconstrained space.

        A length starts at the radius that holds half of the crop's light, a flux at this light, a
        pair at the elongation that is seen; others at zero.
        """
        guesses = {Scaling.LENGTH: log_radius, Scaling.FLUX: light.log()}
        zero = torch.zeros_like(light)
        columns = [
            guesses.get(p.scaling, zero) if isinstance(p.bijection, Exponential) else zero
            for p in self.space
        ]
        for place in self.space.pairs:
            columns[place] = ellipse.length
        return torch.stack(columns, dim=1)

    @torch.no_grad()
    def standardise(self, frames: Frames, truth: Float[Tensor, "galaxy parameter"]) -> None:
        """Set the outputs' scale by the spread of truths about their anchors, NaN left out."""
        seen = self.look(frames, self.transformer(frames.pixels))
        residual = framed_points(self.space, truth, seen.heading) - seen.guess
        self.location.copy_(residual.nanmedian(dim=0).values)
        low, high = torch.nanquantile(residual, torch.tensor([0.1587, 0.8413]), dim=0)
        self.spread.copy_(((high - low) / 2).clamp(min=LEAST_SPREAD))

    def adopt(self, tensors: Mapping[str, Tensor]) -> list[str]:
        """Take over all weights of another network that fit this one's of the same name.

        Where this one has further inputs, they start without influence; where it has twice as many
        components or more, as copies that are narrower and wider. Comes back as the names of
        this network's own that found nothing, and keep their start.
        """
        own, tensors = self.state_dict(), self._with_components(tensors)
        pairs = {name: (own[name], tensors[name]) for name in own.keys() & tensors.keys()}
        fitting = {name: widened(*pair) for name, pair in pairs.items() if fits(*pair)}
        self.load_state_dict(fitting, strict=False)
        return sorted(own.keys() - fitting.keys())

    def _with_components(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Another network's weights with as many components as this one has, where it can be."""
        last = {name: tensors[name] for name in (WEIGHT, BIAS) if name in tensors}
        if len(last) < 2:
            return dict(tensors)
        number = self.settings.components, len(self.space)
        return {**tensors, **more_components(last, *number)}

    def _context(
        self, frames: Frames, crop: Crop, growth: Growth
    ) -> Float[Tensor, "galaxy context"]:
        """What the crop's pixels do not say: PSF, scale, sampling and growth of light."""
        known = ~frames.psf_fwhm.isnan()
        psf = torch.where(known, frames.psf_fwhm, torch.ones_like(frames.psf_fwhm)).log()
        psf_on_crop = psf - crop.sampling.log()
        scalars = [
            known.float(),
            torch.where(known, psf, UNKNOWN_PSF),
            torch.where(known, psf_on_crop, UNKNOWN_PSF),
            crop.sampling.log(),
            growth.total.log() / 4 - 1.5,
            torch.full_like(psf, math.log(frame_side(frames.pixels)) - 4.6),
        ]
        rings = crop_signal(crop.pixels, crop.sampling) / 4
        texture = noise_texture(frames.pixels)
        return torch.cat([crop.signal / 4, torch.stack(scalars, 1), rings, texture], dim=1)


def perceptron(inputs: int, width: int) -> nn.Sequential:
    """Three layers of `width` hidden units, as many numbers out as the context has."""
    return nn.Sequential(
        nn.Linear(inputs, width),
        nn.SiLU(),
        nn.Linear(width, width),
        nn.SiLU(),
        nn.Linear(width, CONTEXT),
        nn.SiLU(),
    )


class Gated(nn.Module):
    """A layer whose units are products: one sum of the inputs opens the gate for another.

    (Shazeer 2020, arXiv:2002.05202.) How far a measurement moves an estimate depends on the
    galaxy's shape, so what is sought are products of measurements.
    """

    def __init__(self, inputs: int, width: int) -> None:
        """Build for so many inputs and products."""
        super().__init__()
        self.linear = nn.Linear(inputs, 2 * width)

    def forward(self, x: Float[Tensor, "galaxy input"]) -> Float[Tensor, "galaxy product"]:
        """The products."""
        value, gate = self.linear(x).chunk(2, dim=1)
        products: Tensor = value * functional.silu(gate)
        return products


def gated_perceptron(inputs: int, width: int) -> nn.Sequential:
    """Two layers of `width` products, as many numbers out as the context has."""
    return nn.Sequential(Gated(inputs, width), Gated(width, width), nn.Linear(width, CONTEXT))


def psf_shape(frames: Frames) -> Float[Tensor, "galaxy 2"]:
    """Whether the PSF's concentration is known, and it."""
    known = ~frames.psf_concentration.isnan()
    share = torch.where(known, frames.psf_concentration - USUAL_CONCENTRATION, 0.0)
    return torch.stack([known.float(), 8 * share], dim=1)


def fits(own: Tensor, other: Tensor) -> bool:
    """Whether weights are of one shape, but for further inputs (the second axis) of `own`."""
    alike = own.shape[:1] == other.shape[:1] and own.shape[2:] == other.shape[2:]
    return own.dim() == other.dim() and alike and own.shape[1:2] >= other.shape[1:2]


def widened(own: Tensor, other: Tensor) -> Tensor:
    """The other's weights with the shape of `own`: further inputs have none."""
    if own.shape == other.shape:
        return other
    grown = torch.zeros_like(own)
    grown[:, : other.shape[1]] = other
    return grown
