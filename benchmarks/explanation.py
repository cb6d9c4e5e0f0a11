"""`python -m benchmarks.explanation [GALAXIES]`: what tells a galaxy that is not as supposed.

Figures of `gampen.inference.explanation` by S/N for galaxies of the shipped estimator's own prior,
and how well each tells them from the same galaxies with something done to them, at S/N above 50:
the area under the curve of hits against false alarms (AUROC). What was measured is kept in
`build/explanation` and not measured again.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from benchmarks.card.sets import GROUP, true_signal_to_noise
from gampen import Cutouts, Estimator
from gampen.inference.explanation import explain
from gampen.rendering.frequencies import FrequencyGrid
from gampen.rendering.render import render_in_groups
from gampen.rendering.sersic import Sersic, sersic_b
from gampen.settings import SimulationSettings
from gampen.simulation.scenes import Scenes, Simulator
from gampen.verbs.simulate import cutouts_of

FOLDER = Path(__file__).parent.parent / "build" / "explanation"
EDGES = (10.0, 30.0, 120.0, 500.0, 3000.0, 20000.0)
BRIGHT = 50.0
SEED = 41
FINER = 3
SIGNALS = ("chi_square", "surprise", "neighbour_share", "psf_surprise")

Figures = dict[str, Float64[np.ndarray, " galaxy"]]


def fresh(group: int) -> np.random.Generator:
    """The numbers that decide what is done to a group."""
    return np.random.default_rng((SEED, group))


def told(factor: float) -> Callable[[Scenes, int], Scenes]:
    """Scenes whose PSF is told to be so many times wider than it is."""
    return lambda scenes, _: replace(scenes, psf_fwhm=scenes.psf_fwhm * factor)


def with_arms(scenes: Scenes, group: int) -> Scenes:
    """Disks modulated by 20-40 % along two logarithmic arms, through the PSF."""
    numbers, size = fresh(group), scenes.images.shape[-1]
    added = [arms_of(scenes, place, size, numbers) for place in range(len(scenes))]
    return replace(scenes, images=scenes.images + torch.stack(added))


def arms_of(
    scenes: Scenes, place: int, size: int, numbers: np.random.Generator
) -> Float[Tensor, "height width"]:
    """What two arms add to one galaxy's light: as much as they take away."""
    of = {name: float(value[place, 1]) for name, value in vars(scenes.target).items()}
    axis = (torch.arange(FINER * size) + 0.5) / FINER - size / 2
    x, y = axis[None, :] - of["x"], axis[:, None] - of["y"]
    angle = math.radians(of["angle"])
    major = x * math.cos(angle) + y * math.sin(angle)
    minor = (y * math.cos(angle) - x * math.sin(angle)) / of["axis_ratio"]
    radius = torch.hypot(major, minor) / of["effective_radius"] + 1e-3
    index = torch.tensor(of["index"])
    light = (-sersic_b(index) * radius ** (1 / index)).exp()
    light = of["flux"] * light / light.sum()
    pitch = math.radians(numbers.uniform(12, 28))
    phase = 2 * torch.atan2(minor, major) - 2 * radius.log() / math.tan(pitch)
    inwards = 1 - (-((radius / 0.3) ** 2)).exp()
    light = light * numbers.uniform(0.2, 0.4) * inwards * (phase + numbers.uniform(0, 6.3)).cos()
    grid = FrequencyGrid.of(FINER * size, FINER * size, 1 / FINER, light)
    transfer = scenes.psf.select(slice(place, place + 1)).transfer(grid)[0]
    seen = torch.fft.irfft2(torch.fft.rfft2(light) * transfer)
    return seen.view(size, FINER, size, FINER).sum(dim=(1, 3))


