"""Scenes: reproducible by number, and noisy as their formula says."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gampen.errors import UsageError
from gampen.parameters import MORPHOLOGY, Parameter, ParameterSpace
from gampen.rendering.render import render_in_groups
from gampen.rendering.sersic import half_light_radius
from gampen.settings import PriorSettings, SceneSettings, SimulationSettings
from gampen.simulation.exposures import Noise
from gampen.simulation.priors import Draw, draw_targets
from gampen.simulation.quantities import describe
from gampen.simulation.rows import combine
from gampen.simulation.scenes import BLOCK, Scenes, Simulator
from gampen.simulation.surveys import HSC_WIDE_I as HSC

HSC_WIDE_I = replace(HSC, noise_correlation=(0.0, 0.0))
SCENE = SceneSettings(sizes=(24, 32), masked_share=0.3)
FAINT = PriorSettings(magnitude=(40.0, 40.0))  # so faint that only the sky is left


def simulator(seed=1, survey=HSC_WIDE_I, prior=None, **scene):
    """A simulator of small frames."""
    prior = prior or PriorSettings()
    return Simulator(SimulationSettings(survey, prior, replace(SCENE, **scene)), seed)


def tensors_of(record):
    """All tensors of a record, what is not a number as -1."""
    found = []

    def gather(one):
        found.append(one[0].nan_to_num(-1) if one[0].is_floating_point() else one[0])
        return one[0]

    combine([record], gather)
    return found


def assert_same(first, second):
    """Two sets of scenes are equal to the last bit, unknown PSF widths included."""
    pairs = list(zip(tensors_of(first), tensors_of(second), strict=True))
    assert len(pairs) > 20
    assert all(torch.equal(one, other) for one, other in pairs)


@settings(max_examples=8)
@given(st.integers(0, 2**40), st.integers(0, 10**6))
def test_a_block_is_the_same_wherever_it_is_drawn(seed, number):
    first = simulator(seed).block(number, 24)
    torch.rand(7)
    assert_same(simulator(seed).block(number, 24), first)


def test_blocks_may_be_drawn_in_any_order():
    one = simulator()
    forwards = [one.block(number, 24) for number in range(3)]
    backwards = [one.block(number, 24) for number in reversed(range(3))][::-1]
    for first, second in zip(forwards, backwards, strict=True):
        assert_same(first, second)


def test_a_batch_is_made_of_its_own_blocks():
    one = simulator()
    batch, size = one.batch(3, 2 * BLOCK), one.size(3)
    assert_same(batch, Scenes.cat([one.block(6, size), one.block(7, size)]))
    assert batch.images.shape == batch.bad.shape == (2 * BLOCK, size, size)


def test_a_smaller_set_is_the_beginning_of_a_larger_one():
    one = simulator()
    assert_same(one.batch(2, BLOCK - 5), one.batch(2, BLOCK).first(BLOCK - 5))


@pytest.mark.parametrize("other", [simulator(seed=2).block(0, 24), simulator().block(1, 24)])
def test_another_seed_or_number_gives_other_scenes(other):
    assert not torch.equal(simulator().block(0, 24).images, other.images)


def test_frame_sizes_are_equally_likely():
    one, groups = simulator(), 2000
    share = sum(one.size(group) == 24 for group in range(groups)) / groups
    assert abs(share - 0.5) < 4 * math.sqrt(0.25 / groups)


def test_no_two_blocks_share_a_galaxy():
    one = simulator()
    flux = torch.cat([one.block(number, 24).values["flux"] for number in range(20)])
    assert len(flux.unique()) == len(flux)


def test_truths_are_those_of_the_space_in_its_order():
    scenes = simulator().block(0, 24)
    truth = scenes.truth(MORPHOLOGY.select(["flux", "bulge_to_total"]))
    assert torch.equal(truth[:, 0], scenes.values["flux"])
    assert torch.equal(truth[:, 1], scenes.values["bulge_to_total"])


def test_described_quantities_follow_from_the_target():
    radius = torch.linspace(1, 30, 50)
    target = draw_targets(Draw(50, torch.Generator().manual_seed(0)), PriorSettings(), radius)
    values = describe(target, radius)
    torch.testing.assert_close(values["flux"], target.flux.sum(dim=1))
    torch.testing.assert_close(values["bulge_to_total"] * values["flux"], target.flux[:, 0])
    torch.testing.assert_close(values["effective_radius"], half_light_radius(target))
    assert torch.equal(values["disk_index"], target.index[:, 1])


def test_empty_sky_has_the_variance_and_the_residual_that_are_drawn():
    blocks = 12
    one = simulator(prior=FAINT, neighbour_share=0.0, sky_residual=0.5, masked_share=0.0)
    scenes = Scenes.cat([one.block(number, 32) for number in range(blocks)])
    pixels, galaxies = 32 * 32, blocks * BLOCK
    units = scenes.images / scenes.sky_sigma[:, None, None]
    # The variance of N normal pixels scatters by sqrt(2 / (N - 1)), a mean by sqrt(variance / N).
    within = units.flatten(1).var(dim=1)
    assert (within.mean() - 1).abs() < 4 * math.sqrt(2 / (pixels - 1) / galaxies)
    assert (within - 1).abs().max() < 5 * math.sqrt(2 / (pixels - 1))
    offsets = units.mean(dim=(1, 2))
    assert offsets.mean().abs() < 4 * 0.5 / math.sqrt(galaxies)
    expected = 0.5**2 + 1 / pixels
    assert (offsets.var() / expected - 1).abs() < 4 * math.sqrt(2 / (galaxies - 1))


def test_bright_light_adds_its_poisson_variance():
    galaxies, level = 200, 50.0
    clean = torch.full((galaxies, 16, 16), level)
    sigma, gain = torch.full((galaxies,), 0.03), torch.linspace(100, 3000, galaxies)
    noise = Noise(sigma, gain, torch.zeros(galaxies))
    noisy = noise.on(Draw(galaxies, torch.Generator().manual_seed(3)), clean)
    ratio = (noisy - level).square().mean(dim=(1, 2)) / (0.03**2 + level / gain)
    assert (ratio.mean() - 1).abs() < 4 * math.sqrt(2 / (galaxies * 256))
    assert (ratio - 1).abs().max() < 5 * math.sqrt(2 / 256)


def test_negative_wiggles_of_the_renderer_take_no_noise_away():
    clean, sigma = torch.full((50, 16, 16), -0.01), torch.full((50,), 0.03)
    noise = Noise(sigma, sigma, torch.zeros(50))
    noisy = noise.on(Draw(50, torch.Generator().manual_seed(4)), clean)
    variance = (noisy - clean).square().mean() / 0.03**2
    assert (variance - 1).abs() < 4 * math.sqrt(2 / (50 * 256))


@pytest.mark.parametrize("places", [range(40), range(5, 12), range(16, 32), range(30, 40)])
def test_a_part_of_a_batch_is_drawn_without_the_rest(places, monkeypatch):
    one, drawn = simulator(), []
    whole = one.batch(3, 40, 2)
    block = Simulator.block

    def counted(self, number, *arguments):
        drawn.append(number)
        return block(self, number, *arguments)

    monkeypatch.setattr(Simulator, "block", counted)
    part = one.part_of_batch(3, 40, places, 2)
    mine = slice(places.start, places.stop)
    assert torch.equal(part.images, whole.images[mine])
    assert torch.equal(part.truth(MORPHOLOGY), whole.truth(MORPHOLOGY)[mine])
    assert drawn == [
        3 + place for place in range(3) if {*places} & {*range(16 * place, 16 * place + 16)}
    ]


def test_the_observations_of_a_batch_share_light_but_nothing_else():
    one = simulator(neighbour_share=0.0, masked_share=0.0)
    first, second = one.batch(0, BLOCK, 2), one.batch(1, BLOCK, 2)
    torch.testing.assert_close(first.values["bulge_to_total"], second.values["bulge_to_total"])
    assert torch.equal(first.values["effective_radius"], second.values["effective_radius"])
    for name in ("flux", "sky_residual"):
        assert not (first.values[name] == second.values[name]).any()
    assert_same(one.batch(3, BLOCK, 2), one.batch(3, BLOCK, 2))
    assert not torch.equal(one.batch(2, BLOCK, 2).values["x"], first.values["x"])


def test_a_turned_observation_shows_the_galaxy_where_its_truth_says():
    quiet = replace(HSC_WIDE_I, sky_sigma=(1e-5, 1e-5), gain=(1e9, 1e9))
    prior = PriorSettings(magnitude=(20.0, 20.0), effective_radius=(0.3, 0.5), offset=3.0)
    one = simulator(survey=quiet, prior=prior, neighbour_share=0.0, masked_share=0.0)
    for observation in range(4):
        scenes = one.block(0, 48, observation)
        fresh = render_in_groups(scenes.target, scenes.psf, (48, 48))
        peak = fresh.amax(dim=(1, 2), keepdim=True)
        assert ((scenes.images - fresh) / peak).abs().max() < 2e-3


def test_the_psf_is_told_with_its_error_or_not_at_all():
    narrow = replace(HSC_WIDE_I, psf_fwhm=(0.6, 0.6))
    one = simulator(survey=narrow, psf_error=0.05, psf_unknown_share=0.2)
    told = torch.cat([one.block(number, 24).psf_fwhm for number in range(60)])
    galaxies = len(told)
    hidden = told.isnan()
    assert (hidden.float().mean() - 0.2).abs() < 4 * math.sqrt(0.2 * 0.8 / galaxies)
    relative = told[~hidden] * narrow.pixel_scale / 0.6 - 1
    assert relative.mean().abs() < 4 * 0.05 / math.sqrt(len(relative))
    assert (relative.std() / 0.05 - 1).abs() < 4 / math.sqrt(2 * len(relative))


def test_images_of_narrow_psfs_hold_no_ringing():
    sharp = replace(HSC_WIDE_I, psf_fwhm=(0.25, 0.25), sky_sigma=(1e-6, 1e-6), gain=(1e12, 1e12))
    images = simulator(survey=sharp, neighbour_share=0.0, sky_residual=0.0).block(0, 24).images
    assert (images.amin(dim=(1, 2)) > -2e-3 * images.amax(dim=(1, 2))).all()


def test_a_parameter_that_no_simulation_knows_is_refused_by_name():
    with pytest.raises(UsageError, match="got bars, and they know bulge_to_total"):
        Simulator(SimulationSettings(HSC), 1).batch(0, 16).truth(
            ParameterSpace((Parameter("bars"),))
        )
