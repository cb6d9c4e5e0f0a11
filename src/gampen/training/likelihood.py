"""How likely truths and labels are, by what a network says of their galaxies."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from gampen.network.crop import Crop
from gampen.network.network import GampenNetwork
from gampen.network.recall import Recalled, judge_recalled
from gampen.parameters import ParameterSpace
from gampen.probability.blurring import blurred_log_prob
from gampen.probability.mixtures import GaussianMixture
from gampen.training.batches import Batch


def judged(network: GampenNetwork, batch: Batch) -> tuple[GaussianMixture, Crop | None]:
    """What a network says of a batch, and the crops where it looked at frames."""
    if isinstance(batch.frames, Recalled):
        return judge_recalled(network, batch.frames), None
    crop = network.transformer(batch.frames.pixels)
    return network.judge(batch.frames, crop), crop


def log_likelihood(
    space: ParameterSpace, mixture: GaussianMixture, batch: Batch
) -> Float[Tensor, " galaxy"]:
    """ln of the density at truths, or at labels: with their errors, of those that are known."""
    if batch.errors is None:
        return mixture.log_prob(batch.truth)
    return blurred_log_prob(mixture, batch.truth, spread_of(space, mixture, batch.errors))


def spread_of(
    space: ParameterSpace, mixture: GaussianMixture, errors: Float[Tensor, "galaxy parameter"]
) -> Float[Tensor, "galaxy component parameter"]:
    """Errors of values as those of points, at the mean of each component.

    None of it depends on the label itself, as it must not: what is likely would else follow it.
    """
    return space.first_order(mixture.means, errors.unsqueeze(-2))
