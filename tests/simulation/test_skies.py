"""Galaxies are put into real sky, whose noise stays what it is."""

from dataclasses import replace

import galsim
import numpy as np
import pytest
import torch

from gampen.errors import GalaxyError
from gampen.rendering.noise import correlate, strength_of
from gampen.settings import PriorSettings, SceneSettings, SimulationSettings
from gampen.simulation.materials import Materials
from gampen.simulation.scenes import BLOCK, Scenes, Simulator, draw_light
from gampen.simulation.skies import Skies, Sky, places_in
from gampen.simulation.surveys import HSC_WIDE_I

SIGMA, LEVEL, SIDE = 0.03, 0.7, 320
NO_SKY = {"neighbour_share": 0.0, "sky_residual": 7.0}  # no residual is added to real sky
SETTINGS = SimulationSettings(HSC_WIDE_I, PriorSettings(), SceneSettings(sizes=(32,), **NO_SKY))
FAINT = replace(SETTINGS, prior=PriorSettings(magnitude=(120.0, 120.0)))


@pytest.fixture(scope="module")
def cosmos():
    """Noise as drizzling left it in Hubble's images of COSMOS, on pixels of its own."""
    noise = galsim.getCOSMOSNoise(rng=galsim.BaseDeviate(3), cosmos_scale=0.03, variance=SIGMA**2)
    image = galsim.Image(SIDE, SIDE, scale=0.03)
    image.addNoise(noise)
    return noise, torch.from_numpy(image.array.astype(np.float32))


@pytest.fixture(scope="module")
def field(cosmos):
    """An image of sky with stars and dead pixels."""
    y, x = np.indices((SIDE, SIDE))
    light = sum(
        60 * SIGMA * np.exp(-0.5 * ((y - row) ** 2 + (x - column) ** 2) / 4)
        for row, column in ((40, 60), (150, 210), (260, 90))
    )
    bad = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    bad[:, 300] = True
    image = cosmos[1] + torch.from_numpy(light).float() + LEVEL
    return Sky.of(image.masked_fill(bad, 1e6), bad), bad


def autocorrelation(images, lags):
    """The correlation of pixels so far apart, of images of mean zero."""
    found = []
    for down, across in lags:
        height, width = images.shape[-2] - down, images.shape[-1] - across
        product = images[..., down:, across:] * images[..., :height, :width]
        found.append(float(product.mean() / images.square().mean()))
    return np.array(found)


def test_noise_and_level_are_measured_beside_the_sources(cosmos, field):
    sky, bad = field
    noise, plain = cosmos
    assert sky.sigma == pytest.approx(float(plain.std()), rel=0.03)
    assert float(sky.image[~(sky.source | bad)].median()) == pytest.approx(0.0, abs=0.05 * SIGMA)
    profile = noise._profile
    expected = profile.xValue(0.03, 0) / profile.xValue(0, 0)
    across = 2 * sky.correlation / (1 + 2 * sky.correlation**2)
    assert across == pytest.approx(expected, abs=0.03)


def test_sources_are_found_and_kept_out_of_the_frames(field):
    sky, bad = field
    assert 0.005 < float(sky.source.float().mean()) < 0.05
    for size in (32, 48):
        places = sky.places(size, 0.0)
        assert len(places) > 20
        frames = [sky.image[y : y + size, x : x + size] for y, x in places.tolist()]
        assert max(float(frame.max()) for frame in frames) < 6.5 * SIGMA
        assert not any(bool(bad[y : y + size, x : x + size].any()) for y, x in places.tolist())


def test_sources_may_be_let_in_but_not_into_the_middle(field):
    sky, _ = field
    strict, lenient = (sky.places(48, share) for share in (0.0, 0.2))
    assert len(lenient) > len(strict)
    middles = [sky.source[y + 16 : y + 32, x + 16 : x + 32] for y, x in lenient.tolist()]
    assert not any(bool(middle.any()) for middle in middles)
    assert any(bool(sky.source[y : y + 48, x : x + 48].any()) for y, x in lenient.tolist())


