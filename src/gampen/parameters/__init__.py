"""Parameters, their space, and those that simulations know of by name."""

from gampen.parameters.built_in import (
    BUILT_IN,
    BULGE_TO_TOTAL,
    EFFECTIVE_RADIUS,
    FLUX,
    MORPHOLOGY,
    space_of,
)
from gampen.parameters.space import Parameter, ParameterSpace

__all__ = [
    "BUILT_IN",
    "BULGE_TO_TOTAL",
    "EFFECTIVE_RADIUS",
    "FLUX",
    "MORPHOLOGY",
    "Parameter",
    "ParameterSpace",
    "space_of",
]
