"""gampen: the posterior of every galaxy's morphology, from its image.

>>> from gampen import Estimator, load_cutouts
>>> posterior = Estimator.load("universal").predict(load_cutouts("examples/hsc"))
>>> posterior.select([0])["effective_radius"].interval(0.68).shape  # low and high [arcsec]
torch.Size([1, 2])
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0.dev0"

_HOMES = {
    "Catalog": "gampen.catalog",
    "Column": "gampen.catalog",
    "Cutout": "gampen.cutouts",
    "Cutouts": "gampen.cutouts",
    "Estimator": "gampen.estimator",
    "EstimatorError": "gampen.errors",
    "Flag": "gampen.cutouts",
    "GalaxyError": "gampen.errors",
    "GampenError": "gampen.errors",
    "MORPHOLOGY": "gampen.parameters",
    "Histogram": "gampen.prior",
    "LogNormal": "gampen.prior",
    "LogUniform": "gampen.prior",
    "Normal": "gampen.prior",
    "Parameter": "gampen.parameters",
    "ParameterSpace": "gampen.parameters",
    "Posterior": "gampen.posterior",
    "Prior": "gampen.prior",
    "Scaling": "gampen.settings",
    "TrainingError": "gampen.errors",
    "Uniform": "gampen.prior",
    "UsageError": "gampen.errors",
    "load_cutouts": "gampen.storage.sources",
}

__all__ = [
    "MORPHOLOGY",
    "Catalog",
    "Column",
    "Cutout",
    "Cutouts",
    "Estimator",
    "EstimatorError",
    "Flag",
    "GalaxyError",
    "GampenError",
    "Histogram",
    "LogNormal",
    "LogUniform",
    "Normal",
    "Parameter",
    "ParameterSpace",
    "Posterior",
    "Prior",
    "Scaling",
    "TrainingError",
    "Uniform",
    "UsageError",
    "load_cutouts",
]

if TYPE_CHECKING:
    from gampen.catalog import Catalog, Column
    from gampen.cutouts import Cutout, Cutouts, Flag
    from gampen.errors import EstimatorError, GalaxyError, GampenError, TrainingError, UsageError
    from gampen.estimator import Estimator
    from gampen.parameters import MORPHOLOGY, Parameter, ParameterSpace
    from gampen.posterior import Posterior
    from gampen.prior import Histogram, LogNormal, LogUniform, Normal, Prior, Uniform
    from gampen.settings import Scaling
    from gampen.storage.sources import load_cutouts


def __getattr__(name: str) -> object:
    """A public name, loaded on first use: the package itself loads nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'gampen' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return [*globals(), *_HOMES]
