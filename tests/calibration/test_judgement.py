"""What is said of a parameter is what was done to it, at few galaxies and at many."""

import math

import numpy as np
import pytest

from arms import CALIBRATED, CAUTIOUS, OVERCONFIDENT, arm
from gampen.calibration.battery import Battery
from gampen.calibration.judgement import Fault, judge, smallest_width, width_factor
from gampen.calibration.null import Null

NAMED = {CALIBRATED: (), CAUTIOUS: (Fault.CAUTIOUS,), OVERCONFIDENT: (Fault.OVERCONFIDENT,)}


@pytest.mark.parametrize("galaxies", [500, 5000])
@pytest.mark.parametrize("stretch", [CALIBRATED, CAUTIOUS, OVERCONFIDENT])
def test_a_width_is_named_and_measured(stretch, galaxies):
    posterior, truth = arm(stretch, galaxies)
    for each in judge(Battery.of(posterior, truth, {})):
        assert each.faults == NAMED[stretch]
        assert each.passed == (stretch == CALIBRATED)
        # The 68.27 % quantile of a half-normal, whose standard error is 0.83 over the root of N.
        expected = 1 / math.sqrt(stretch)
        assert each.width == pytest.approx(expected, rel=4 * 0.97 / math.sqrt(galaxies))


def test_a_bias_is_named_with_its_side_and_no_other_fault():
    posterior, truth = arm(CALIBRATED, 5000)
    deviation = posterior.mixture.covariance.diagonal(dim1=-2, dim2=-1).sqrt().numpy()
    shifted = truth.copy()
    shifted[:, 2] *= np.exp(-0.2 * deviation[:, 2])
    found = judge(Battery.of(posterior, shifted, {}))
    assert [each.faults for each in found][:2] == [(), ()]
    assert Fault.BIASED in found[2].faults
    assert found[2].bias == pytest.approx(-0.2, abs=4 / math.sqrt(5000))


def test_what_would_not_be_noticed_shrinks_with_the_root_of_the_number():
    few, many = (judge(Battery.of(*arm(CALIBRATED, number), {}))[1] for number in (100, 900))
    assert few.smallest_width == pytest.approx(3 * many.smallest_width)
    assert few.smallest_bias == pytest.approx(3 * many.smallest_bias)


def test_tails_that_hide_a_width_from_scores_do_not_hide_it_from_coverage():
    null = Null(galaxies=2000, parameters=3)
    gaussian, heavy = smallest_width(null, 3.0), smallest_width(null, 3000.0)
    # 68.27 % of 2,000 is off by four standard errors at most; a width moves it by 0.484 of itself.
    assert null.deviation(3000.0) > 1
    assert 0.03 < gaussian < heavy < 4 * math.sqrt(0.6827 * 0.3173 / 2000) / 0.484


def test_ranks_of_a_gaussian_give_its_width():
    from scipy import stats

    z = stats.norm.ppf((np.arange(10_000) + 0.5) / 10_000)
    for width in (0.5, 1.0, 1.7):
        assert width_factor(stats.norm.cdf(width * z)) == pytest.approx(width, rel=1e-3)