def with_clumps(scenes: Scenes, group: int) -> Scenes:
    """A tenth of the flux more, in five points of light within 1.5 half-light radii."""
    numbers, target = fresh(group), scenes.target
    shape = (len(scenes), 5)
    distance = numbers.uniform(0.3, 1.5, shape) * scenes.values["effective_radius"].numpy()[:, None]
    angle = numbers.uniform(0, 2 * np.pi, shape)
    x, y = (torch.from_numpy(distance * f(angle)).float() for f in (np.cos, np.sin))
    one = torch.ones(shape)
    knots = Sersic(
        flux=0.02 * target.flux.sum(dim=1, keepdim=True) * one,
        effective_radius=0.1 * one,
        index=one,
        axis_ratio=one,
        angle=0 * one,
        x=target.x[:, :1] + x,
        y=target.y[:, :1] + y,
    )
    light = render_in_groups(knots, scenes.psf, tuple(scenes.images.shape[1:]), 2)
    return replace(scenes, images=scenes.images + light)


def with_trail(scenes: Scenes, group: int) -> Scenes:
    """A line of 10 sky sigma, as wide as the PSF, within one half-light radius of the centre."""
    numbers, size = fresh(group), scenes.images.shape[-1]
    angle = torch.from_numpy(numbers.uniform(0, np.pi, len(scenes))).float()
    miss = (
        scenes.values["effective_radius"]
        * torch.from_numpy(numbers.uniform(-1, 1, len(scenes))).float()
    )
    axis = torch.arange(size) - (size - 1) / 2
    x = axis[None, None, :] - scenes.target.x[:, :1, None]
    y = axis[None, :, None] - scenes.target.y[:, :1, None]
    away = y * angle.cos()[:, None, None] - x * angle.sin()[:, None, None] - miss[:, None, None]
    width = (scenes.values["psf_fwhm"] / 2.3548)[:, None, None]
    line = 10 * scenes.sky_sigma[:, None, None] * (-0.5 * (away / width) ** 2).exp()
    return replace(scenes, images=scenes.images + line)


def with_saturated_core(scenes: Scenes, _: int) -> Scenes:
    """Nothing brighter than half of the brightest pixel near the centre."""
    middle = scenes.images.shape[-1] // 2
    near = slice(middle - 5, middle + 5)
    peak = scenes.images[:, near, near].flatten(1).amax(dim=1)[:, None, None]
    return replace(scenes, images=torch.minimum(scenes.images, 0.5 * peak))


DONE: dict[str, Callable[[Scenes, int], Scenes]] = {
    "nothing": lambda scenes, _: scenes,
    "PSF told 1.5 x too wide": told(1.5),
    "PSF told 1.5 x too narrow": told(1 / 1.5),
    "spiral arms": with_arms,
    "clumps": with_clumps,
    "satellite trail": with_trail,
    "saturated core": with_saturated_core,
}


def figures_of(
    estimator: Estimator, settings: SimulationSettings, groups: list[Scenes], name: str
) -> Figures:
    """The figures of scenes to which something is done."""
    path = FOLDER / f"{name.replace(' ', '_')}-{sum(map(len, groups))}.npz"
    if path.is_file():
        return dict(np.load(path))
    parts = []
    for place, group in enumerate(groups):
        cutouts = Cutouts.of(cutouts_of(DONE.get(name, DONE["nothing"])(group, place), settings))
        found = estimator.examine(cutouts)
        said = explain(cutouts, found.posterior, found.sky_sigma, found.crop_theta)
        parts.append({signal: getattr(said, signal) for signal in SIGNALS})
    figures = {signal: np.concatenate([part[signal] for part in parts]) for signal in SIGNALS}
    FOLDER.mkdir(parents=True, exist_ok=True)
    np.savez(path, **figures)
    return figures


def area(usual: Float64[np.ndarray, " galaxy"], changed: Float64[np.ndarray, " galaxy"]) -> float:
    """The chance that a changed galaxy stands out more than a usual one (AUROC)."""
    ordered = np.sort(usual)
    below = np.searchsorted(ordered, changed, side="left")
    level = np.searchsorted(ordered, changed, side="right") - below
    return float(np.mean(below + level / 2) / len(usual))


