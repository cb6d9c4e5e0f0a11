"""`gampen import`: a checkpoint of the original GaMPEN becomes an estimator."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float64, Shaped
from torch import Tensor

import gampen
from gampen.calibration.truths import ALIASES
from gampen.catalog import Catalog
from gampen.errors import EstimatorError, UsageError
from gampen.estimator import Estimator
from gampen.network.published import PublishedNetwork, located_side, outputs_of
from gampen.parameters import MORPHOLOGY, Parameter, ParameterSpace
from gampen.settings import PublishedSettings
from gampen.storage.published import read_published, read_split
from gampen.storage.tables import read_catalog
from gampen.verbs.outputs import claim_file

LABELS = ("custom_logit_bt", "ln_R_e_asec", "ln_total_flux_adus")
KNOWN = dict(zip(LABELS, MORPHOLOGY, strict=True))
COLUMNS = {label: (*ALIASES[known.name], known.name) for label, known in KNOWN.items()}
"""From which columns a label is made where it is not in the table itself."""

LOGIT, LOGARITHM = "custom_logit_", "ln_"
SIZES = (239, 143, 96)
"""[pixel] Of the published networks; the weights alone leave a choice of four."""

LARGEST = 2048
MEANING = "as the labels that the imported network was trained on define it"


@dataclass(frozen=True)
class ImportRequest:
    """Which checkpoint, the table of labels that it was trained on, and where to.

    `split`: the name of the training split beside the table, by which labels were standardised;
    without it all rows count. `labels`: the columns of the network's outputs, in its order.
    """

    checkpoint: Path
    scaling: Path
    out: Path
    name: str = "imported"
    split: str | None = None
    labels: tuple[str, ...] = LABELS
    cutout_size: int | None = None
    dropout: float = 0.0


@dataclass(frozen=True)
class Imported:
    """What was written: `cutout_size`, of those `fitting`, and each label's mean and deviation."""

    out: Path
    cutout_size: int
    fitting: tuple[int, ...]
    scale: Mapping[str, tuple[float, float]]


def import_model(request: ImportRequest) -> Imported:
    """Write the network of a checkpoint as an estimator.

    `EstimatorError` where the checkpoint is of no such network, `UsageError` where labels or the
    size of cutouts do not fit it.
    """
    space = ParameterSpace(tuple(parameter_of(label) for label in request.labels))
    weights = read_published(request.checkpoint)
    outputs = len(weights["dense.2.weight"])
    if outputs != outputs_of(len(space)):
        raise UsageError(
            f"labels must be as many as the network's {outputs} outputs are of; got {len(space)}: "
            f"say --labels, in the order of training"
        )
    fitting = fitting_sizes(weights)
    location, spread = scale_of(request)
    settings = PublishedSettings(cutout_size(request.cutout_size, fitting), request.dropout)
    scale = {"location": torch.from_numpy(location), "spread": torch.from_numpy(spread)}
    network = PublishedNetwork(space, settings, weights | scale)
    provenance = {
        "name": request.name,
        "gampen_version": gampen.__version__,
        "imported_from": request.checkpoint.name,
        "imported_sha256": hashlib.sha256(request.checkpoint.read_bytes()).hexdigest(),
        "labels": json.dumps(request.labels),
    }
    Estimator(network, None, provenance).save(claim_file(request.out))
    pairs = zip(location.tolist(), spread.tolist(), strict=True)
    scales = dict(zip(request.labels, pairs, strict=True))
    return Imported(request.out, settings.cutout_size, fitting, scales)


def parameter_of(label: str) -> Parameter:
    """The parameter that a label is a transform of."""
    if label in KNOWN:
        return replace(KNOWN[label], description=MEANING)
    if label.startswith(LOGIT):
        return Parameter(label.removeprefix(LOGIT), 0, 1, description=MEANING)
    if label.startswith(LOGARITHM):
        return Parameter(label.removeprefix(LOGARITHM), 0, description=MEANING)
    return Parameter(label, description=MEANING)


def fitting_sizes(weights: Mapping[str, Tensor]) -> tuple[int, ...]:
    """The sides of cutouts that the weights of the transformer fit: as a rule four."""
    channels, inputs = len(weights["locate.1.weight"]), weights["propose.0.weight"].shape[1]
    return tuple(n for n in range(1, LARGEST) if channels * located_side(n) ** 2 == inputs)


