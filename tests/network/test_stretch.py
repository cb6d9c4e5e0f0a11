"""Stretches: linear where faint, logarithmic where bright."""

import torch

from gampen.network.stretch import NOISE_GAIN, noise_stretch, shape_stretch, stretch


def pixels(seed=0, side=16):
    generator = torch.Generator().manual_seed(seed)
    axis = torch.arange(side) - (side - 1) / 2
    light = 100 * (-torch.hypot(axis[:, None], axis[None, :]) / 2).exp()
    return torch.randn(3, 1, side, side, generator=generator) + light


def test_faint_light_stays_linear():
    faint = torch.full((1, 1, 4, 4), 1e-3)
    torch.testing.assert_close(noise_stretch(faint), NOISE_GAIN * faint, rtol=1e-5, atol=0)


def test_ten_times_brighter_light_is_a_constant_more():
    bright = torch.full((1, 1, 4, 4), 1e4)
    step = noise_stretch(10 * bright) - noise_stretch(bright)
    torch.testing.assert_close(step, torch.full_like(step, NOISE_GAIN * 2.302585))


def test_the_stretches_keep_the_sign_and_the_order():
    image = pixels()
    for stretched in (noise_stretch(image), shape_stretch(image)):
        assert torch.equal(stretched.sign(), image.sign())
        assert torch.equal(stretched[0].flatten().argsort(), image[0].flatten().argsort())


def test_the_shape_stretch_does_not_see_brightness():
    bright = 50 * pixels()
    torch.testing.assert_close(shape_stretch(4 * bright), shape_stretch(bright))


def test_a_frame_of_noise_alone_is_not_blown_up():
    assert float(shape_stretch(1e-6 * pixels()).abs().max()) < 1e-2


def test_both_stretches_are_channels():
    image = pixels()
    both = stretch(image)
    assert torch.equal(both[:, :1], noise_stretch(image))
    assert torch.equal(both[:, 1:], shape_stretch(image))
