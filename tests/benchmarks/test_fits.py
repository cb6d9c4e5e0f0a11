"""Facts about the head-to-head with fits that need none of the fitting codes."""

import importlib
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.fits.metrics import Scores, coverage, crps, log_score, unbound
from benchmarks.fits.moments import Moments, half_light, others, own_segment
from benchmarks.fits.propagation import covariance_of, normal_draws, targets_of
from benchmarks.fits.runners.rows import OK, PARAMETERS, Fit, Results, attempt
from benchmarks.fits.scenes import optical_psf, seen_psf

from gampen.rendering.psf import Gaussian

ROOT = Path(__file__).parent.parent.parent
SIDE = 61
PIXEL_VARIANCE = 1 / 12


def components(**changes):
    """A bulge and a disk of equal flux, as a row of parameters."""
    part = {"flux": 50.0, "effective_radius": 4.0, "index": 1.0, "axis_ratio": 1.0, "angle": 0.0}
    values = {"x": 0.0, "y": 0.0, "sky": 0.0}
    values |= {f"{name}_{key}": v for name in ("bulge", "disk") for key, v in part.items()}
    return np.array([{**values, **changes}[name] for name in PARAMETERS])


def ellipse(sigma_major, sigma_minor, degrees):
    rows, columns = np.indices((SIDE, SIDE)) - SIDE // 2
    angle = math.radians(degrees)
    along = columns * math.cos(angle) + rows * math.sin(angle)
    across = rows * math.cos(angle) - columns * math.sin(angle)
    return np.exp(-(along**2) / (2 * sigma_major**2) - across**2 / (2 * sigma_minor**2))


def normal(galaxies, draws, width, seed=1):
    """Truths from a standard normal, and draws from one of another width."""
    generator = np.random.default_rng(seed)
    mean, truth = generator.standard_normal((2, galaxies))
    return mean[:, None] + width * generator.standard_normal((galaxies, draws)), mean + truth


