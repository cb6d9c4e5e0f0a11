"""Galaxies of a catalogue are drawn together, by their weights, within the ranges."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from gampen.errors import UsageError
from gampen.settings import CatalogueSettings
from gampen.simulation.laws import prior_of
from gampen.simulation.materials import Materials
from gampen.simulation.populations import Sample
from gampen.simulation.priors import Draw
from gampen.simulation.scenes import BLOCK, Scenes, Simulator
from tiny import SIMULATION

PRIOR = SIMULATION.prior  # magnitudes of 19-21, radii of 0.5-1.5 arcsec
NAMES = ("magnitude", "effective_radius", "bulge_to_total")
TOLD = CatalogueSettings(Path("catalogue.csv"), **dict(zip(NAMES, NAMES, strict=True)))
SETTINGS = replace(SIMULATION, prior=replace(PRIOR, catalogue=TOLD))


def columns(rows=400, seed=0):
    """Galaxies that are the larger the brighter, some of them beyond the ranges."""
    generator = np.random.default_rng(seed)
    magnitude = generator.uniform(18.5, 21.5, rows)
    radius = 10 ** (-0.2 * (magnitude - 20) + generator.normal(0, 0.08, rows))
    ratio = generator.uniform(0.05, 0.95, rows)
    values = (magnitude, radius, ratio)
    return {name: torch.from_numpy(value) for name, value in zip(NAMES, values, strict=True)}


def sample(smoothing=0.0, weight=None, rows=400):
    found = columns(rows)
    weight = torch.ones(rows).double() if weight is None else weight
    return Sample.of(found, weight, PRIOR, smoothing)


def draw_all(one, galaxies=20_000, limits=(0.5, 1.5), seed=0):
    draw = Draw(galaxies, torch.Generator().manual_seed(seed))
    return one.draw(draw, *(torch.full((galaxies,), limit) for limit in limits))


def inside(found):
    keep = (found["magnitude"] - 20).abs() <= 1
    return keep & (found["effective_radius"] >= 0.5) & (found["effective_radius"] <= 1.5)


def test_rows_are_drawn_as_they_are_and_equally_often():
    kept = {name: value[inside(columns())] for name, value in columns().items()}
    one, number = sample(), 40_000
    assert len(one) == len(kept["magnitude"]) < 400
    found = draw_all(one, number)
    places = (found["magnitude"].double()[:, None] - kept["magnitude"]).abs().argmin(dim=1)
    for name in NAMES:
        torch.testing.assert_close(
            found[name].double(), kept[name][places], rtol=1e-5, atol=0, check_dtype=False
        )
    counts = torch.bincount(places, minlength=len(one)).numpy()
    assert stats.chisquare(counts).pvalue > 1e-4


def test_rows_are_drawn_by_their_weights():
    weight = torch.where(columns()["bulge_to_total"] > 0.5, 3.0, 1.0).double()
    weight[columns()["bulge_to_total"] < 0.2] = 0.0
    ratio = draw_all(sample(weight=weight))["bulge_to_total"]
    kept = inside(columns()) & (weight > 0)
    share = float((weight[kept] * (columns()["bulge_to_total"][kept] > 0.5)).sum())
    share /= float(weight[kept].sum())
    assert float(ratio.min()) >= 0.2
    assert abs(float((ratio > 0.5).float().mean()) - share) < 4 * (0.25 / 20_000) ** 0.5


def test_a_galaxy_has_a_radius_between_its_own_limits_with_what_belongs_to_it():
    found = draw_all(sample(), limits=(0.8, 1.0))
    radius, known = found["effective_radius"], columns()
    assert 0.8 <= float(radius.min()) < float(radius.max()) <= 1.0
    kept = inside(known) & (known["effective_radius"] >= 0.8) & (known["effective_radius"] <= 1.0)
    error = float(known["magnitude"][kept].std()) / 20_000**0.5
    mean = float(known["magnitude"][kept].mean())
    assert float(found["magnitude"].mean()) == pytest.approx(mean, abs=4 * error)


def test_where_no_row_fits_the_nearest_is_brought_inside():
    found = draw_all(sample(), 10, limits=(3.0, 3.5))
    assert set(found["effective_radius"].tolist()) == {3.0}


def test_smoothed_galaxies_spread_as_the_bandwidth_says_and_stay_inside():
    rows, smooth = draw_all(sample()), draw_all(sample(smoothing=1.0))
    for name, low, high in (("magnitude", 19, 21), ("effective_radius", 0.5, 1.5)):
        assert low - 1e-5 <= float(smooth[name].min())
        assert float(smooth[name].max()) <= high + 1e-5
        assert len(smooth[name].unique()) > 10_000 > len(rows[name].unique())
    together = [
        torch.stack([one["magnitude"], one["effective_radius"].log()]) for one in (rows, smooth)
    ]
    one, other = (float(torch.corrcoef(values)[0, 1]) for values in together)
    assert one < -0.8
    assert other == pytest.approx(one, abs=0.06)


def test_a_kernel_is_the_covariance_times_scotts_bandwidth():
    one = sample(smoothing=0.5)
    known = torch.stack(
        [columns()["magnitude"], columns()["effective_radius"].log(), columns()["bulge_to_total"]]
    )[:, inside(columns())]
    expected = torch.cov(known) * (0.5 * len(one) ** (-1 / 7)) ** 2
    torch.testing.assert_close(one.kernel @ one.kernel.mT, expected)


def test_scenes_hold_the_galaxies_of_the_catalogue_in_every_observation():
    materials = Materials(sample=sample())
    one = Simulator(SETTINGS, 1, materials)
    first, again = (Scenes.cat([one.block(n, 48, o) for n in range(4)]) for o in (0, 1))
    known = columns()
    for scenes in (first, again):
        magnitude = 27 - 2.5 * scenes.values["flux"].double().log10()
        row = (magnitude[:, None] - known["magnitude"]).abs().argmin(dim=1)
        radius = 0.2 * scenes.values["effective_radius"].double()
        torch.testing.assert_close(radius, known["effective_radius"][row], rtol=1e-4, atol=0)
        ratio = scenes.values["bulge_to_total"].double()
        torch.testing.assert_close(ratio, known["bulge_to_total"][row], rtol=1e-4, atol=0)
    assert torch.equal(first.values["flux"], again.values["flux"])
    assert not torch.equal(first.images, again.images)
    assert torch.equal(one.part_of_batch(0, 2 * BLOCK, range(5, 9)).images, first.images[5:9])


def test_a_joint_law_is_not_told_as_laws_of_single_parameters():
    assert not {"flux", "effective_radius", "bulge_to_total"} & {*prior_of(SETTINGS.prior).laws}
    assert "disk_index" in prior_of(SETTINGS.prior).laws


def test_values_that_are_not_known_or_beyond_the_ranges_are_left_out():
    found = columns()
    found["magnitude"][::2] = torch.nan
    one = Sample.of(found, torch.ones(400).double(), PRIOR, 0.0)
    assert len(one) == int(inside(found).sum())
    found["magnitude"][:] = 25.0
    with pytest.raises(UsageError, match="two galaxies or more within the prior's ranges"):
        Sample.of(found, torch.ones(400).double(), PRIOR, 0.0)
