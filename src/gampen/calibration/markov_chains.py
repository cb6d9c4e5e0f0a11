"""Draws from any density by the affine-invariant ensemble sampler, for many galaxies at once.

Goodman & Weare (2010, doi:10.2140/camcos.2010.5.65): each walker moves along the line to a walker
of the other half, by a stretch z of density proportional to 1 / sqrt(z), and the move is accepted
with probability min(1, z^(n - 1) p(new) / p(old)), n being the number of free coordinates. The two
halves move in turn (Foreman-Mackey et al. 2013, doi:10.1086/670067). No step needs tuning, and no
correlation between coordinates hinders it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gampen.errors import UsageError

STRETCH = 2.0  # the largest, and one over the smallest
WINDOW = 5.0  # autocorrelation times over which an autocorrelation is summed

LogDensity = Callable[
    [Float[Tensor, "galaxy walker coordinate"]],
    Float[Tensor, "galaxy walker"],
]


@dataclass(frozen=True)
class Ensemble:
    """Where all walkers stand, and the share of their last moves that was accepted."""

    points: Float64[Tensor, "galaxy walker coordinate"]
    log_density: Float64[Tensor, "galaxy walker"]
    accepted: Float64[Tensor, " galaxy"]


def stretch_moves(
    log_density: LogDensity,
    start: Float64[Tensor, "galaxy walker coordinate"],
    free: int,
    generator: torch.Generator,
) -> Iterator[Ensemble]:
    """The ensembles after each step, without end.

    `free` coordinates differ between walkers; any others stay where all of them start. A density of
    minus infinity is never entered. Raises `UsageError` where walkers are too few or start there.
    """
    walkers = start.shape[1]
    if walkers % 2 or walkers < 2 * (free + 1):
        raise UsageError(
            f"walkers must be even and at least {2 * (free + 1)}, twice one more than the free "
            f"coordinates; got {walkers}"
        )
    points, density = start, log_density(start)
    if not bool(density.isfinite().all()):
        raise UsageError(
            "every walker must start where the density is above nought; move the start"
        )
    halves = (slice(0, walkers // 2), slice(walkers // 2, walkers))
    while True:
        moved = torch.zeros_like(density)
        for half, other in (halves, halves[::-1]):
            proposed, odds = _proposals(points[:, half], points[:, other], free, generator)
            there = log_density(proposed)
            chance = torch.rand(odds.shape, generator=generator, dtype=torch.float64)
            accepted = chance.log() < odds + there - density[:, half]
            points, density = points.clone(), density.clone()
            points[:, half] = torch.where(accepted[..., None], proposed, points[:, half])
            density[:, half] = torch.where(accepted, there, density[:, half])
            moved[:, half] = accepted.to(moved.dtype)
        yield Ensemble(points, density, moved.mean(dim=1))


def _proposals(
    points: Float64[Tensor, "galaxy walker coordinate"],
    others: Float64[Tensor, "galaxy walker coordinate"],
    free: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Where each walker may move, and ln of the odds for it besides those of the density."""
    partner = torch.randint(others.shape[1], points.shape[:2], generator=generator)
    towards = others.gather(1, partner[..., None].expand(points.shape))
    share = torch.rand(points.shape[:2], generator=generator, dtype=torch.float64)
    stretch = ((STRETCH - 1) * share + 1).square() / STRETCH
    return towards + stretch[..., None] * (points - towards), (free - 1) * stretch.log()


@dataclass(frozen=True)
class Chain:
    """The steps of all walkers, without their first."""

    points: Float64[Tensor, "step galaxy walker coordinate"]
    acceptance: Float64[Tensor, " galaxy"]

    @classmethod
    def of(
        cls, ensembles: Iterable[Ensemble], burn_in: int, coordinates: slice = slice(None)
    ) -> Chain:
        """The chain of some coordinates, its first `burn_in` steps left out."""
        kept = [ensemble for step, ensemble in enumerate(ensembles) if step >= burn_in]
        if not kept:
            raise UsageError(f"there must be more than burn_in={burn_in} steps; take more of them")
        points = torch.stack([ensemble.points[..., coordinates] for ensemble in kept])
        return cls(points, torch.stack([ensemble.accepted for ensemble in kept]).mean(dim=0))

    @property
    def draws(self) -> Float64[Tensor, "draw galaxy coordinate"]:
        """The points of all steps and walkers."""
        return self.points.transpose(1, 2).flatten(0, 1)

    @property
    def autocorrelation_time(self) -> Float64[Tensor, "galaxy coordinate"]:
        """Steps after which a walker has forgotten its place: draws are worth `draws / time` each.

        The sum of the walkers' mean autocorrelation over a window of five such times (Sokal 1997,
        doi:10.1007/978-1-4899-0319-8_6). To be believed where the chain is 50 times as long; one
        where a coordinate stays.
        """
        correlation = _autocorrelation(self.points).mean(dim=2)
        times = 2 * correlation.cumsum(dim=0) - 1
        steps = torch.arange(len(times), dtype=times.dtype)[:, None, None]
        beyond = steps >= WINDOW * times
        beyond[-1] = True
        window = beyond.to(torch.uint8).argmax(dim=0)
        return times.gather(0, window[None])[0]


def _autocorrelation(
    points: Float64[Tensor, "step galaxy walker coordinate"],
) -> Float64[Tensor, "step galaxy walker coordinate"]:
    """Each walker's autocorrelation at all lags."""
    steps = len(points)
    spectrum = torch.fft.rfft(points - points.mean(dim=0), n=2 * steps, dim=0)
    power = spectrum.abs().square()
    covariance = torch.fft.irfft(power, n=2 * steps, dim=0)[:steps]
    size = covariance[:1].clamp(min=torch.finfo(covariance.dtype).tiny)
    correlation: Tensor = covariance / size
    return correlation
