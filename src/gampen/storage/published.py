"""Files of the original GaMPEN: checkpoints of its networks, and splits of its labelled sets.

A checkpoint is a state dict of torch; nothing in it is executed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from gampen.catalog import Catalog
from gampen.errors import EstimatorError, UsageError, reason_of
from gampen.storage.layouts import SPLITS
from gampen.storage.tables import read_catalog

PARALLEL = "module."
"""Before every name, where a network was trained on several devices."""

NESTED = ("state_dict", "model_state_dict", "model")
DROPPED_OUT = (0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40)
PLAIN = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
"""Places of the convolutions among the features, with a dropout before each but the first, or
without."""

FIXED = {
    "localization.0": "locate.0",
    "localization.3": "locate.1",
    "fc_loc.0": "propose.0",
    "fc_loc.2": "propose.1",
    "vgg.classifier.0": "dense.0",
    "vgg.classifier.3": "dense.1",
    "vgg.classifier.6": "dense.2",
}
"""Layers of the original, and what they are called in `gampen.network.published`."""


def read_published(path: Path) -> dict[str, Tensor]:
    """The weights in a checkpoint, by the names of `gampen.network.published.LAYERS`.

    `EstimatorError` where it is no whole state dict of such a network.
    """
    path = Path(path)
    state = state_of(path)
    layers = layers_of(state)
    wanted = {f"{theirs}.{part}": f"{ours}.{part}" for theirs, ours, part in parts_of(layers)}
    missing = sorted(wanted.keys() - state.keys())
    others = sorted(state.keys() - wanted.keys())
    if missing or others:
        found = f"{missing[0]!r} is missing" if missing else f"{others[0]!r} is no part of it"
        raise EstimatorError(
            f"{path} must hold the layers of a published GaMPEN network, and no others; {found}"
        )
    if not all(bool(weight.isfinite().all()) for weight in state.values()):
        raise EstimatorError(f"{path} must hold finite weights; some are not")
    return {ours: state[theirs].float() for theirs, ours in wanted.items()}


def state_of(path: Path) -> dict[str, Tensor]:
    """The tensors in a file by name, without the prefix of parallel training."""
    if not path.is_file():
        raise EstimatorError(f"the checkpoint must be a file; there is none at {path}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its unpickler meets
        raise EstimatorError(
            f"{path} must be a checkpoint of tensors alone, whole; got: {reason_of(error)}"
        ) from error
    for name in NESTED:
        if isinstance(state, Mapping) and isinstance(state.get(name), Mapping):
            state = state[name]
    if not isinstance(state, Mapping) or not state:
        raise EstimatorError(f"{path} must hold a state dict; got {type(state).__name__}")
    if not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items()):
        raise EstimatorError(f"{path} must hold tensors by name; it holds other things")
    return {str(name).removeprefix(PARALLEL): weight for name, weight in state.items()}


def layers_of(state: Mapping[str, Tensor]) -> dict[str, str]:
    """The layers that a checkpoint ought to have, and our names of them."""
    last = f"vgg.features.{DROPPED_OUT[-1]}.weight"
    places = DROPPED_OUT if last in state else PLAIN
    return FIXED | {f"vgg.features.{place}": f"convolutions.{n}" for n, place in enumerate(places)}


def parts_of(layers: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Each layer, with each of the two parts of its weights."""
    for theirs, ours in layers.items():
        for part in ("weight", "bias"):
            yield theirs, ours, part


def read_split(folder: Path, name: str) -> Catalog:
    """The rows of a split, such as `balanced-dev2-train`, of a labelled set of the original's.

    `UsageError` where the folder has none of that name; those that it has are named.
    """
    home = Path(folder) / SPLITS
    path = home / f"{name}.csv"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in home.glob("*.csv"))) or "none"
        raise UsageError(f"the split must be one in {home}: {there}; got {name!r}")
    return read_catalog(path)
