"""Networks as the notes of a file describe them, of the weights that it holds."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from torch import Tensor

from gampen.errors import EstimatorError
from gampen.network.network import GampenNetwork
from gampen.network.published import PublishedNetwork
from gampen.parameters import ParameterSpace
from gampen.settings import NetworkSettings, PublishedSettings
from gampen.storage.runfiles import build, plain

PUBLISHED = "published"
"""The key of the notes of a network of the original GaMPEN."""

LARGEST_CROP = 1024  # [pixel]


def notes_of(network: GampenNetwork | PublishedNetwork) -> object:
    """What a file says of a network beside its weights, for `network_of`."""
    notes = plain(network.settings)
    return notes if isinstance(network, GampenNetwork) else {PUBLISHED: notes}


def network_of(
    space: ParameterSpace,
    notes: dict[str, object],
    tensors: Mapping[str, Tensor],
    weights: dict[str, Tensor],
) -> GampenNetwork | PublishedNetwork:
    """The network that a file's notes tell of; `tensors`: all of the file, `weights`: its own."""
    check_numbers(tensors)
    published = notes.get(PUBLISHED)
    if isinstance(published, dict):
        own = build(PublishedSettings, published, "network.")
        return PublishedNetwork(space, own, weights).eval()
    settings = build(NetworkSettings, notes, "network.")
    check_claims(space, settings, tensors)
    network = GampenNetwork(space, settings)
    network.load_state_dict(weights)
    return network.eval().for_convolutions()


def check_numbers(tensors: Mapping[str, Tensor]) -> None:
    """Refuse weights that are no numbers."""
    # A guard's limit is infinite where nothing is unusual.
    weights = [values for name, values in tensors.items() if not name.endswith("limits")]
    if not all(bool(values.isfinite().all()) for values in weights):
        raise EstimatorError("every weight must be a finite number; some are not")


def check_claims(
    space: ParameterSpace, settings: NetworkSettings, tensors: Mapping[str, Tensor]
) -> None:
    """Refuse settings of a network that its weights cannot fill.

    A network is built before its weights are put into it: one that is only claimed could take all
    memory.
    """
    outputs = len(space) * (len(space) + 3) // 2 + 1
    widths = (len(settings.views), *settings.widths)
    layers = 9 * sum(one * next_one for one, next_one in pairwise(widths))
    layers += 18 * settings.blocks * sum(width**2 for width in settings.widths)
    head = settings.hidden**2 + settings.hidden * settings.components * outputs
    held = sum(values.numel() for values in tensors.values())
    if settings.crop_size > LARGEST_CROP or layers + head > held:
        raise EstimatorError("the network that is described must be the one whose weights follow")
