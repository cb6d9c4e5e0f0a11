"""The table of levels holds what it promises, to the last galaxy."""

import json
import math

import numpy as np
import pytest

from gampen.calibration.conformal import KEY, SHARES, CredibleLevels
from gampen.errors import UsageError


def table(galaxies, seed=0, power=1.0):
    """A table from levels that are those of true posteriors where the power is 1."""
    return CredibleLevels.of(np.random.default_rng(seed).uniform(size=galaxies) ** power)


@pytest.mark.parametrize(("galaxies", "share"), [(19, 0.9), (37, 0.5), (99, 0.95)])
@pytest.mark.parametrize("power", [0.3, 1.0, 3.0])
def test_one_more_galaxy_is_inside_as_often_as_is_asked_for(galaxies, share, power):
    tables, more = 1000, np.random.default_rng(1).uniform(size=1000) ** power
    levels = [table(galaxies, 100 + seed, power).level_of(share) for seed in range(tables)]
    exact = math.ceil((galaxies + 1) * share - 1e-9) / (galaxies + 1)
    error = math.sqrt(exact * (1 - exact) / tables)
    assert abs(np.mean(more <= levels) - exact) < 4 * error
    # The quantile among n galaxies themselves, without the one more, holds less than is asked for.
    assert exact >= share > math.floor(galaxies * share) / (galaxies + 1)


def test_where_there_are_too_few_galaxies_the_region_is_all_there_is():
    assert table(18).level_of(0.95) == 1
    assert table(19).level_of(0.95) < 1


def test_true_posteriors_have_nearly_the_levels_asked_for():
    found = table(40_000)
    # Kolmogorov's distance: 1.95 / sqrt(n) once in a thousand.
    np.testing.assert_allclose(found.level, SHARES, atol=1.95 / 200)


def test_the_way_back_is_the_way_there():
    found = table(5000, power=2.0)
    for share in (0.0, 0.005, 0.123, 0.5, 0.9545, 0.9973, 1.0):
        assert found.share_of(np.array([found.level_of(share)]))[0] == pytest.approx(share)
    levels = np.linspace(0, 1, 11)
    assert (np.diff(found.share_of(levels)) > 0).all()


def test_levels_of_overconfident_posteriors_are_drawn_out_and_of_cautious_ones_drawn_in():
    assert table(5000, power=0.5).level_of(0.68) > 0.75
    assert table(5000, power=2.0).level_of(0.68) < 0.55


def test_a_catalogue_keeps_it():
    found = table(300)
    again = CredibleLevels.of_metadata({"other": "", **found.metadata})
    assert np.array_equal(again.level, found.level)
    assert np.array_equal(again.share, found.share)
    assert again.galaxies == 300
    assert CredibleLevels.of_metadata({"other": ""}) is None
    assert json.loads(found.metadata[KEY])["galaxies"] == 300


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_shares_that_are_none_are_refused(share):
    with pytest.raises(UsageError, match="from 0 to 1"):
        table(50).level_of(share)


def test_tables_that_do_not_rise_are_refused():
    for level in ([0.2, 0.1], [0.1, 1.2], [-0.1, 0.2]):
        with pytest.raises(UsageError, match="must rise"):
            CredibleLevels(np.array([0.1, 0.2]), np.array(level), 10)
