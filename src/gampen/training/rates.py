"""Learning rates by layer: the further from the last part of a network, the lower.

What lies deep is shared by all galaxies that the network ever saw; few labels should move it least
(Howard & Ruder 2018, doi:10.18653/v1/P18-1031).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from torch import nn

BESIDE = (("detail", "profile", "products"),)
"""Parts of one depth: each is told the same measurements."""


Group = dict[str, Any]
"""Weights with their learning rate, as optimisers take them."""


def rated(
    network: nn.Module, weights: Sequence[nn.Parameter], rate: float, decay: float
) -> list[Group]:
    """The weights in groups, by the part of the network that they are of; the last has the rate.

    One group, in their own order, where the rate does not decay.
    """
    if decay == 1:
        return [{"params": list(weights), "lr": rate}]
    chosen, depths = {id(weight) for weight in weights}, depths_of(network)
    groups: dict[int, Group] = {}
    for name, part in network.named_children():
        free = [weight for weight in part.parameters() if id(weight) in chosen]
        group = groups.setdefault(depths[name], {"params": [], "lr": rate * decay ** depths[name]})
        group["params"].extend(free)
    return [group for group in groups.values() if group["params"]]


def depths_of(network: nn.Module) -> dict[str, int]:
    """How far each part of a network is from the last one, parts in the order of their making."""
    depths: dict[str, int] = {}
    steps = count()
    for name, _ in reversed(list(network.named_children())):
        beside = [other for group in BESIDE if name in group for other in group if other in depths]
        depths[name] = depths[beside[0]] if beside else next(steps)
    return depths
