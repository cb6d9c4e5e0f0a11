"""Posteriors as rows of 32-bit numbers, for a column of a catalogue.

A row holds the ln of the weights, then the means, then the lower triangles of the precision factors
(row by row), component after component, and last the lower triangle of the epistemic covariance.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor

from gampen.errors import UsageError
from gampen.parameters import ParameterSpace
from gampen.prior import Prior
from gampen.probability.mixtures import GaussianMixture

_KEY = "posterior"  # in a catalogue's metadata


def description(space: ParameterSpace, components: int, prior: Prior) -> dict[str, str]:
    """What a catalogue's metadata must say of its packed rows, for `described` to read."""
    parts = {"space": json.loads(space.to_json()), "prior": json.loads(prior.to_json())}
    return {_KEY: json.dumps({"components": components, **parts})}


def described(metadata: Mapping[str, str]) -> tuple[ParameterSpace, int, Prior]:
    """The parameters, number of components and prior of packed rows; `UsageError` if not given."""
    if _KEY not in metadata:
        raise UsageError(
            f"a catalogue of packed posteriors must describe them in its metadata under {_KEY!r}; "
            f"got {', '.join(metadata) or 'no metadata'}; use a format that keeps metadata"
        )
    found = json.loads(metadata[_KEY])
    prior = Prior.from_json(json.dumps(found.get("prior", {})))
    return ParameterSpace.from_json(json.dumps(found["space"])), int(found["components"]), prior


def packed_width(components: int, parameters: int) -> int:
    """The number of 32-bit numbers that hold one galaxy's posterior."""
    triangle = parameters * (parameters + 1) // 2
    return components * (1 + parameters + triangle) + triangle


def pack(
    mixture: GaussianMixture, epistemic: Float[Tensor, "galaxy parameter parameter"]
) -> Float32[Tensor, "galaxy width"]:
    """The mixtures and epistemic covariances, one row a galaxy."""
    row, column = torch.tril_indices(mixture.parameters, mixture.parameters)
    factors = mixture.precision_cholesky[..., row, column]
    parts = (mixture.log_weights, mixture.means, factors, epistemic[:, row, column])
    return torch.cat([part.flatten(1) for part in parts], dim=1).to(torch.float32)


def unpack(
    packed: Float[Tensor, "galaxy width"], components: int, parameters: int
) -> tuple[GaussianMixture, Float64[Tensor, "galaxy parameter parameter"]]:
    """The mixtures and epistemic covariances that `pack` wrote; `UsageError` for another width."""
    width = packed_width(components, parameters)
    if packed.shape[1] != width:
        raise UsageError(
            f"a packed posterior of {components} components and {parameters} parameters must have "
            f"{width} numbers a galaxy; got {packed.shape[1]}; read the metadata of the same file"
        )
    triangle = parameters * (parameters + 1) // 2
    widths = [components, components * parameters, components * triangle, triangle]
    parts = torch.split_with_sizes(packed.to(torch.float64), widths, dim=1)
    weights, means, factors, epistemic = parts
    mixture = GaussianMixture(
        # Rounding to 32 bits leaves a sum of weights that is not quite one.
        torch.log_softmax(weights, dim=-1),
        means.reshape(-1, components, parameters),
        _square(factors.reshape(-1, components, triangle), parameters),
    )
    lower = _square(epistemic, parameters)
    return mixture, lower + lower.tril(-1).mT


def _square(
    entries: Float64[Tensor, "*any triangle"], parameters: int
) -> Float64[Tensor, "*any parameter parameter"]:
    """The lower triangular matrices with these entries, row by row."""
    row, column = torch.tril_indices(parameters, parameters)
    square = entries.new_zeros((*entries.shape[:-1], parameters, parameters))
    square[..., row, column] = entries
    return square