def standing_out(figures: Figures) -> Figures:
    """The figures so that more is more unusual."""
    return {
        name: np.nan_to_num(np.abs(v) if name == "psf_surprise" else v, nan=1e9)
        for name, v in figures.items()
    }


def main(galaxies: str = "384") -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    estimator, number = Estimator.load("universal"), int(galaxies)
    settings = estimator.simulations
    simulator = Simulator(settings, SEED)
    groups = [simulator.batch(group, GROUP) for group in range(2 * number // GROUP)]
    signal = np.concatenate([true_signal_to_noise(group).numpy() for group in groups])
    usual = figures_of(estimator, settings, groups, "in distribution")
    print("| S/N | galaxies | chi-square: 5, 50, 95, 99 % | surprise: 5, 50, 95, 99 % |")
    for low, high in pairwise(EDGES):
        here = (signal >= low) & (signal < high)
        cells = [
            ", ".join(
                f"{v:.2f}" for v in np.nanquantile(usual[name][here], (0.05, 0.5, 0.95, 0.99))
            )
            for name in SIGNALS[:2]
        ]
        print(f"| {low:.0f}-{high:.0f} | {here.sum()} | {' | '.join(cells)} |", flush=True)
    prior = replace(settings.prior, signal_to_noise=(BRIGHT, settings.prior.signal_to_noise[1]))
    simulator = Simulator(replace(settings, prior=prior), SEED + 1)
    groups = [simulator.batch(group, GROUP) for group in range(number // GROUP)]
    clean = standing_out(figures_of(estimator, settings, groups, "nothing"))
    radius = np.concatenate([group.values["effective_radius"].numpy() for group in groups])
    width = np.concatenate([group.values["psf_fwhm"].numpy() for group in groups])
    alone = np.concatenate([alone_in(group) for group in groups])
    chosen = {"all": alone | True, "alone": alone, "alone, R_e > FWHM": alone & (radius > width)}
    for words, here in chosen.items():
        print(f"\n{words}: {here.sum()} galaxies\n| what was done | {' | '.join(SIGNALS)} | any |")
        for name in list(DONE)[1:]:
            changed = standing_out(figures_of(estimator, settings, groups, name))
            cells = [f"{area(clean[f][here], changed[f][here]):.3f}" for f in SIGNALS]
            both = [most_unusual(clean, arm, here) for arm in (clean, changed)]
            cells.append(f"{area(*both):.3f}")
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


def most_unusual(
    clean: Figures, figures: Figures, here: Bool[np.ndarray, " galaxy"]
) -> Float64[np.ndarray, " galaxy"]:
    """The rank among usual galaxies of whichever figure is the most unusual."""
    names = ("chi_square", "neighbour_share", "psf_surprise")
    ranks = [np.searchsorted(np.sort(clean[name][here]), figures[name][here]) for name in names]
    return np.maximum.reduce(ranks) / here.sum()


def alone_in(scenes: Scenes) -> Bool[np.ndarray, " galaxy"]:
    """Whether next to nothing but the target shines within 3 half-light radii and a FWHM."""
    finer = 2 if float(scenes.values["psf_fwhm"].min()) < 2.5 else 1
    shape = tuple(scenes.images.shape[1:])
    left = scenes.images - render_in_groups(scenes.target, scenes.psf, shape, finer)
    y, x = (torch.arange(n) - (n - 1) / 2 for n in shape)
    away = torch.hypot(
        x[None, None, :] - scenes.target.x[:, :1, None],
        y[None, :, None] - scenes.target.y[:, :1, None],
    )
    reach = 3 * scenes.values["effective_radius"] + scenes.values["psf_fwhm"]
    inside = away < reach[:, None, None]
    other = left.masked_fill(~inside, 0).sum(dim=(1, 2))
    return (other < 0.05 * scenes.target.flux.sum(dim=1)).numpy()


if __name__ == "__main__":
    main(*sys.argv[1:])
