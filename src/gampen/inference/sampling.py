"""Running the network over cutouts of any size, with Monte Carlo dropout, into one mixture each.

Gal & Ghahramani (2016, arXiv:1506.02142): each pass is one draw of the network. The passes of a
galaxy are merged into one mixture (`gampen.probability.mixtures.collapse`), which keeps their total
mean and covariance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.linalg import LinAlgError  # type: ignore[attr-defined]

from gampen.cutouts import Cutout, Cutouts
from gampen.errors import GalaxyError, UsageError
from gampen.inference.looking import Looked, Side, look
from gampen.network.devices import usable_device
from gampen.network.dropout import MapMasks, Masks
from gampen.network.frames import Frames
from gampen.network.guard import Guard, Suspicion
from gampen.network.network import GampenNetwork
from gampen.network.symmetry import SYMMETRIES, Symmetry
from gampen.parameters.pairs import mirrored_slope, turned_covariance, turned_mixture
from gampen.probability.mixtures import GaussianMixture, collapse
from gampen.settings import NetworkSettings

DEFAULT_PASSES = 64
SEEDS = 2**32
LANE = 16  # galaxies that go through the network at a time on a CPU
NO_DISTRIBUTION = "the network must return a distribution; got numbers that are none"
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Sampling:
    """How the network is run; only `passes`, `seed` and `thorough` change what comes out.

    With `thorough` it sees each galaxy in the eight orientations of the square and judges by the
    mean of what it saw: sharper, the same for any of them, and eight times as slow.
    """

    passes: int = DEFAULT_PASSES
    seed: int = 0
    batch_size: int = 64
    device: str = "cpu"
    thorough: bool = False

    def __post_init__(self) -> None:
        """Refuse counts below one, seeds out of range and devices that are not there."""
        for name in ("passes", "batch_size"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1; got {getattr(self, name)}")
        if not 0 <= self.seed < SEEDS:
            raise UsageError(f"seed must be from 0 to {SEEDS - 1}; got {self.seed}")
        usable_device(self.device)

    @property
    def symmetries(self) -> tuple[Symmetry, ...]:
        """The orientations in which each galaxy is seen."""
        return SYMMETRIES if self.thorough else SYMMETRIES[:1]

    def map_masks(self, settings: NetworkSettings) -> list[MapMasks]:
        """The masks of each pass, where dropout stands before the convolutions."""
        rate = settings.map_dropout
        return [MapMasks(rate, self.seed, n) for n in range(self.passes if rate else 0)]


AS_IS = Sampling()
BESIDE = ("epistemic", "theta", "zoom", "sky_sigma", "odds", "distance")
"""What is known of each galaxy beside its mixture."""


@dataclass(frozen=True)
class Inferred:
    """What the network says of each galaxy, in unconstrained space, in pixels and sky sigmas.

    `mixture` and the crop's `theta` one a galaxy; `epistemic` the covariance of the passes' means;
    `sky_sigma` [image units] as measured; `zoom` the crop's side over the frame's, the mean where
    galaxies are seen in several orientations (`theta` is the first one's); `odds` and `distance`
    what a guard says (`gampen.network.guard.Suspicion`), no kinds and NaN where there is none.
    """

    mixture: GaussianMixture
    epistemic: Float[Tensor, "galaxy parameter parameter"]
    theta: Float[Tensor, "galaxy 2 3"]
    zoom: Float[Tensor, " galaxy"]
    sky_sigma: Float[Tensor, " galaxy"]
    odds: Float[Tensor, "galaxy kind"]
    distance: Float[Tensor, " galaxy"]

    @classmethod
    def empty(cls, parameters: int, components: int, kinds: int = 0) -> Inferred:
        """What a network says of no galaxies."""
        square = torch.zeros(0, components, parameters, parameters, dtype=torch.float64)
        mixture = GaussianMixture(square[..., 0, 0], square[..., 0], square)
        none, odds = torch.zeros(0), torch.zeros(0, kinds)
        return cls(mixture, square[:, 0], torch.zeros(0, 2, 3), none, none, odds, none)

    @classmethod
    def cat(cls, parts: list[Inferred]) -> Inferred:
        """The galaxies of all parts, one after the other."""
        mixture = GaussianMixture.cat([part.mixture for part in parts])
        return cls(mixture, **{n: torch.cat([getattr(p, n) for p in parts]) for n in BESIDE})

    def select(self, galaxies: Tensor) -> Inferred:
        """The chosen galaxies, in the order chosen."""
        chosen = {name: getattr(self, name)[galaxies] for name in BESIDE}
        return Inferred(self.mixture.select(galaxies), **chosen)


@torch.no_grad()
def infer(
    network: GampenNetwork, cutouts: Cutouts, sampling: Sampling, guard: Guard | None = None
) -> Inferred:
    """Run the network over the cutouts; those of one shape share batches.

    `GalaxyError` where there is a galaxy for which the network returns no distribution,
    `UsageError` where a batch does not fit the device.
    """
    order = sorted(range(len(cutouts)), key=lambda galaxy: cutouts[galaxy].shape)
    network = network.to(sampling.device).eval()
    masks = Masks.of_head(network.settings, sampling.passes, sampling.seed)
    masks = masks.to(torch.device(sampling.device))
    observer = Observer(network, masks, guard and guard.to(sampling.device).eval())
    batches = _batches([cutouts[galaxy] for galaxy in order], sampling.batch_size)
    parts = [
        _infer_lane(observer, lane, sampling).select(torch.arange(filled))
        for batch in batches
        for lane, filled in lanes(frames_of(batch, sampling))
    ]
    if not parts:
        kinds = len(guard.kinds) if guard else 0
        return Inferred.empty(len(network.space), network.settings.components, kinds)
    return Inferred.cat(parts).select(torch.tensor(order).argsort())


def _batches(cutouts: list[Cutout], size: int) -> Iterator[list[Cutout]]:
    """Runs of at most `size` cutouts of one shape."""
    batch: list[Cutout] = []
    for cutout in cutouts:
        if batch and (len(batch) == size or batch[0].shape != cutout.shape):
            yield batch
            batch = []
        batch.append(cutout)
    if batch:
        yield batch


def frames_of(cutouts: list[Cutout], sampling: Sampling = AS_IS) -> Frames:
    """Cutouts of one shape as frames."""
    device = torch.device(sampling.device)
    images = onto(device, np.stack([cutout.pixels for cutout in cutouts]))
    bad = onto(device, np.stack([cutout.bad for cutout in cutouts]))
    psf = torch.tensor([c.psf_fwhm or torch.nan for c in cutouts], dtype=torch.float32)
    shape = torch.tensor([c.psf_concentration or torch.nan for c in cutouts], dtype=torch.float32)
    return Frames.prepare(images, bad, psf.to(device), shape.to(device), sampling.symmetries)


def onto(device: torch.device, array: Shaped[np.ndarray, ...]) -> Tensor:
    """An array on a device; the way to a GPU is from locked memory, beside its other work."""
    values = torch.from_numpy(array)
    if device.type != "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def lanes(frames: Frames) -> Iterator[tuple[Frames, int]]:
    """The frames in groups of one fixed number, the last filled up by repeating its last frame.

    Comes with how many of each group count. Convolutions round in an order that depends on how
    many galaxies they are given; always given as many, a galaxy has the same bits in any batch. On
    a GPU, which needs large batches to be fast, all frames are one group.
    """
    width = LANE if frames.pixels.device.type == "cpu" else len(frames)
    for start in range(0, len(frames), width):
        places = torch.arange(start, start + width).clamp(max=len(frames) - 1)
        yield frames.select(places), min(width, len(frames) - start)


Merged = tuple[GaussianMixture, Float[Tensor, "galaxy parameter parameter"]]
"""One mixture a galaxy, and its epistemic covariance."""


def _merge(network: GampenNetwork, side: Side, masks: Masks) -> Merged:
    """What is said of galaxies seen from one side, in double precision.

    In single precision the sum with the offset would cost the narrowest posteriors their digits.
    """
    space, (passes, slope, offset) = (
        network.space,
        network.conclude(side.summary, side.guess, masks),
    )
    home = CPU if slope.device.type == "mps" else slope.device  # mps has no double precision
    slope, offset, heading = (t.to(home).double() for t in (slope, offset, side.heading))
    merged, epistemic = collapse(passes.to(home).to(torch.float64))
    if side.mirrored:
        flip = mirrored_slope(space, slope)
        slope, offset = flip * slope, flip * offset
    epistemic = epistemic * slope[:, :, None] * slope[:, None, :]
    mixture = turned_mixture(space, merged.affine(slope, offset), heading)
    return mixture, turned_covariance(space, epistemic, heading)


def _together(sides: list[Merged]) -> Merged:
    """The mixture of what is said from all sides; how far they differ is epistemic."""
    if len(sides) == 1:
        return sides[0]
    merged, between = collapse(GaussianMixture.stack([mixture for mixture, _ in sides]))
    return merged, torch.stack([within for _, within in sides]).mean(dim=0) + between


@dataclass(frozen=True)
class Observer:
    """A network, the masks of its passes, and the guard that watches over it, if there is one."""

    network: GampenNetwork
    masks: Masks
    guard: Guard | None

    def suspicion(self, looked: Looked) -> Suspicion:
        """What is suspicious of galaxies; without a guard nothing is known."""
        if self.guard is not None:
            return self.guard(looked.evidence)  # type: ignore[no-any-return]
        zoom = looked.zoom
        return Suspicion(zoom.new_zeros(len(zoom), 0), torch.full_like(zoom, torch.nan))


def _infer_lane(observer: Observer, frames: Frames, sampling: Sampling) -> Inferred:
    network, masks = observer.network, observer.masks
    try:
        looked = look(network, frames, sampling.symmetries, sampling.map_masks(network.settings))
        merged, epistemic = _together([_merge(network, side, masks) for side in looked.sides])
        suspicion = observer.suspicion(looked)
    except LinAlgError:
        raise GalaxyError(NO_DISTRIBUTION) from None
    except torch.OutOfMemoryError:
        raise UsageError(
            f"a batch must fit the device; got {len(frames)} galaxies and {len(masks)} "
            f"passes: lower batch_size or passes"
        ) from None
    beside = (epistemic, looked.crop.theta, looked.zoom, frames.sky_sigma)
    parts = (merged.log_weights, merged.means, merged.precision_cholesky, *beside)
    if not all(bool(part.isfinite().all()) for part in parts):
        raise GalaxyError(NO_DISTRIBUTION)
    said = (*beside, suspicion.odds, suspicion.distance)
    return Inferred(merged.to(CPU), *(value.cpu() for value in said))
