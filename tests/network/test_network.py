"""The network: the same answer for the same galaxy, and the laws of units."""

import math
from dataclasses import replace

import pytest
import torch

from gampen.network.frames import Frames
from gampen.network.head import APART
from gampen.network.network import GampenNetwork
from gampen.network.profiles import Ellipse
from gampen.parameters import MORPHOLOGY, Parameter, ParameterSpace
from gampen.settings import CropFreedom, Scaling
from tiny import NETWORK, batch, lively, network


def frames_of(images, psf=3.5):
    return Frames.prepare(images, None, torch.full((len(images),), psf))


def images(galaxies=6, height=48, width=48, seed=0):
    """Exponential galaxies of several sizes in noise."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = (torch.arange(side) - (side - 1) / 2 for side in (height, width))
    distance = torch.hypot(rows[:, None], columns[None, :])
    radii = torch.linspace(1.5, 6, galaxies)[:, None, None]
    return 40 * (-distance / radii).exp() + torch.randn(
        galaxies, height, width, generator=generator
    )


def select(frames, galaxies):
    return Frames(*(value[galaxies] for value in vars(frames).values()))


def assert_same(one, other, tolerance=1e-5):
    for name in ("log_weights", "means", "precision_cholesky"):
        ours, theirs = getattr(one, name), getattr(other, name)
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


@torch.no_grad()
@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_galaxy_gets_one_answer_in_a_batch_of_any_size(size):
    built, frames = network(), frames_of(images(64))
    whole = built(frames)
    for start in range(0, 64, size):
        part = slice(start, start + size)
        assert_same(built(select(frames, part)), whole.select(part))


@torch.no_grad()
def test_the_order_of_a_batch_does_not_matter():
    built, frames = network(), frames_of(images(16))
    order = torch.randperm(16, generator=torch.Generator().manual_seed(0))
    assert_same(built(select(frames, order)), built(frames).select(order))


@torch.no_grad()
def test_different_galaxies_get_different_answers():
    means = network()(frames_of(images(6))).mean
    assert bool((means.std(dim=0) > 1e-3).all())


@torch.no_grad()
@pytest.mark.parametrize("factor", [2.0**-30, 0.25, 1024.0, 2.0**40])
def test_an_image_times_a_number_has_that_number_times_the_flux(factor):
    built = network()
    image = images(4)
    one, other = (physical(built, frames_of(image * c)) for c in (1.0, factor))
    shift = torch.tensor([0.0, 0.0, math.log(factor)])
    torch.testing.assert_close(other.means - one.means, shift.expand_as(one.means))
    assert torch.equal(other.precision_cholesky, one.precision_cholesky)
    assert torch.equal(other.log_weights, one.log_weights)


def physical(built, frames, pixel_scale=1.0):
    scales = torch.full((len(frames),), pixel_scale)
    return built(frames).affine(*MORPHOLOGY.physical_map(scales, frames.sky_sigma))


@torch.no_grad()
def test_a_pixel_scale_multiplies_the_radius_alone():
    built, frames = network(), frames_of(images(4))
    shift = physical(built, frames, 0.2).means - physical(built, frames).means
    expected = torch.tensor([0.0, math.log(0.2), 0.0]).expand_as(shift)
    torch.testing.assert_close(shift, expected, rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize(
    ("height", "width"), [(48, 48), (49, 49), (97, 97), (256, 256), (48, 64), (143, 140), (60, 240)]
)
def test_frames_of_any_size_and_shape_get_a_sound_mixture(height, width):
    mixture = network()(frames_of(images(2, height, width)))
    assert bool(mixture.mean.isfinite().all())
    assert bool((mixture.covariances.diagonal(dim1=-2, dim2=-1) > 0).all())


@torch.no_grad()
def test_an_unknown_psf_is_a_legal_answer_of_its_own():
    built, image = network(), images(4)
    unknown = built(frames_of(image, math.nan))
    assert bool(unknown.mean.isfinite().all())
    # One pixel wide is not the same as unknown, although its logarithm is zero.
    assert not torch.allclose(unknown.mean, built(frames_of(image, 1.0)).mean, atol=1e-4)


@torch.no_grad()
def test_the_width_of_the_psf_matters():
    built, image = network(), images(4)
    narrow, wide = (built(frames_of(image, psf)).mean for psf in (2.5, 5.0))
    assert float((narrow - wide).abs().max()) > 1e-4


@torch.no_grad()
@pytest.mark.parametrize("freedom", CropFreedom)
def test_every_freedom_of_the_crop_can_be_built_and_run(freedom):
    torch.manual_seed(0)
    built = GampenNetwork(MORPHOLOGY, replace(NETWORK, crop=freedom)).eval()
    assert bool(built(frames_of(images(3))).mean.isfinite().all())


@torch.no_grad()
def test_extreme_images_get_finite_mixtures():
    image = images(6)
    image[0, 24, 24] = 1e38
    image[1] *= 1e-38
    image[2] = 1e30 * image[2]
    image[3] = 0
    image[3, 20:28, 20:28] = 1
    image[4] -= 1e4
    mixture = network()(frames_of(image))
    assert bool(mixture.mean.isfinite().all())
    assert bool(mixture.precision_cholesky.isfinite().all())


@torch.no_grad()
def test_the_anchor_is_the_light_and_the_radius_where_there_is_one():
    built = network()
    light, radius = torch.tensor([10.0, 1000.0]), torch.tensor([0.5, 2.0])
    found = built.anchor(radius, light, Ellipse.round(light[:, None]))
    expected = torch.stack([torch.zeros(2), radius, light.log()], dim=1)
    assert torch.equal(found, expected)
    bound = ParameterSpace((Parameter("flux", scaling=Scaling.FLUX), Parameter("ratio", 0, 1)))
    other = GampenNetwork(bound, NETWORK).eval()
    seen = other.anchor(radius, light, Ellipse.round(light[:, None]))
    assert torch.equal(seen, torch.zeros(2, 2))


@torch.no_grad()
def test_standardising_puts_the_truths_on_the_unit_scale():
    torch.manual_seed(0)
    built = GampenNetwork(MORPHOLOGY, NETWORK).eval()
    drawn = batch(256)
    built.standardise(drawn.frames, drawn.truth)
    anchor = built.look(drawn.frames, built.transformer(drawn.frames.pixels)).guess
    scaled = (drawn.truth - anchor - built.location) / built.spread
    torch.testing.assert_close(scaled.median(dim=0).values, torch.zeros(3), atol=1e-5, rtol=0)
    half = (scaled.quantile(0.8413, dim=0) - scaled.quantile(0.1587, dim=0)) / 2
    torch.testing.assert_close(half, torch.ones(3), rtol=1e-4, atol=0)


@torch.no_grad()
def test_a_parameter_that_never_varies_does_not_break_the_scale():
    built, drawn = GampenNetwork(MORPHOLOGY, NETWORK).eval(), batch(64)
    truth = drawn.truth.clone()
    truth[:, 0] = 0.5
    built.standardise(drawn.frames, truth)
    assert bool(lively(built)(drawn.frames).mean.isfinite().all())


def test_every_weight_that_is_used_gets_a_gradient():
    torch.manual_seed(0)
    built, drawn = lively(GampenNetwork(MORPHOLOGY, NETWORK)), batch(16)
    (-built(drawn.frames).log_prob(drawn.truth).mean()).backward()
    missing = [name for name, weight in built.named_parameters() if weight.grad is None]
    assert missing == []
    assert all(bool(weight.grad.isfinite().all()) for weight in built.parameters())


@torch.no_grad()
@pytest.mark.parametrize("copies", [2, 3])
def test_further_components_start_as_narrower_and_wider_copies(copies):
    few, drawn = network(), batch(12)
    more = GampenNetwork(MORPHOLOGY, replace(NETWORK, components=copies * NETWORK.components))
    assert more.adopt(few.state_dict()) == []
    one, other = (built.eval()(drawn.frames) for built in (few, more))
    torch.testing.assert_close(other.mean, one.mean, rtol=1e-4, atol=1e-4)
    weights = other.log_weights.exp().unflatten(-1, (copies, -1))
    torch.testing.assert_close(weights.sum(dim=-2), one.log_weights.exp())
    widths = other.covariances.unflatten(1, (copies, -1))
    ends = torch.tensor([APART**-2, APART**2])
    found = (widths[:, [0, -1]] / one.covariances[:, None]).median(dim=0).values
    # the log-diagonal is bounded, so the ratio is not quite as asked for
    torch.testing.assert_close(found, ends[:, None, None, None].expand_as(found), rtol=0.15, atol=0)


@torch.no_grad()
def test_components_that_are_no_multiple_start_anew():
    more = GampenNetwork(MORPHOLOGY, replace(NETWORK, components=NETWORK.components + 1))
    assert more.adopt(network().state_dict()) == ["head.last.bias", "head.last.weight"]
