"""Galaxies drawn by GalSim with accuracy asked of it, for what the renderer is compared with."""

import galsim
import numpy as np
import torch

from gampen.rendering.psf import Gaussian, Kolmogorov, Moffat, PointSpreadFunction
from gampen.rendering.sersic import Sersic

ACCURATE = galsim.GSParams(
    folding_threshold=1e-3,
    stepk_minimum_hlr=10,
    maxk_threshold=1e-4,
    kvalue_accuracy=1e-6,
    xvalue_accuracy=1e-6,
    table_spacing=1,
    maximum_fft_size=12000,
)


def light(profile: Sersic, galaxy: int) -> galsim.GSObject:
    """One galaxy of a batch as GalSim's object, before PSF and pixel."""
    parts = []
    for place in range(profile.flux.shape[1]):
        value = {name: float(v[galaxy, place]) for name, v in vars(profile).items()}
        part = galsim.Sersic(
            value["index"],
            half_light_radius=value["effective_radius"] * value["axis_ratio"] ** 0.5,
            flux=value["flux"],
            gsparams=ACCURATE,
        )
        part = part.shear(q=value["axis_ratio"], beta=value["angle"] * galsim.degrees)
        parts.append(part.shift(value["x"], value["y"]))
    return galsim.Add(parts)


def spread(psf: PointSpreadFunction, galaxy: int) -> galsim.GSObject:
    """One galaxy's PSF as GalSim's object."""
    fwhm = float(psf.fwhm[galaxy])
    if isinstance(psf, Moffat):
        return galsim.Moffat(beta=float(psf.beta[galaxy]), fwhm=fwhm, gsparams=ACCURATE)
    kind = {Gaussian: galsim.Gaussian, Kolmogorov: galsim.Kolmogorov}[type(psf)]
    return kind(fwhm=fwhm, gsparams=ACCURATE)


def draw(profile: Sersic, psf: PointSpreadFunction, shape: tuple[int, int]) -> torch.Tensor:
    """Images of all galaxies of a batch, in float64."""
    height, width = shape
    images = [
        galsim.Convolve(light(profile, galaxy), spread(psf, galaxy), gsparams=ACCURATE)
        .drawImage(nx=width, ny=height, scale=1, dtype=np.float64)
        .array
        for galaxy in range(len(profile.flux))
    ]
    return torch.from_numpy(np.stack(images))


def random_profiles(galaxies: int, shape: tuple[int, int], fwhm: torch.Tensor, seed: int) -> Sersic:
    """Bulges and disks, R_e from 0.3 FWHM to a third of the frame, of any index and flattening."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(low, high):
        return low + (high - low) * torch.rand(galaxies, 2, generator=generator)

    smallest, largest = 0.3 * fwhm[:, None], min(shape) / 3
    flux, centre = uniform(0.05, 1), uniform(-3, 3)
    return Sersic(
        flux=100 * flux / flux.sum(dim=1, keepdim=True),
        effective_radius=smallest * (largest / smallest) ** uniform(0, 1),
        index=torch.stack([uniform(0.5, 6)[:, 0], uniform(0.5, 1.5)[:, 1]], dim=1),
        axis_ratio=uniform(0.2, 1),
        angle=uniform(0, 180),
        x=centre[:, :1].expand(-1, 2).contiguous(),
        y=centre[:, 1:].expand(-1, 2).contiguous(),
    )
