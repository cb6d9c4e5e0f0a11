"""Simulations made with a survey's own files are what these say."""

from dataclasses import replace

import galsim
import numpy as np
import pytest
import torch
from scipy import stats

import galsim_oracle
from gampen.network.symmetry import SYMMETRIES
from gampen.rendering.render import render_in_groups
from gampen.settings import PriorSettings, SceneSettings, SimulationSettings
from gampen.simulation.exposures import Stars
from gampen.simulation.materials import Materials
from gampen.simulation.priors import Draw
from gampen.simulation.scenes import BLOCK, Simulator, lit, seeded_draw, turned
from gampen.simulation.surveys import HSC_WIDE_I

ALONE = SimulationSettings(
    HSC_WIDE_I,
    PriorSettings(effective_radius=(0.6, 1.5)),
    SceneSettings(sizes=(48,), neighbour_share=0.0),
)
WIDTHS = (3.0, 3.8, 4.6)


def star_images():
    """Elliptical PSFs with wings, of three widths [pixel]."""
    shears = ((0.06, 0.02), (-0.05, 0.04), (0.0, -0.08))
    return np.stack(
        [
            galsim.Moffat(beta=3.0, fwhm=fwhm)
            .shear(g1=g1, g2=g2)
            .drawImage(nx=41, ny=41, scale=1)
            .array
            for fwhm, (g1, g2) in zip(WIDTHS, shears, strict=True)
        ]
    )


@pytest.fixture(scope="module")
def materials():
    images = torch.from_numpy(star_images())
    return Materials(Stars(images, torch.tensor(WIDTHS), torch.tensor([0.7, 0.71, torch.nan])))


def test_galaxies_through_images_of_psfs_are_those_of_galsim(materials):
    _, light = lit(ALONE, seeded_draw(3, 0, 48, 0), 48, materials=materials)
    few = light.target.take(slice(4))
    expected = galsim_oracle.draw(few, light.optics.psf.select(slice(4)), (48, 48))
    peak = expected.amax(dim=(1, 2), keepdim=True)
    assert float(((light.images[:4] - expected) / peak).abs().max()) < 1e-3


def test_a_psf_turns_with_the_galaxy_that_is_seen_through_it(materials):
    _, light = lit(ALONE, seeded_draw(3, 1, 48, 0), 48, materials=materials)
    seen = turned(seeded_draw(5), light)
    assert not torch.equal(seen.images, light.images)
    again = render_in_groups(seen.target, seen.optics.psf, (48, 48))
    straight = render_in_groups(seen.target, light.optics.psf, (48, 48))
    peak = float(again.max())
    assert float((again - seen.images).abs().max()) < 1e-4 * peak
    assert float((straight - seen.images).abs().max()) > 1e-3 * peak


def test_every_symmetry_leaves_an_image_of_a_psf_in_its_middle(materials):
    psf = materials.stars.draw(Draw(3, torch.Generator().manual_seed(0))).psf
    for symmetry in SYMMETRIES:
        image = psf.turned(symmetry).image
        assert (image[:, 20, 20] == image.amax(dim=(1, 2))).all()


def test_stars_are_equally_likely_and_told_as_they_are(materials):
    optics = materials.stars.draw(Draw(3000, torch.Generator().manual_seed(1)))
    counts = [int((optics.psf_fwhm == width).sum()) for width in materials.stars.psf_fwhm]
    assert sum(counts) == 3000
    assert stats.chisquare(counts).pvalue > 1e-4
    unknown = optics.psf_fwhm == materials.stars.psf_fwhm[2]
    assert torch.equal(optics.concentration.isnan(), unknown)
    for place in range(5):
        star = int((materials.stars.psf_fwhm == optics.psf_fwhm[place]).nonzero())
        assert torch.equal(optics.psf.image[place], materials.stars.image[star])


def test_what_is_told_of_a_psf_errs_as_the_scene_says(materials):
    scene = replace(ALONE.scene, psf_error=0.0, psf_unknown_share=0.0, concentration_error=0.0)
    scene = replace(scene, concentration_unknown_share=0.0)
    scenes = Simulator(replace(ALONE, scene=scene), 1, materials).batch(0, 2 * BLOCK)
    assert torch.equal(scenes.psf_fwhm, scenes.values["psf_fwhm"])
    assert torch.equal(scenes.psf_concentration.isnan(), scenes.psf_fwhm == WIDTHS[2])


def test_scenes_are_the_same_whatever_batch_they_are_drawn_in(materials):
    one = Simulator(ALONE, 7, materials)
    whole = one.batch(1, 2 * BLOCK, observations=2).images
    assert torch.equal(one.part_of_batch(1, 2 * BLOCK, range(20, 30), 2).images, whole[20:30])
    assert not torch.equal(Simulator(ALONE, 7).batch(1, 2 * BLOCK, observations=2).images, whole)
