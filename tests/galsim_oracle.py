"""Galaxies drawn by GalSim with accuracy asked of it: what the renderer is compared with."""

import galsim
import numpy as np
import torch

from gampen.rendering.psf import Gaussian, Kolmogorov, Moffat, PixelPSF
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


def one(batch, galaxy):
    """One galaxy of a batch of profiles or PSFs."""
    return type(batch)(**{name: value[galaxy : galaxy + 1] for name, value in vars(batch).items()})


def light(profile, gsparams):
    """The first galaxy of a batch as GalSim's object, before PSF and pixel."""
    parts = []
    for place in range(profile.flux.shape[1]):
        value = {name: float(v[0, place]) for name, v in vars(profile).items()}
        part = galsim.Sersic(
            value["index"],
            half_light_radius=value["effective_radius"] * value["axis_ratio"] ** 0.5,
            flux=value["flux"],
            gsparams=gsparams,
        )
        part = part.shear(q=value["axis_ratio"], beta=value["angle"] * galsim.degrees)
        parts.append(part.shift(value["x"], value["y"]))
    return galsim.Add(parts)


def spread(psf, gsparams):
    """The first PSF of a batch as GalSim's object; images are read with Lanczos' interpolant."""
    if isinstance(psf, PixelPSF):
        image = galsim.Image(psf.image[0].double().numpy(), scale=1)
        lanczos = galsim.Lanczos(15)
        return galsim.InterpolatedImage(image, x_interpolant=lanczos, flux=1, gsparams=gsparams)
    fwhm = float(psf.fwhm[0])
    if isinstance(psf, Moffat):
        return galsim.Moffat(beta=float(psf.beta[0]), fwhm=fwhm, gsparams=gsparams)
    kind = {Gaussian: galsim.Gaussian, Kolmogorov: galsim.Kolmogorov}[type(psf)]
    return kind(fwhm=fwhm, gsparams=gsparams)


def draw(profile, psf, shape, gsparams=ACCURATE):
    """The images of a batch, in float64."""
    images = []
    for galaxy in range(len(profile.flux)):
        parts = light(one(profile, galaxy), gsparams), spread(one(psf, galaxy), gsparams)
        image = galsim.Convolve(*parts, gsparams=gsparams).drawImage(
            nx=shape[1],
            ny=shape[0],
            scale=1,
            dtype=np.float64,
            method="no_pixel" if psf.includes_pixel else "auto",
        )
        images.append(torch.from_numpy(image.array))
    return torch.stack(images)


def random_psf(kind, galaxies, fwhm, seed):
    """PSFs of any FWHM [pixel] between the limits; Moffat slopes of 1.5-8, images of Moffats."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(low, high):
        return low + (high - low) * torch.rand(galaxies, generator=generator)

    widths, betas = uniform(*fwhm), uniform(1.5, 8)
    if kind is Moffat:
        return Moffat(widths, betas)
    if kind is not PixelPSF:
        return kind(widths)
    stars = zip(widths.tolist(), betas.tolist(), strict=True)
    images = [
        galsim.Moffat(beta=b, fwhm=w).drawImage(nx=51, ny=51, scale=1).array for w, b in stars
    ]
    return PixelPSF(torch.from_numpy(np.stack(images)))


def random_profiles(galaxies, side, smallest, seed):
    """Bulges and disks of any flattening and place; R_e from `smallest` to a third of the side."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(low, high):
        return low + (high - low) * torch.rand(galaxies, 2, generator=generator)

    flux, centre, index = uniform(0.05, 1), uniform(-3, 3), uniform(0, 1)
    return Sersic(
        flux=100 * flux / flux.sum(dim=1, keepdim=True),
        effective_radius=smallest * (side / 3 / smallest) ** uniform(0, 1),
        index=torch.stack([0.5 + 5.5 * index[:, 0], 0.5 + index[:, 1]], dim=1),
        axis_ratio=uniform(0.2, 1),
        angle=uniform(0, 180),
        x=centre[:, :1].expand(-1, 2).contiguous(),
        y=centre[:, 1:].expand(-1, 2).contiguous(),
    )
