"""The symmetries of the square, of images, points and directions alike."""

import pytest
import torch

from gampen.network.symmetry import SYMMETRIES
from gampen.rendering.psf import Moffat
from gampen.rendering.render import render
from gampen.rendering.sersic import Sersic


def galaxies():
    """A lopsided pair of profiles."""
    one = {"flux": [3.0, 1.0], "effective_radius": [4.0, 2.0], "index": [1.0, 2.0]}
    one |= {"axis_ratio": [0.4, 0.7], "angle": [25.0, 70.0], "x": [1.0, -5.0], "y": [-2.0, 3.5]}
    return Sersic(**{name: torch.tensor([values]) for name, values in one.items()})


def test_there_are_eight_and_they_differ():
    image = torch.arange(12.0 * 12).view(1, 12, 12)
    seen = {tuple(symmetry.of(image).flatten().tolist()) for symmetry in SYMMETRIES}
    assert len(SYMMETRIES) == len(seen) == 8
    assert torch.equal(SYMMETRIES[0].of(image), image)


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_a_turned_galaxy_is_rendered_as_the_turned_image(symmetry):
    psf = Moffat(torch.tensor([3.0]), torch.tensor([3.5]))
    turned = render(galaxies().turned(symmetry), psf, (40, 40))
    expected = symmetry.of(render(galaxies(), psf, (40, 40)))
    torch.testing.assert_close(turned, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_waves_of_twice_an_angle_go_where_the_angle_goes(symmetry):
    angle = torch.tensor([10.0, 80.0, 120.0, 179.0])
    before, after = (torch.deg2rad(2 * a) for a in (angle, symmetry.angle(angle)))
    found = symmetry.wave(torch.stack([before.cos(), before.sin()], dim=1))
    torch.testing.assert_close(found, torch.stack([after.cos(), after.sin()], dim=1))


def test_half_of_them_are_mirror_images():
    handed = [symmetry.mirrored for symmetry in SYMMETRIES]
    assert sum(handed) == 4
    assert not SYMMETRIES[0].mirrored