@pytest.mark.parametrize("degrees", [0, 30, 90, 150])
def test_moments_count_angles_from_the_rows_direction(degrees):
    found = Moments.of(ellipse(6, 3, degrees), np.ones((SIDE, SIDE), dtype=bool), psf_fwhm=0.1)
    assert math.sin(math.radians(found.angle - degrees)) == pytest.approx(0, abs=1e-3)
    assert found.axis_ratio == pytest.approx(0.5, abs=1e-3)
    assert (found.x, found.y) == pytest.approx((SIDE // 2, SIDE // 2))


def test_half_of_a_uniform_discs_light_lies_within_its_radius_over_root_two():
    radius = np.hypot(*(np.indices((SIDE, SIDE)) - SIDE // 2))
    assert half_light((radius < 25).astype(float), radius) == pytest.approx(25 / 2**0.5, rel=0.02)


def test_the_galaxys_own_segment_is_never_masked():
    segments = np.zeros((SIDE, SIDE), dtype=int)
    segments[25:35, 25:35], segments[25:35, 36:40] = 2, 5
    own = own_segment(segments)
    mask = others(segments, own)
    assert own == 2
    assert mask[segments == 5].all()
    assert not mask[segments == 2].any()
    assert mask[30, 40]
    assert not mask[30, 50]


def test_a_psf_as_pixels_record_it_is_wider_by_the_pixels_variance():
    psf = Gaussian(torch.tensor([4.0]))
    place = torch.arange(65) - 32.0
    widths = [(image.sum(dim=1) * place**2).sum() for image in (seen_psf(psf), optical_psf(psf))]
    assert float(widths[1]) == pytest.approx((4 / 2.35482) ** 2, rel=1e-4)
    assert float(widths[0] - widths[1]) == pytest.approx(PIXEL_VARIANCE, rel=1e-3)


def test_the_crps_of_a_normal_is_its_closed_form():
    draws = np.random.default_rng(1).standard_normal((1, 100_000))
    # at its own mean sigma (sqrt 2 - 1) / sqrt pi; the mean of |x| of so many has an error of 0.002
    expected = (math.sqrt(2) - 1) / math.sqrt(math.pi)
    assert crps(draws, np.zeros(1))[0] == pytest.approx(expected, abs=0.006)


def test_the_log_score_of_a_normal_is_minus_its_log_density():
    draws = 3 + 2 * np.random.default_rng(1).standard_normal((1, 100_000))
    expected = 0.5 + math.log(2 * math.sqrt(2 * math.pi))
    assert log_score(draws, np.array([5.0]))[0] == pytest.approx(expected, abs=0.02)


def test_coverage_tells_true_overconfident_and_cautious_draws_apart():
    found = [coverage(*normal(2000, 400, width))[0] for width in (0.5, 1.0, 2.0)]
    # the share of a standard normal within so many sigma; its error with 2,000 galaxies is 0.011
    assert found == pytest.approx([0.383, 0.683, 0.954], abs=0.045)


def test_answers_without_draws_have_no_scores_but_bias_and_scatter():
    truth = np.linspace(1, 2, 50)
    found = Scores.of("flux", 1.1 * truth, np.full((50, 10), np.nan), truth)
    assert found.bias == pytest.approx(0.1)
    assert all(math.isnan(v) for v in (found.coverage_68, found.crps, found.log_score))


def test_a_share_of_nothing_has_finite_log_odds():
    assert np.isfinite(unbound("bulge_to_total", np.array([0.0, 1.0]))).all()


def test_a_covariance_is_read_as_it_was_written():
    matrix = np.diag(np.arange(1.0, 14)) + 0.1
    text = " ".join(f"{value:.9g}" for value in matrix[np.triu_indices(len(PARAMETERS))])
    assert covariance_of(text) == pytest.approx(matrix)


def test_draws_keep_the_total_flux_of_components_that_trade_it():
    covariance = np.diag(np.full(len(PARAMETERS), 1e-4))
    bulge, disk = (PARAMETERS.index(f"{part}_flux") for part in ("bulge", "disk"))
    covariance[bulge, bulge] = covariance[disk, disk] = 100.0
    covariance[bulge, disk] = covariance[disk, bulge] = -99.5
    start = components(bulge_axis_ratio=0.5, disk_axis_ratio=0.5)
    draws = normal_draws(start, covariance, np.random.default_rng(1))
    ratio, _, flux = targets_of(draws).T
    # of 1,000 draws a standard deviation is known to 2.2 %
    assert flux.std() == pytest.approx(1.0, rel=0.08)
    assert ratio.std() == pytest.approx(0.1, rel=0.08)


@pytest.mark.parametrize("uncertainty", [1.0, 1e3])
def test_draws_are_of_galaxies_that_can_be(uncertainty):
    covariance = np.diag(np.full(len(PARAMETERS), uncertainty**2))
    found = targets_of(normal_draws(components(), covariance, np.random.default_rng(1)))
    assert np.isfinite(found).all()
    assert (found > 0).all()
    assert (found[:, 0] < 1).all()


def test_equal_round_components_have_their_own_radius():
    ratio, radius, flux = targets_of(components()[None])[0]
    assert (ratio, radius, flux) == pytest.approx((0.5, 4.0, 100.0), rel=1e-4)


def test_a_run_that_was_stopped_within_a_row_drops_it_and_goes_on(tmp_path):
    results = Results.open(tmp_path / "code.csv")
    results.add("one", Fit({"flux": 1.0}), (0.1, 0.1))
    with results.path.open("a") as file:
        file.write("two,ok,0.")
    assert Results.open(results.path).done == {"one"}


def test_a_code_that_raises_is_a_row_that_says_why():
    def fails(_galaxy):
        raise ValueError("no, never")

    assert attempt(fails, None).status == "ValueError: no; never"
    assert attempt(lambda _: Fit({"flux": math.inf}), None).status == "not finite"
    assert attempt(lambda _: Fit({"flux": 1.0}), None).status == OK


def test_an_exponential_disks_flux_follows_from_its_brightness(monkeypatch):
    runners = ROOT / "benchmarks" / "fits" / "runners"
    monkeypatch.syspath_prepend(str(runners))
    brightness = importlib.import_module("brightness")
    # R_e = 1.678347 scale lengths h, and the flux is 2 pi h^2 times the central brightness
    expected = 2 * math.pi * (5 / 1.678347) ** 2 * math.exp(1.678347)
    assert brightness.flux_over_brightness(1.0, 5.0, 1.0) == pytest.approx(expected, rel=1e-5)
    part = {"flux": 8.0, "effective_radius": 5.0, "index": 2.0, "axis_ratio": 0.6, "angle": 0.0}
    slopes = brightness.flux_slopes(part)
    fainter = 8.0 / brightness.flux_over_brightness(2.0, 5.0, 0.6)
    rise = fainter * brightness.flux_over_brightness(2.0, 5.01, 0.6) - 8.0
    assert slopes[0, 1] * 0.01 == pytest.approx(rise, rel=2e-3)
