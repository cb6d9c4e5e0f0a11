"""Files of a survey of one's own: images of PSFs, and run files that name them."""

from dataclasses import replace

import galsim
import numpy as np
from astropy.io import fits

from gampen.storage.runfiles import emit, plain
from tiny import NETWORK, SIMULATION, TRAINING

MEASURED = {
    "psf_images": ("psf_fwhm", "psf_beta", "psf_families"),
    "sky_images": ("sky_sigma", "noise_correlation"),
}
WIDTHS = (3.2, 3.9, 4.4)  # [pixel]


def write_image(path, pixels):
    """A FITS file of one image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.writeto(path, np.asarray(pixels, dtype=np.float32), overwrite=True)
    return path


def star(fwhm, g1=0.0, side=35, offset=(0.0, 0.0)):
    """The image of a PSF with wings."""
    profile = galsim.Moffat(beta=3.0, fwhm=fwhm).shear(g1=g1, g2=0.03)
    return 200 * profile.drawImage(nx=side, ny=side, scale=1, offset=offset).array


def write_stars(folder, widths=WIDTHS):
    """Images of PSFs of these widths, none of them quite in the middle of its own."""
    for place, fwhm in enumerate(widths):
        image = star(fwhm, g1=0.03 * place, side=35 - 2 * place, offset=(0.2, -0.3 * place))
        write_image(folder / f"star-{place}.fits", image)


def write_skies(folder, sigmas=(0.03, 0.04), side=160, level=2.0):
    """Images of sky, their noise alike along rows, with a star and a dead pixel each."""
    generator = np.random.default_rng(5)
    y, x = np.indices((side, side))
    for place, sigma in enumerate(sigmas):
        white = generator.normal(size=(side, side + 1))
        noise = sigma * (white[:, :-1] + white[:, 1:]) / 2**0.5
        light = 5 * np.exp(-0.5 * ((y - 30) ** 2 + (x - 40 - 50 * place) ** 2) / 3)
        image = level + noise + light
        image[90, 100] = np.nan
        write_image(folder / f"sky-{place}.fits", image)


def tables(simulation, **survey):
    """A simulation as tables, its survey with other keys; what is measured is left out."""
    found = plain(simulation)
    for key in survey:
        for measured in MEASURED.get(key, ()):
            found["survey"].pop(measured, None)
    found["survey"] |= survey
    del found["prior"]["histograms"]
    return found


def write_simulation(path, simulation=SIMULATION, **survey):
    """A run file of a simulation."""
    lines = [f"{key} = {emit(value)}" for key, value in tables(simulation, **survey).items()]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_run(path, steps=TRAINING.steps, **survey):
    """A run file of a few small steps."""
    parts = {
        "simulation": tables(SIMULATION, **survey),
        "network": plain(NETWORK),
        "training": plain(replace(TRAINING, steps=steps)),
    }
    path.write_text("\n".join(f"{key} = {emit(value)}" for key, value in parts.items()) + "\n")
    return path
