"""Posteriors as ArviZ reads them: joint draws in a tree of datasets, and in a netCDF file.

The tree follows ArviZ's schema (Kumar et al. 2019, doi:10.21105/joss.01143), so that its summaries
and plots take it as it is. Draws are independent: chains are there for diagnostics to see that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from jaxtyping import Float, Float64, Shaped
from torch import Tensor

import gampen
from gampen.catalog import Catalog, Column
from gampen.cutouts import Flag
from gampen.errors import UsageError, extra
from gampen.inference.summaries import Quantity, quantities
from gampen.posterior import Posterior
from gampen.storage.atomic import whole_file

if TYPE_CHECKING:
    import xarray

EXTRA = "interchange"
ENGINE: Final = "h5netcdf"
DRAWN = ("chain", "draw", "galaxy")
DENSITY = {"long_name": "ln of the joint density of the parameters"}

Variables = dict[str, tuple[object, object, dict[str, object]]]
"""Axes, values and attributes by name, as xarray takes them."""


def to_arviz(
    posterior: Posterior,
    draws: int = 250,
    seed: int = 0,
    chains: int = 4,
    known: Catalog | None = None,
    truths: Catalog | None = None,
) -> xarray.DataTree:
    """The tree of `chains` times `draws` joint draws of every galaxy, which is named by its id.

    Groups: `posterior`, one variable a parameter (and magnitude and flux_njy where a zero point is
    known), with units; `sample_stats`, whose `lp` is ln of the joint density of the parameters;
    `constant_data`: the zero points, the columns of numbers of `known`, and of `truths` those that
    bear a variable's name, as `{name}_truth`. Both are matched by `object_id`, NaN where a galaxy
    is missing. Prior, bounds and the metadata of `known` are in the attributes.
    """
    with extra(EXTRA):
        import xarray
    for name, number in {"draws": draws, "chains": chains}.items():
        if number < 1:
            raise UsageError(f"{name} must be at least 1; got {number}")
    places = {"chain": np.arange(chains), "draw": np.arange(draws)}
    places["galaxy"] = np.array(posterior.object_ids, dtype=str)
    drawn = _drawn(posterior, (chains, draws), seed)
    datasets = {name: xarray.Dataset(content, places) for name, content in drawn.items()}
    constants = _constants(posterior, known, truths)
    datasets["constant_data"] = xarray.Dataset(constants, {"galaxy": places["galaxy"]})
    tree = xarray.DataTree.from_dict(datasets)
    tree.attrs = {**(known.metadata if known else {}), **_origin(posterior, seed)}
    tree["posterior"].attrs = {**_origin(posterior, seed), "sample_dims": list(DRAWN[:2])}
    return tree


def write_netcdf(tree: xarray.DataTree, path: Path) -> None:
    """Write a tree as netCDF 4, whole or not at all; ArviZ and xarray read it."""
    with whole_file(path) as temporary, extra(EXTRA):
        tree.to_netcdf(temporary, engine=ENGINE)


def read_netcdf(path: Path) -> xarray.DataTree:
    """The tree in a netCDF file, all of it in memory; `UsageError` where there is none."""
    with extra(EXTRA):
        import xarray
    try:
        with xarray.open_datatree(path, engine=ENGINE) as tree:
            return tree.load()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} must be a netCDF file of groups; got: {error}") from error


def _drawn(posterior: Posterior, shape: tuple[int, int], seed: int) -> dict[str, Variables]:
    """The groups of what is drawn: the values, and the joint density there."""
    values = posterior.draws(shape[0] * shape[1], seed)
    joint = torch.stack([values[name] for name in posterior.space.names], dim=-1)
    found: Variables = {
        quantity.name: (DRAWN, _folded(values[quantity.name], shape), _attributes(quantity))
        for quantity in quantities(posterior)
    }
    density: Variables = {"lp": (DRAWN, _folded(posterior.log_prob(joint), shape), {**DENSITY})}
    return {"posterior": found, "sample_stats": density}


def _folded(
    values: Float[Tensor, "any galaxy"], shape: tuple[int, int]
) -> Float64[np.ndarray, "chain draw galaxy"]:
    """Draws in chains."""
    folded: Float64[np.ndarray, "chain draw galaxy"] = values.reshape(*shape, -1).numpy()
    return folded


def _constants(posterior: Posterior, known: Catalog | None, truths: Catalog | None) -> Variables:
    """What is known of each galaxy, and its true values."""
    zero_point = Column("zero_point", posterior.zero_points.numpy(), "mag", "phot.mag;arith.zp")
    columns = [zero_point, *_known(posterior, known), *_truths(posterior, truths)]
    return {column.name: (DRAWN[2:], column.values, _attributes(column)) for column in columns}


def _known(posterior: Posterior, known: Catalog | None) -> Iterator[Column]:
    """The columns of numbers of a catalogue, in the posterior's order."""
    if known is None:
        return
    for column in known:
        if column.values.ndim == 1 and not column.is_text and column.name != "zero_point":
            yield _matched(column, known, posterior)


def _truths(posterior: Posterior, truths: Catalog | None) -> Iterator[Column]:
    """The true values of the quantities that a catalogue has, in the posterior's order."""
    for quantity in quantities(posterior):
        if truths is not None and quantity.name in truths:
            column = _matched(truths[quantity.name], truths, posterior)
            yield Column(f"{quantity.name}_truth", column.values, quantity.unit, quantity.ucd)


def _matched(column: Column, catalog: Catalog, posterior: Posterior) -> Column:
    """A column of a catalogue in the posterior's order, NaN where it lacks a galaxy."""
    rows = catalog.rows_of(posterior.object_ids.tolist())
    if (rows >= 0).all():
        return column.take(rows)
    values: Shaped[np.ndarray, " galaxy"] = np.append(column.numbers(), np.nan)[rows]
    return Column(column.name, values, column.unit, column.ucd, column.description)


def _attributes(quantity: Quantity | Column) -> dict[str, object]:
    """Unit, meaning and UCD; of flags also the bits, as the CF conventions name them."""
    said = {"units": quantity.unit, "long_name": quantity.description, "ucd": quantity.ucd}
    attributes: dict[str, object] = {name: text for name, text in said.items() if text}
    if quantity.name == "flags":
        attributes["flag_masks"] = np.array([int(flag) for flag in Flag], dtype=np.int32)
        attributes["flag_meanings"] = " ".join(str(flag.name).lower() for flag in Flag)
    return attributes


def _origin(posterior: Posterior, seed: int) -> dict[str, object]:
    """Where the draws come from: no clock is read, so equal draws are equal files."""
    return {
        "inference_library": "gampen",
        "inference_library_version": gampen.__version__,
        "prior": posterior.prior.to_json(),
        "parameters": json.dumps(json.loads(posterior.space.to_json())),
        "draws_seed": seed,
    }
