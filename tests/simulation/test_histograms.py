"""Quantities drawn from histograms follow them, between any limits."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats

from gampen.errors import UsageError
from gampen.prior import Histogram
from gampen.settings import Brightness, GalaxyModel, HistogramSettings, PriorSettings
from gampen.simulation.histograms import Cumulative
from gampen.simulation.laws import prior_of
from gampen.simulation.scenes import BLOCK, Scenes, Simulator
from tiny import SIMULATION

FAINT = HistogramSettings("magnitude", (17.0, 19.5, 20.0, 20.5, 24.0), (3.0, 1.0, 0.0, 7.0))
SIZES = HistogramSettings("effective_radius", (0.3, 0.6, 1.0, 2.0), (1.0, 5.0, 2.0))
ROUND = HistogramSettings("disk_axis_ratio", (0.0, 0.5, 0.8, 1.0), (1.0, 1.0, 2.0))


def expected(histogram, low, high, edges):
    """The share in each bin of other edges, by counting a fine grid."""
    logarithmic = histogram.quantity == "effective_radius"
    fine = np.concatenate(
        [
            np.geomspace(a, b, 4001) if logarithmic else np.linspace(a, b, 4001)
            for a, b in pairwise(histogram.edges)
        ]
    )
    weight = np.repeat(np.array(histogram.counts), 4001)
    inside = (fine >= low) & (fine <= high)
    found, _ = np.histogram(fine[inside], edges, weights=weight[inside])
    return found / found.sum()


@pytest.mark.parametrize(
    ("histogram", "low", "high"),
    [(FAINT, 17.0, 24.0), (FAINT, 19.0, 21.0), (SIZES, 0.4, 1.7), (ROUND, 0.2, 1.0)],
)
def test_draws_are_as_many_in_each_bin_as_the_histogram_has(histogram, low, high):
    number = 40_000
    share = torch.rand(number, generator=torch.Generator().manual_seed(1))
    ends = torch.full((number,), low), torch.full((number,), high)
    values = Cumulative.of(histogram).between(*ends, share).numpy()
    assert low * 0.999999 <= values.min()
    assert values.max() <= high * 1.000001
    edges = np.linspace(low, high, 8)
    edges[0], edges[-1] = edges[0] * 0.999, edges[-1] * 1.001
    counts, _ = np.histogram(values, edges)
    share_of = expected(histogram, low, high, edges)
    assert (counts[share_of == 0] == 0).all()
    few = share_of > 0
    assert stats.chisquare(counts[few], number * share_of[few]).pvalue > 1e-4


def test_limits_between_which_there_is_nothing_give_the_lower_one():
    low, high = torch.tensor([20.1, 30.0, 20.4]), torch.tensor([20.4, 31.0, 20.2])
    found = Cumulative.of(FAINT).between(low, torch.maximum(low, high), torch.full((3,), 0.5))
    torch.testing.assert_close(found, low)


def drawn(**prior):
    one = Simulator(replace(SIMULATION, prior=replace(SIMULATION.prior, **prior)), 3)
    return Scenes.cat([one.block(number, 48) for number in range(12)])


def test_galaxies_follow_histograms_within_the_priors_ranges():
    scenes = drawn(histograms=(FAINT, SIZES, ROUND), effective_radius=(0.4, 1.5))
    magnitude = 27 - 2.5 * scenes.values["flux"].log10()
    assert float(magnitude.min()) >= 19.0 - 1e-4
    assert float(magnitude.max()) <= 21.0 + 1e-4
    assert not bool(((magnitude > 20.001) & (magnitude < 20.499)).any())
    # 0.2 of 1 and 1.0 of 7 parts are between 19 and 19.5, and between 20.5 and 21: 3/5, 1, 1
    share = float((magnitude > 20.4).float().mean())
    assert abs(share - 1 / 2.6) < 4 * (0.25 / (12 * BLOCK)) ** 0.5
    radius = 0.2 * scenes.values["effective_radius"]
    middle = float(((radius > 0.6) & (radius < 1.0)).float().mean())
    parts = np.log(0.6 / 0.4) / np.log(2), 5, 2 * np.log(1.5) / np.log(2)
    assert abs(middle - 5 / sum(parts)) < 4 * (0.25 / (12 * BLOCK)) ** 0.5


def test_radii_stay_within_what_their_frames_leave():
    scenes = drawn(histograms=(SIZES,), effective_radius=(0.4, 1.9), radius_over_frame=0.1)
    assert float(scenes.values["effective_radius"].max()) <= 4.8 + 1e-5


def test_a_law_is_told_where_it_is_one_of_a_parameter():
    laws = prior_of(replace(SIMULATION.prior, histograms=(FAINT, SIZES, ROUND))).laws
    assert not {"flux", "effective_radius", "disk_elongation_1", "disk_elongation_2"} & {*laws}
    assert laws["disk_axis_ratio"] == Histogram((0.2, 0.5, 0.8, 1.0), (0.6, 1.0, 2.0))
    assert {"bulge_to_total", "bulge_index"} <= {*laws}


@pytest.mark.parametrize(
    ("quantity", "edges", "counts"),
    [
        ("colour", (1.0, 2.0), (1.0,)),
        ("magnitude", (2.0, 1.0), (1.0,)),
        ("magnitude", (1.0, 2.0), (1.0, 2.0)),
        ("magnitude", (1.0, 2.0), (0.0,)),
        ("magnitude", (1.0, 2.0, 3.0), (1.0, -1.0)),
        ("effective_radius", (0.0, 2.0), (1.0,)),
    ],
)
def test_bins_that_are_none_are_refused(quantity, edges, counts):
    with pytest.raises(UsageError, match=r"a histogram's quantity|must have rising edges"):
        HistogramSettings(quantity, edges, counts)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"histograms": (FAINT, FAINT)}, "magnitude must have one law"),
        ({"histograms": (FAINT,), "magnitude": (20.1, 20.4)}, "must have galaxies within its"),
        ({"histograms": (FAINT,), "brightness": Brightness.FLUX}, "brightness must be 'magnitude'"),
        ({"histograms": (ROUND,), "model": GalaxyModel.SERSIC}, "must be of what the model"),
    ],
)
def test_a_prior_has_one_law_of_each_quantity(changes, reason):
    with pytest.raises(UsageError, match=reason):
        replace(PriorSettings(), **changes)
