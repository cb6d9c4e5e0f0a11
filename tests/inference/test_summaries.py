"""The columns of a catalogue: their names, units and values."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from gampen.inference.summaries import summarise
from gampen.parameters import BUILT_IN, ParameterSpace
from gampen.posterior import Posterior
from strategies import random_posterior
from tiny import paired_posterior

STATISTICS = [
    "median",
    "mean",
    "mode",
    "std",
    "skewness",
    "kurtosis",
    "lo68",
    "hi68",
    "lo95",
    "hi95",
    "lo997",
    "hi997",
    "hdi68",
]
ZERO_POINTS = torch.tensor([27.0, math.nan, 22.5, 31.4], dtype=torch.float64)


def columns_of(posterior):
    """The columns by name."""
    return {column.name: column for column in summarise(posterior)}


def test_the_columns_are_those_of_the_design_in_their_order():
    names = [column.name for column in summarise(random_posterior(3))]
    parameters = ["bulge_to_total", "effective_radius", "flux"]
    quantities = [*parameters, "magnitude", "flux_njy"]
    assert names == [
        *(f"{quantity}_{statistic}" for quantity in quantities for statistic in STATISTICS),
        "corr_bulge_to_total_effective_radius",
        "corr_bulge_to_total_flux",
        "corr_effective_radius_flux",
        *(f"{parameter}_epistemic_fraction" for parameter in parameters),
        "p_disk_dominated",
        "p_bulge_dominated",
        "category",
        "zero_point",
        "mixture",
    ]


def test_without_any_zero_point_magnitudes_are_nan():
    columns = columns_of(random_posterior(3))
    for name in ("magnitude", "flux_njy"):
        assert all(
            np.isnan(columns[f"{name}_{statistic}"].values).all() for statistic in STATISTICS
        )


def test_with_some_zero_points_the_other_rows_are_nan():
    columns = columns_of(random_posterior(4, zero_points=ZERO_POINTS))
    for name in ("magnitude", "flux_njy"):
        for statistic in STATISTICS[:-1]:
            found = np.isnan(columns[f"{name}_{statistic}"].values)
            assert found.tolist() == [False, True, False, False]
    assert columns["magnitude_median"].unit == "mag"
    assert columns["flux_njy_std"].unit == "nJy"


def test_the_values_are_those_of_the_posterior():
    posterior = random_posterior(4, zero_points=ZERO_POINTS)
    columns = columns_of(posterior)
    for index, name in enumerate(posterior.space.names):
        for statistic in ("median", "mean", "mode", "std", "skewness", "kurtosis"):
            expected = getattr(posterior, statistic)[:, index].numpy()
            np.testing.assert_allclose(columns[f"{name}_{statistic}"].values, expected, rtol=1e-6)
    for label, level in (("68", 0.6827), ("95", 0.9545), ("997", 0.9973)):
        low, high = posterior["flux"].interval(level).numpy().T
        np.testing.assert_allclose(columns[f"flux_lo{label}"].values, low, rtol=1e-6)
        np.testing.assert_allclose(columns[f"flux_hi{label}"].values, high, rtol=1e-6)
    segments = posterior["bulge_to_total"].hdi(0.6827).reshape(4, 8).numpy()
    np.testing.assert_allclose(columns["bulge_to_total_hdi68"].values, segments, rtol=1e-6)
    correlation = posterior.correlation[:, 0, 2].numpy()
    np.testing.assert_allclose(columns["corr_bulge_to_total_flux"].values, correlation, rtol=1e-5)
    disk = posterior.probability("bulge_to_total", below=0.4).numpy()
    np.testing.assert_allclose(columns["p_disk_dominated"].values, disk, rtol=1e-6)


def test_every_number_is_kept_in_32_bits():
    columns = summarise(random_posterior(4, zero_points=ZERO_POINTS))
    kinds = {column.values.dtype for column in columns if column.name != "category"}
    assert kinds == {np.dtype(np.float32)}


def test_the_packed_mixture_leads_back_to_the_posterior():
    posterior = random_posterior(3)
    packed = torch.from_numpy(columns_of(posterior)["mixture"].values)
    again = Posterior.unpack(
        packed, posterior.metadata, posterior.object_ids, posterior.zero_points
    )
    torch.testing.assert_close(again.median, posterior.median, rtol=1e-5, atol=1e-6)


def test_a_space_without_a_bulge_has_no_kinds_of_galaxy():
    posterior = random_posterior(3).marginal("effective_radius", "flux")
    assert "p_disk_dominated" not in columns_of(posterior)


def test_units_and_ucds_are_valid():
    ucd = pytest.importorskip("astropy.io.votable.ucd")
    units = pytest.importorskip("astropy.units")
    for column in summarise(random_posterior(4, zero_points=ZERO_POINTS)):
        assert ucd.check_ucd(column.ucd, check_controlled_vocabulary=True), column.ucd
        units.Unit(column.unit, format="vounit")
        assert column.description


def test_no_galaxies_have_columns_without_rows():
    columns = summarise(random_posterior(2).select(slice(0, 0)))
    assert {len(column) for column in columns} == {0}


def test_the_summary_of_a_galaxy_takes_a_few_milliseconds_at_most():
    posterior = random_posterior(300)
    start = time.process_time()
    summarise(posterior)
    # Half a millisecond with shapes unchecked; the bound leaves room for a slow and busy machine.
    assert (time.process_time() - start) / 300 < 0.01


def test_a_pair_brings_its_axis_ratio_and_its_angle_behind_the_parameters():
    posterior = paired_posterior(4)
    columns = columns_of(posterior)
    names = list(columns)
    first = names.index("disk_axis_ratio_median")
    assert names[first - 1] == "flux_njy_hdi68"
    intervals = [f"{end}{label}" for label in ("68", "95", "997") for end in ("lo", "hi")]
    assert names[first : first + 17] == [
        *(f"disk_axis_ratio_{name}" for name in ("median", "mean", "std", *intervals)),
        *(f"disk_position_angle_{name}" for name in ("mean", "std", *intervals)),
    ]
    ellipse = posterior.ellipse("disk_")
    low, high = ellipse.position_angle.interval(0.6827).T.float().numpy()
    np.testing.assert_allclose(columns["disk_position_angle_lo68"].values, low, rtol=1e-6)
    np.testing.assert_allclose(columns["disk_position_angle_hi68"].values, high, rtol=1e-6)
    ratio = ellipse.axis_ratio.ppf(0.97725).float().numpy()
    np.testing.assert_allclose(columns["disk_axis_ratio_hi95"].values, ratio, rtol=1e-4)
    assert columns["disk_position_angle_std"].unit == "deg"


def test_an_axis_ratio_that_is_a_parameter_itself_has_one_set_of_columns():
    names = ("flux", "disk_axis_ratio", "disk_elongation_1", "disk_elongation_2")
    space = ParameterSpace(tuple(BUILT_IN[name] for name in names))
    posterior = replace(paired_posterior(4), space=space)
    found = [column.name for column in summarise(posterior)]
    assert len(found) == len(set(found))
    assert "disk_axis_ratio_mode" in found
