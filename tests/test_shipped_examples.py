"""The shipped examples of other parameters: directions have no seam, and truths are covered."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from gampen.cutouts import Cutout, Cutouts
from gampen.estimator import Estimator
from gampen.inference.sampling import Sampling
from gampen.parameters import space_of
from gampen.rendering.psf import Moffat
from gampen.rendering.render import render
from gampen.rendering.sersic import Sersic
from gampen.settings import RunSettings
from gampen.shipped import shipped_names
from gampen.simulation.scenes import Simulator
from gampen.simulation.surveys import survey
from gampen.storage.runfiles import read_settings
from gampen.verbs.simulate import cutouts_of

ROOT = Path(__file__).parent.parent
FEW = Sampling(passes=4)
SIDE = 80
ANGLES = torch.arange(0.0, 181.0, 6.0)
EXAMPLES = pytest.mark.parametrize(("name", "stem"), [("bulge_disk", "disk_"), ("sersic", "")])


def galaxy(stem, axis_ratio):
    """Bulge and disk, or one profile, of each angle: flux, radius, index and axis ratio."""
    one = [(20_000.0, 8.0, 1.5, axis_ratio)]
    parts = [(4000.0, 3.0, 4.0, 0.8), (16_000.0, 8.0, 1.0, axis_ratio)] if stem else one
    columns = [torch.tensor(column).expand(len(ANGLES), -1) for column in zip(*parts, strict=True)]
    angle, zero = ANGLES[:, None].expand_as(columns[0]), torch.zeros_like(columns[0])
    return Sersic(*columns, angle=angle, x=zero, y=zero)


def turned(stem, axis_ratio):
    """A galaxy at every angle, in the same noise."""
    psf = Moffat(torch.full((len(ANGLES),), 4.0), torch.full((len(ANGLES),), 3.0))
    noise = np.random.default_rng(1).normal(size=(SIDE, SIDE))
    images = render(galaxy(stem, axis_ratio), psf, (SIDE, SIDE)).numpy() + noise
    return Cutouts.of(Cutout(image, psf_fwhm=4.0, pixel_scale=1.0) for image in images)


@EXAMPLES
@pytest.mark.parametrize("axis_ratio", [0.5, 0.8])
def test_a_galaxy_that_turns_is_followed_over_the_seam(name, stem, axis_ratio):
    found = Estimator.load(name).predict(turned(stem, axis_ratio), FEW).ellipse(stem)
    angle = found.position_angle
    missed = (angle.mean - ANGLES + 90).remainder(180) - 90
    assert float((missed / angle.std).abs().max()) < 1.5
    # between one angle and the next the answer moves as the galaxy does, at the seam as elsewhere
    assert float((missed.diff() / angle.std[1:]).abs().max()) < 0.5
    assert float(angle.std.max() / angle.std.min()) < 1.6
    ratio = found.axis_ratio
    assert float((ratio.mean - axis_ratio).abs().max()) < 0.1
    assert float((ratio.mean.max() - ratio.mean.min()) / ratio.std.mean()) < 2


@EXAMPLES
def test_truths_are_covered_at_the_seam_as_elsewhere(name, stem):
    estimator, galaxies = Estimator.load(name), 512
    sets = [Simulator(estimator.prior, 977).batch(step, 64) for step in range(galaxies // 64)]
    ranks, truths = [], []
    for scenes in sets:
        posterior = estimator.predict(Cutouts.of(cutouts_of(scenes, estimator.prior)), FEW)
        truth = scenes.values[f"{stem}angle"].double().remainder(180)
        ranks.append(posterior.ellipse(stem).position_angle.cdf(truth))
        truths.append(truth)
    inside = (2 * torch.cat(ranks) - 1).abs() < 0.6827
    truth = torch.cat(truths)
    near = torch.minimum(truth, 180 - truth) < 30
    for chosen in (near, ~near):
        # four standard errors of a share of so many galaxies
        room = 4 * (0.6827 * 0.3173 / int(chosen.sum())) ** 0.5
        assert abs(float(inside[chosen].double().mean()) - 0.6827) < room


@EXAMPLES
def test_an_example_is_that_of_its_run_file(name, stem):
    path = ROOT / "examples" / "runs" / f"{name}_last.toml"
    run, estimator = read_settings(path, RunSettings, {"survey": survey}), Estimator.load(name)
    assert estimator.space == space_of(run)
    assert estimator.prior == run.simulation
    assert estimator.network.settings == run.network
    assert f"{stem}elongation_1" in estimator.training_prior.laws


def test_every_shipped_estimator_has_a_card_with_figures():
    for name in shipped_names():
        card = (ROOT / "src" / "gampen" / "shipped" / f"{name}.md").read_text()
        assert card.startswith(f"# {name}\n")
        assert re.search(r"<!-- figures: make card -->\n\n### True\?", card)
