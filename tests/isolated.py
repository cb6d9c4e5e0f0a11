"""Isolated galaxies and their exposures, to ask what can be known of them."""

import torch

from gampen.rendering.exposures import Exposure
from gampen.rendering.noise import correlate
from gampen.rendering.psf import Composite, Kolmogorov, Moffat
from gampen.rendering.render import render
from gampen.rendering.sersic import Sersic

SIDE = 32


def galaxies(number, flux=(100.0, 1000.0), seed=1):
    """Bulges and disks that differ in everything, in double precision."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(low, high):
        share = torch.rand(number, generator=generator, dtype=torch.float64)
        return low + (high - low) * share

    share, total, disk = uniform(0.2, 0.8), uniform(*flux), uniform(2.5, 5.0)
    angle, x, y = uniform(0.0, 180.0), uniform(-0.6, 0.6), uniform(-0.6, 0.6)
    return Sersic(
        flux=torch.stack([total * share, total * (1 - share)], dim=1),
        effective_radius=torch.stack([disk * uniform(0.2, 0.8), disk], dim=1),
        index=torch.stack([uniform(3.2, 4.8), uniform(0.9, 1.1)], dim=1),
        axis_ratio=torch.stack([uniform(0.5, 0.9), uniform(0.3, 0.9)], dim=1),
        angle=torch.stack([angle + uniform(-20.0, 20.0), angle], dim=1),
        x=torch.stack([x, x], dim=1),
        y=torch.stack([y, y], dim=1),
    )


def exposure(number, correlation=0.3, psf=None, oversampling=1, shape=(SIDE, SIDE)):
    """A Moffat PSF of 3.5 pixels, or another, over noise of one level."""
    same = torch.ones(number, dtype=torch.float64)
    psf = Moffat(3.5 * same, 3.0 * same) if psf is None else psf
    bad = torch.zeros(number, *shape, dtype=torch.bool)
    noise = 0.05 * same, 500 * same, correlation * same
    return Exposure(psf, 3.5 * same, *noise, bad, oversampling)


def mixed_psf(number):
    """Seeing, a Moffat and a Moffat with wings, in turn."""
    same, which = torch.ones(number, dtype=torch.float64), torch.arange(number) % 3
    weights = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0.8, 0.2]], dtype=torch.float64)[which]
    parts = Kolmogorov(3.5 * same), Moffat(3.5 * same, 3.5 * same), Moffat(9 * same, 3 * same)
    return Composite(parts, weights)


def single(record):
    """The same in single precision, through all levels."""
    if isinstance(record, torch.Tensor):
        return record.float() if record.is_floating_point() else record
    if isinstance(record, tuple):
        return tuple(single(part) for part in record)
    if isinstance(record, int):
        return record
    return type(record)(**{name: single(value) for name, value in vars(record).items()})


def observed(profile, seen, seed=2):
    """Images with the noise that the exposure says."""
    generator = torch.Generator().manual_seed(seed)
    light = render(profile, seen.psf, seen.shape, oversampling=seen.oversampling)
    sides = (len(light), seen.shape[0] + 2, seen.shape[1] + 2)
    white = torch.randn(sides, generator=generator, dtype=light.dtype)
    return light + correlate(white, seen.correlation) * seen.variance(light).sqrt()
