"""AstroPhot: Levenberg-Marquardt and the covariance that it reports.

Bulge and disk share their centre; their indices have normal priors of the mean and spread of the
range that was drawn from (the range itself, as limits, keeps the fit from converging). AstroPhot's
angles count from +y, in radians.
"""

from __future__ import annotations

import math

import astrophot
import numpy as np
import torch
from brightness import flux_over_brightness, with_fluxes
from rows import COMPONENT, LIMITS, OK, PARAMETERS, Fit, Galaxy, index_sigma, main

PARTS = ("bulge", "disk")
# The order of AstroPhot's parameters, brightness for flux.
STATE = (
    *(f"bulge_{name}" for name in ("axis_ratio", "angle", "index", "effective_radius", "flux")),
    *("x", "y"),
    *(f"disk_{name}" for name in ("axis_ratio", "angle", "index", "effective_radius", "flux")),
    "sky",
)
astrophot.config.DTYPE = torch.float64
astrophot.config.set_logging_output(stdout=False)


def target_of(galaxy: Galaxy) -> astrophot.TargetImage:
    """The image with all that is known of it, in pixels."""
    return astrophot.TargetImage(
        data=galaxy.pixels,
        variance=galaxy.variance,
        mask=galaxy.mask,
        pixelscale=1.0,
        psf=astrophot.PSFImage(data=galaxy.optical_psf),
    )


def sersic(galaxy: Galaxy, part: str, target: astrophot.TargetImage) -> astrophot.Model:
    """One component at its start values."""
    start = galaxy.start_of(part)
    unit = flux_over_brightness(start["index"], start["effective_radius"], start["axis_ratio"])
    return astrophot.Model(
        name=part,
        model_type="sersic galaxy model",
        target=target,
        psf_convolve=True,
        center=[galaxy.start["x"], galaxy.start["y"]],
        n={"value": start["index"], "valid": LIMITS["index"]},
        Re={"value": start["effective_radius"], "valid": LIMITS["effective_radius"]},
        q={"value": start["axis_ratio"], "valid": LIMITS["axis_ratio"]},
        PA=math.radians(start["angle"] - 90) % math.pi,
        Ie=start["flux"] / unit,
    )


def model_of(galaxy: Galaxy) -> astrophot.Model:
    """Bulge and disk with one centre, and a flat sky."""
    target = target_of(galaxy)
    bulge, disk = (sersic(galaxy, part, target) for part in PARTS)
    disk.center = bulge.center
    sky = astrophot.Model(name="sky", model_type="flat sky model", target=target, I0=0.0)
    model = astrophot.Model(
        name="galaxy", model_type="group model", models=[bulge, disk, sky], target=target
    )
    model.initialize()
    return model


def index_prior(model: astrophot.Model) -> astrophot.fit.LMConstraint:
    """A normal prior on both Sersic indices."""
    parts = model.models[:2]
    means = [float(part.n.value) for part in parts]

    def deviations(fitted: astrophot.Model) -> torch.Tensor:
        pairs = zip(fitted.models, means, strict=False)
        return torch.stack([part.n.value - mean for part, mean in pairs])

    sigma = torch.tensor([index_sigma(part) for part in PARTS], dtype=torch.float64)
    return astrophot.fit.LMConstraint(model, deviations, sigma, name="index_prior")


def fit(galaxy: Galaxy) -> Fit:
    """The best fit with its covariance."""
    model = model_of(galaxy)
    found = astrophot.fit.LM(model, verbose=0, constraint=index_prior(model)).fit()
    state = dict(zip(STATE, found.current_state.tolist(), strict=True))
    parts = [component(state, part) for part in PARTS]
    values = {"x": state["x"], "y": state["y"], "sky": state["sky"]}
    for part, each in zip(PARTS, parts, strict=True):
        values |= {f"{part}_{name}": value for name, value in each.items()}
    order = [STATE.index(name) for name in PARAMETERS]
    degrees = np.array([180 / math.pi if name.endswith("angle") else 1.0 for name in PARAMETERS])
    covariance = found.covariance_matrix.numpy()[np.ix_(order, order)] * np.outer(degrees, degrees)
    status = "not converged" if "fail" in found.message else OK
    return Fit(values, with_fluxes(covariance, *parts), status=status)


def component(state: dict[str, float], part: str) -> dict[str, float]:
    """One component with its flux and its angle [degree] from +x."""
    found = {name: state[f"{part}_{name}"] for name in COMPONENT}
    shape = (found["index"], found["effective_radius"], found["axis_ratio"])
    found["flux"] *= flux_over_brightness(*shape)
    found["angle"] = (math.degrees(found["angle"]) + 90) % 180
    return found


if __name__ == "__main__":
    main(fit)
