"""Troubles: each does what it says, to the galaxies and to nothing else, the same each time."""

from dataclasses import replace

import pytest
import torch

from gampen.cutouts import Flag
from gampen.simulation.scenes import BLOCK
from gampen.simulation.troubles import TROUBLES, WRONG
from tiny import SIMULATION

SIZE = 48
QUIET = replace(SIMULATION, scene=replace(SIMULATION.scene, neighbour_share=0.0, psf_error=0.0))
BY_NAME = {trouble.kind.name: trouble for trouble in TROUBLES}


def scenes_of(name, settings=QUIET, key=(3, 0), observations=1):
    return list(BY_NAME[name].blocks(settings, key, SIZE, observations))


def plain(settings=QUIET, key=(3, 0)):
    """The same galaxies without their trouble: those whose image was left as it was."""
    quiet = replace(BY_NAME["star"], change=lambda _draw, target, _settings: target)
    return next(quiet.blocks(settings, key, SIZE))


def test_every_kind_has_a_name_of_its_own_and_a_flag():
    assert len(BY_NAME) == len(TROUBLES)
    assert {trouble.kind.flag for trouble in TROUBLES} == {
        Flag.POINT_SOURCE,
        Flag.BLENDED,
        Flag.IRREGULAR,
        Flag.OFF_CENTRE,
        Flag.PSF_DOUBTFUL,
        Flag.TRAIL,
        Flag.SATURATED,
        Flag.NOISE_DOUBTFUL,
    }


@pytest.mark.parametrize("name", BY_NAME)
def test_scenes_follow_from_their_key(name):
    first, again = scenes_of(name, SIMULATION), scenes_of(name, SIMULATION)
    other = scenes_of(name, SIMULATION, key=(4, 0))
    assert torch.equal(first[0].images, again[0].images)
    assert not torch.equal(first[0].images, other[0].images)
    assert len(first[0]) == BLOCK
    assert bool(first[0].images.isfinite().all())


@pytest.mark.parametrize("name", BY_NAME)
def test_further_observations_are_of_the_same_light(name):
    first, second = scenes_of(name, observations=2)
    assert not torch.equal(first.images, second.images)
    assert torch.equal(first.values["effective_radius"], second.values["effective_radius"])


@pytest.mark.parametrize("name", ["spiral arms", "clumps"])
def test_structure_keeps_the_flux(name):
    smooth, rough = plain(), scenes_of(name)[0]
    ratio = rough.images.sum(dim=(1, 2)) / smooth.images.sum(dim=(1, 2))
    assert (ratio / ratio.median()).log().abs().median() < 0.1
    assert not torch.allclose(smooth.images, rough.images, atol=0.1)


def test_a_star_is_as_narrow_as_its_psf():
    star = scenes_of("star")[0]
    middle = star.images[:, SIZE // 2 - 6 : SIZE // 2 + 6, SIZE // 2 - 6 : SIZE // 2 + 6]
    share = middle.amax(dim=(1, 2)) / middle.sum(dim=(1, 2))
    galaxies = plain().images[:, SIZE // 2 - 6 : SIZE // 2 + 6, SIZE // 2 - 6 : SIZE // 2 + 6]
    assert share.median() > 1.2 * (galaxies.amax(dim=(1, 2)) / galaxies.sum(dim=(1, 2))).median()


def test_a_wrong_psf_is_half_as_wide_again_or_narrower_by_as_much():
    scenes = scenes_of("wrong PSF")[0]
    ratio = scenes.psf_fwhm / scenes.values["psf_fwhm"]
    wide = ratio > 1
    assert torch.allclose(ratio[wide], torch.full_like(ratio[wide], WRONG))
    assert torch.allclose(ratio[~wide], torch.full_like(ratio[~wide], 1 / WRONG))
    assert 0 < int(wide.sum()) < BLOCK


def test_a_saturated_core_has_no_peak():
    scenes = scenes_of("saturated core")[0]
    peaks = scenes.images.flatten(1).topk(4, dim=1).values
    assert (peaks[:, 3] / peaks[:, 0]).min() > 0.9


def test_a_galaxy_off_centre_is_further_out_than_any_of_the_prior():
    scenes = scenes_of("off centre")[0]
    axis = torch.arange(SIZE) - (SIZE - 1) / 2
    light = scenes.images.clamp(min=0.2)
    y = (light.sum(dim=2) * axis).sum(dim=1) / light.sum(dim=(1, 2))
    x = (light.sum(dim=1) * axis).sum(dim=1) / light.sum(dim=(1, 2))
    assert torch.hypot(x, y).median() > QUIET.prior.offset


def test_a_trail_brightens_a_line():
    trailed, clear = scenes_of("trail")[0], plain()
    added = trailed.images.median(dim=1).values.mean() - clear.images.median(dim=1).values.mean()
    assert added > 0


def test_a_blend_is_closer_than_any_neighbour():
    blended = scenes_of("blend")[0]
    assert blended.images.sum() > 1.3 * plain().images.sum()


@pytest.mark.parametrize("name", ["uneven noise", "sloping sky"])
def test_sky_and_noise_differ_from_side_to_side(name):
    scenes = scenes_of(name, replace(QUIET, prior=replace(QUIET.prior, magnitude=(40.0, 40.0))))[0]
    tiles = scenes.images.unfold(1, 12, 12).unfold(2, 12, 12) / scenes.sky_sigma[0]
    figure = tiles.std(dim=(3, 4)) if name == "uneven noise" else tiles.mean(dim=(3, 4))
    spread = figure.flatten(1).amax(dim=1) - figure.flatten(1).amin(dim=1)
    assert spread.median() > 1