def cutout_size(wanted: int | None, fitting: tuple[int, ...]) -> int:
    """The side of the network's cutouts: as said, or the published one that its weights fit."""
    if not fitting:
        raise EstimatorError("the network must be of cutouts of some size; its weights fit none")
    known = [size for size in SIZES if size in fitting] if wanted is None else [wanted]
    if not known:
        raise UsageError(
            f"the cutout size must be told; the weights fit cutouts of {listed(fitting)} pixels: "
            "say --cutout-size"
        )
    if known[0] not in fitting:
        raise UsageError(
            f"cutout size must be one that the weights fit, {listed(fitting)}; got {wanted}"
        )
    return known[0]


def listed(sizes: tuple[int, ...]) -> str:
    """Sizes as text."""
    return ", ".join(map(str, sizes))


def scale_of(
    request: ImportRequest,
) -> tuple[Float64[np.ndarray, " parameter"], Float64[np.ndarray, " parameter"]]:
    """Mean and standard deviation (of a population) of each label in the training split."""
    table = read_catalog(request.scaling)
    rows = training_rows(request, table)
    location, spread = [], []
    for label in request.labels:
        values = label_values(table, label)[rows]
        if not np.isfinite(values).all():
            raise UsageError(f"{request.scaling}: every {label} must be a number; some are not")
        location.append(values.mean())
        spread.append(values.std())
        if not spread[-1] > 0:
            raise UsageError(f"{request.scaling}: {label} must vary; it is the same in all rows")
    return np.array(location), np.array(spread)


def training_rows(request: ImportRequest, table: Catalog) -> Bool[np.ndarray, " galaxy"]:
    """The rows of a table that are in the training split; all, where none is named.

    `UsageError` unless the whole split is in the table.
    """
    if request.split is None:
        return np.ones(len(table), dtype=bool)
    split = read_split(request.scaling.parent, request.split)
    key = next((n for n in ("object_id", "file_name") if n in table and n in split), None)
    if key is None:
        raise UsageError("table and split must share a column object_id or file_name; they do not")
    there, wanted = (np.array(part[key].text()) for part in (table, split))
    lacking = wanted[~np.isin(wanted, there)]
    if lacking.size or not wanted.size:
        raise UsageError(
            f"every galaxy of the split {request.split!r} must be in {request.scaling}, as labels "
            f"were standardised by all of them; {missed(lacking, wanted, key)}"
        )
    return np.isin(there, wanted)


def missed(
    lacking: Shaped[np.ndarray, " missing"], wanted: Shaped[np.ndarray, " galaxy"], key: str
) -> str:
    """Which galaxies of a split a table lacks, in words."""
    if not wanted.size:
        return "the split names none"
    return f"{len(lacking)} of its {len(wanted)} are not, such as {key} {str(lacking[0])!r}"


def label_values(table: Catalog, label: str) -> Float64[np.ndarray, " galaxy"]:
    """A label of every galaxy, from its own column or the one that it is a transform of."""
    if label in table:
        return table[label].numbers()
    bare = label.removeprefix(LOGIT).removeprefix(LOGARITHM)
    sources = [name for name in COLUMNS.get(label, (bare,)) if name in table]
    if not sources:
        wanted = ", ".join(dict.fromkeys((label, *COLUMNS.get(label, (bare,)))))
        raise UsageError(f"the table must have a column {label} (or one of {wanted}); it has none")
    values = table[sources[0]].numbers()
    if label.startswith(LOGIT):
        return custom_logit(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(values) if label.startswith(LOGARITHM) else values


def custom_logit(values: Float64[np.ndarray, " galaxy"]) -> Float64[np.ndarray, " galaxy"]:
    """The logit as the original has it: exact 0 and 1 stand half-way to their nearest neighbour."""
    inside = values[(values > 0) & (values < 1)]
    if not inside.size:
        raise UsageError("a column must hold values between 0 and 1 for its logit; it holds none")
    values = np.where(values == 0, inside.min() / 2, values)
    values = np.where(values == 1, 1 - (1 - inside.max()) / 2, values)
    with np.errstate(divide="ignore", invalid="ignore"):
        logit: np.ndarray = np.log(values / (1 - values))
    return logit