def test_nothing_but_a_cut_of_the_sky_is_under_a_galaxy_without_light(field):
    sky, _ = field
    scenes = Simulator(FAINT, 1, Materials(skies=Skies((sky,)))).batch(0, BLOCK)
    cuts = {sky.image[y : y + 32, x : x + 32].numpy().tobytes() for y, x in sky.places(32, 0.0)}
    assert all(image.numpy().tobytes() in cuts for image in scenes.images)
    middle = scenes.images.flatten(1).median(dim=1).values
    assert torch.equal(scenes.values["sky_residual"], middle)
    assert torch.equal(scenes.sky_sigma, torch.full((BLOCK,), sky.sigma))


def test_correlation_of_the_noise_is_that_of_the_sky(cosmos, field):
    lags = [(0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (0, 3)]
    one = Simulator(FAINT, 2, Materials(skies=Skies((field[0],))))
    images = Scenes.cat([one.batch(step, BLOCK) for step in range(16)]).images
    found = autocorrelation(images, lags)
    profile = cosmos[0]._profile
    expected = [profile.xValue(0.03 * x, 0.03 * y) / profile.xValue(0, 0) for y, x in lags]
    # 256 frames of 32 x 32 pixels, a tenth of them independent: 0.006 each, and they overlap
    np.testing.assert_allclose(found, expected, atol=0.03)
    assert expected[0] > 0.2


def test_galaxies_add_the_noise_of_their_own_photons(field):
    gain = 50.0
    survey = replace(HSC_WIDE_I, gain=(gain, gain))
    bright = replace(SETTINGS, survey=survey, prior=PriorSettings(magnitude=(17.0, 18.0)))
    materials = Materials(skies=Skies((field[0],)))
    left = []
    for number in range(6):
        scenes = Simulator(bright, 5, materials).block(number, 32)
        light = draw_light(bright, materials, 5, number, 32).images
        light = light * scenes.values["flux"][:, None, None]
        alone = (scenes.images - light) / (light / gain).sqrt()
        left.append(alone[light > 200 * gain * field[0].sigma ** 2])
    found = torch.cat(left)
    assert len(found) > 3000
    # the sky adds less than half a per cent; the variance of n numbers is known to sqrt(2 / n)
    assert float(found.square().mean()) == pytest.approx(
        1.0, abs=4 * (2 / len(found)) ** 0.5 + 5e-3
    )


def test_frames_come_from_every_image(field):
    other = replace(field[0], sigma=0.5)
    skies = Skies((field[0], other))
    scenes = Simulator(FAINT, 3, Materials(skies=skies)).batch(0, 4 * BLOCK)
    share = float((scenes.sky_sigma == 0.5).float().mean())
    assert abs(share - 0.5) < 4 * (0.25 / 64) ** 0.5
    numbers = places_in(skies, 32, 0.0)[:, 0]
    assert int((numbers == 0).sum()) == int((numbers == 1).sum())


@pytest.mark.parametrize("strength", [0.0, 0.1, 0.3, 0.45])
def test_a_strength_is_found_again_in_its_noise(strength):
    white = torch.randn(1, 402, 402, generator=torch.Generator().manual_seed(0))
    noise = correlate(white, torch.tensor([strength]))[0]
    sky = Sky.of(noise, torch.zeros(400, 400, dtype=torch.bool))
    assert sky.correlation == pytest.approx(strength, abs=0.01)
    assert strength_of(2 * strength / (1 + 2 * strength**2)) == pytest.approx(strength, abs=1e-9)


def test_correlations_that_no_strength_has_are_the_nearest():
    assert strength_of(-0.2) == 0.0
    assert strength_of(0.9) == 0.49


@pytest.mark.parametrize("image", [torch.zeros(40, 40), torch.full((40, 40), 3.0)])
def test_an_image_without_noise_is_no_sky(image):
    with pytest.raises(GalaxyError, match="an image of sky must be sky"):
        Sky.of(image, torch.zeros(40, 40, dtype=torch.bool))


def test_an_image_smaller_than_the_frame_has_no_place(field):
    assert len(field[0].places(SIDE + 1, 1.0)) == 0
    assert len(field[0].places(SIDE, 1.0)) == 0
