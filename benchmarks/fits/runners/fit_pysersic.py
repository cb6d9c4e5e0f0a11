"""pysersic: Laplace's approximation around the maximum a posteriori, as draws.

Priors are wide and centred on the start values, so that none reads the pixels twice (as pysersic's
own of the flux would do): only the Sersic indices have the range that was drawn from. Its double
Sersic profile has one angle for both components; here each has its own. Its angles count from +y.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from numpyro import distributions
from numpyro.infer import reparam
from rows import INDEX_RANGE, Fit, Galaxy, main

warnings.filterwarnings("ignore", category=FutureWarning)  # arviz announces its next version

from pysersic import FitSingle  # noqa: E402 - after the filter
from pysersic.priors import PySersicSourcePrior  # noqa: E402
from pysersic.rendering import HybridRenderer  # noqa: E402

DRAWS, SEED = 2000, 1
FLUX_SPREAD, CENTRE_SPREAD = 0.5, 2.0  # of the flux's start; [pixel]
RADIUS_SPREAD = 1.0  # of the logarithm
HALF_TURN = np.pi / 2


class OwnAngles(HybridRenderer):
    """The same renderer, with an angle for each component of the double Sersic profile."""

    def render_doublesersic(self, params: dict) -> tuple:
        """The images of both components."""
        shared = {name: params[name] for name in ("xc", "yc")}
        shares = (params["f_1"], 1.0 - params["f_1"])
        images = [
            self.render_sersic(
                shared
                | {
                    "flux": params["flux"] * share,
                    "n": params[f"n_{number}"],
                    "ellip": params[f"ellip_{number}"],
                    "r_eff": params[f"r_eff_{number}"],
                    "theta": params["theta" if number == 1 else "theta_2"],
                }
            )
            for number, share in zip((1, 2), shares, strict=True)
        ]
        return tuple(sum(pair) for pair in zip(*images, strict=True))


def prior_of(galaxy: Galaxy) -> PySersicSourcePrior:
    """Wide priors around the start values."""
    start, scatter = galaxy.start, float(np.sqrt(np.median(galaxy.variance)))
    prior = PySersicSourcePrior("doublesersic", "flat", sky_guess=0.0, sky_guess_err=scatter)
    prior.set_gaussian_prior("flux", start["flux"], FLUX_SPREAD * start["flux"])
    prior.set_gaussian_prior("xc", start["x"], CENTRE_SPREAD)
    prior.set_gaussian_prior("yc", start["y"], CENTRE_SPREAD)
    prior.set_uniform_prior("f_1", 0.0, 1.0)
    angle = np.deg2rad(start["angle"] - 90)
    for number, part in ((1, "bulge"), (2, "disk")):
        median = jnp.log(galaxy.start_of(part)["effective_radius"])
        radius = distributions.TransformedDistribution(
            distributions.Normal(),
            [
                distributions.transforms.AffineTransform(median, RADIUS_SPREAD),
                distributions.transforms.ExpTransform(),
            ],
        )
        prior.set_custom_prior(f"r_eff_{number}", radius, reparam.TransformReparam())
        prior.set_uniform_prior(f"n_{number}", *INDEX_RANGE[part])
        prior.set_uniform_prior(f"ellip_{number}", 0.0, 0.9)
        name = "theta" if number == 1 else "theta_2"
        prior.set_uniform_prior(name, angle - HALF_TURN, angle + HALF_TURN)
    return prior


def fit(galaxy: Galaxy) -> Fit:
    """Draws from Laplace's approximation; their medians as values."""
    fitter = FitSingle(
        data=galaxy.pixels,
        rms=np.sqrt(galaxy.variance),
        psf=galaxy.psf,
        mask=galaxy.mask,
        prior=prior_of(galaxy),
        renderer=OwnAngles,
    )
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
        found = fitter.estimate_posterior(
            jax.random.PRNGKey(SEED), method="laplace", return_model=False, num_sample=DRAWS
        )
    draws = drawn({name: found.idata.posterior[name].values[0] for name in found.idata.posterior})
    medians = {name: float(np.median(values)) for name, values in draws.items()}
    return Fit(medians, draws=np.stack(list(draws.values()), axis=1))


def drawn(raw: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The draws by the names of `PARAMETERS`, in their order."""
    found = {"x": raw["xc"], "y": raw["yc"]}
    shares = {"bulge": raw["f_1"], "disk": 1 - raw["f_1"]}
    for number, part in ((1, "bulge"), (2, "disk")):
        theta = raw["theta" if number == 1 else "theta_2"]
        found |= {
            f"{part}_flux": raw["flux"] * shares[part],
            f"{part}_effective_radius": raw[f"r_eff_{number}"],
            f"{part}_index": raw[f"n_{number}"],
            f"{part}_axis_ratio": 1 - raw[f"ellip_{number}"],
            f"{part}_angle": (np.rad2deg(theta) + 90) % 180,
        }
    return found | {"sky": raw["sky_back"]}


if __name__ == "__main__":
    main(fit)
