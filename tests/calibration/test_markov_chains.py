"""Markov chains against distributions whose moments are known."""

from itertools import islice

import pytest
import torch

from gampen.calibration.markov_chains import Chain, Ensemble, stretch_moves
from gampen.errors import UsageError

WALKERS, STEPS, BURN_IN = 24, 1100, 100
FREE = 4


def covariances():
    """Two galaxies: correlated coordinates of scales from 0.01 to 100, and another such."""
    generator = torch.Generator().manual_seed(1)
    mixing = torch.randn(2, FREE, FREE, generator=generator, dtype=torch.float64)
    scale = torch.tensor([0.01, 1.0, 10.0, 100.0], dtype=torch.float64)
    return (mixing @ mixing.mT) * scale[:, None] * scale


def normal(covariance):
    precision = torch.linalg.inv(covariance)
    return lambda points: -0.5 * torch.einsum("gwi,gij,gwj->gw", points, precision, points)


def around(scale, galaxies=2, walkers=WALKERS, seed=2):
    generator = torch.Generator().manual_seed(seed)
    shape = (galaxies, walkers, len(scale))
    return torch.randn(shape, generator=generator, dtype=torch.float64) * scale


@pytest.fixture(scope="module")
def gaussian():
    covariance = covariances()
    start = around(covariance.diagonal(dim1=1, dim2=2).sqrt()[:, None].mean(0)[0])
    moves = stretch_moves(normal(covariance), start, FREE, torch.Generator().manual_seed(3))
    return covariance, Chain.of(islice(moves, STEPS), BURN_IN)


def test_chains_of_a_normal_have_its_mean_and_covariance(gaussian):
    covariance, chain = gaussian
    worth = len(chain.draws) / chain.autocorrelation_time.amax(dim=1)
    deviation = covariance.diagonal(dim1=1, dim2=2).sqrt()
    # worth 500 or more: means scatter by 0.045 deviations, deviations by 0.03 of themselves
    assert (worth > 500).all()
    error = chain.draws.mean(dim=0) / deviation * worth.sqrt()[:, None]
    assert error.abs().max() < 4
    ratio = chain.draws.std(dim=0) / deviation - 1
    assert (ratio.abs() * (2 * worth).sqrt()[:, None]).max() < 4
    for galaxy, drawn in enumerate(chain.draws.unbind(1)):
        found, true = torch.corrcoef(drawn.T), covariance[galaxy] / deviation[galaxy]
        true = true / deviation[galaxy][:, None]
        assert ((found - true).abs() * worth[galaxy].sqrt()).max() < 4


def test_half_of_the_proposals_are_neither_wasted_nor_timid(gaussian):
    _, chain = gaussian
    assert ((chain.acceptance > 0.3) & (chain.acceptance < 0.8)).all()


def test_chains_never_leave_a_box_and_fill_it_evenly():
    def box(points):
        outside = ((points < 0) | (points > 1)).any(dim=-1)
        return torch.zeros_like(points[..., 0]).masked_fill(outside, -torch.inf)

    start = torch.rand(1, WALKERS, 2, generator=torch.Generator().manual_seed(5)).double()
    moves = stretch_moves(box, start, 2, torch.Generator().manual_seed(6))
    chain = Chain.of(islice(moves, 500), 50)
    assert chain.draws.min() >= 0
    assert chain.draws.max() <= 1
    worth = len(chain.draws) / chain.autocorrelation_time.max()
    shares = torch.stack([(chain.draws < level).double().mean(0) for level in (0.05, 0.5, 0.95)])
    level = torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64)[:, None, None]
    assert ((shares - level).abs() < 4 * (level * (1 - level) / worth).sqrt()).all()


def test_what_all_walkers_share_stays_and_costs_nothing():
    # seen to fail: counting the fixed coordinate as free makes the draws 23 % too wide
    start = around(torch.tensor([1.0, 0.0], dtype=torch.float64), galaxies=1) + 3
    square = normal(torch.eye(2, dtype=torch.float64)[None])
    moves = stretch_moves(square, start, 1, torch.Generator().manual_seed(7))
    chain = Chain.of(islice(moves, 800), BURN_IN)
    assert (chain.draws[..., 1] == 3).all()
    worth = len(chain.draws) / chain.autocorrelation_time[0, 0]
    assert abs(chain.draws[..., 0].std() - 1) < 4 / (2 * worth).sqrt()


def test_the_same_seed_gives_the_same_chain():
    covariance, start = covariances(), around(torch.ones(FREE, dtype=torch.float64))

    def points(seed):
        generator = torch.Generator().manual_seed(seed)
        return Chain.of(islice(stretch_moves(normal(covariance), start, FREE, generator), 3), 0)

    assert torch.equal(points(1).points, points(1).points)
    assert not torch.equal(points(1).points, points(2).points)


def test_the_autocorrelation_time_is_that_of_a_known_process():
    # x' = r x + noise has the autocorrelation time (1 + r) / (1 - r)
    keep, steps = torch.tensor([0.5, 0.9], dtype=torch.float64), 4000
    white = torch.randn(steps, 1, 30, 2, generator=torch.Generator().manual_seed(8)).double()
    value, values = white[0], []
    for noise in white:
        value = keep * value + (1 - keep**2).sqrt() * noise
        values.append(value)
    chain = Chain(torch.stack(values), torch.ones(1).double())
    expected = ((1 + keep) / (1 - keep))[None]
    # the estimate scatters by sqrt(2 (2 window + 1) / (steps x walkers)): 4 % at most
    torch.testing.assert_close(chain.autocorrelation_time, expected, rtol=0.12, atol=0)


def test_only_the_coordinates_asked_for_are_kept():
    ensembles = [
        Ensemble(
            around(torch.ones(4).double()),
            *[torch.ones(2, 24).double()] * 1,
            torch.ones(2).double(),
        )
    ] * 3
    chain = Chain.of(ensembles, 1, slice(3))
    assert chain.points.shape == (2, 2, 24, 3)
    assert chain.draws.shape == (48, 2, 3)


@pytest.mark.parametrize("walkers", [8, 11])
def test_too_few_walkers_are_refused(walkers):
    start = around(torch.ones(FREE).double(), walkers=walkers)
    moves = stretch_moves(normal(covariances()), start, FREE, torch.Generator())
    with pytest.raises(UsageError, match=f"even and at least 10.*got {walkers}"):
        next(moves)


def test_a_start_without_density_is_refused():
    start = around(torch.ones(FREE).double())
    moves = stretch_moves(lambda x: x[..., 0] - torch.inf, start, FREE, torch.Generator())
    with pytest.raises(UsageError, match="must start where the density is above nought"):
        next(moves)


def test_a_chain_without_steps_is_refused():
    with pytest.raises(UsageError, match="more than burn_in=5 steps"):
        Chain.of([], 5)
