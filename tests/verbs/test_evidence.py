"""Galaxies of known truth are brought into pixels and sky sigmas; others are counted."""

from collections import Counter

import numpy as np
import pytest
import torch

from gampen.calibration.comparison import ranks_of
from gampen.catalog import Catalog
from gampen.cutouts import Cutouts
from gampen.errors import UsageError
from gampen.estimator import Estimator
from gampen.inference.sampling import Sampling
from gampen.parameters import MORPHOLOGY
from gampen.storage.layouts import open_folder, write_folder
from gampen.verbs.evidence import LEAST, NO_SCALE, NO_TRUTH, Evidence, require_enough, within
from tiny import changed, estimator, galaxies

FEW = Sampling(passes=2)


@pytest.fixture(name="few_are_enough")
def lower_the_bar(monkeypatch):
    monkeypatch.setattr("gampen.verbs.evidence.LEAST", 4)


def written(folder, cutouts, radius):
    """A folder of galaxies with these true radii, all else alike."""
    catalog = Catalog.of(
        object_id=cutouts.object_ids,
        file_name=[cutout.file_name for cutout in cutouts],
        bulge_to_total=np.full(len(cutouts), 0.3),
        effective_radius=radius,
        flux=np.full(len(cutouts), 500.0),
        psf_fwhm_arcsec=cutouts.psf_fwhms * 0.2,
        psf_concentration=[c.psf_concentration or np.nan for c in cutouts],
    )
    write_folder(folder, catalog, cutouts)
    return open_folder(folder)


def test_truths_are_in_the_units_of_the_network():
    cutouts = galaxies(5)
    prediction = estimator().examine(cutouts, FEW)
    truth = np.tile([0.3, 0.8, 500.0], (5, 1))
    answers, points = within(prediction, cutouts, truth)
    inside = MORPHOLOGY.constrain(points).numpy()
    np.testing.assert_allclose(inside[:, 0], 0.3)
    np.testing.assert_allclose(inside[:, 1], 0.8 / cutouts.pixel_scales)
    np.testing.assert_allclose(inside[:, 2], 500 / prediction.sky_sigma)
    # The same probability below the truth as in the catalogue's units.
    below = prediction.posterior.cdf(torch.from_numpy(truth))[:, 1]
    mine = torch.from_numpy(ranks_of(answers, points))[:, 1]
    torch.testing.assert_close(mine, below)


def test_answers_do_not_depend_on_the_units_of_the_image():
    found = []
    for scale, unit in ((0.2, 1.0), (0.4, 8.0)):
        units = ({"pixel_scale": scale, "pixels": unit * cutout.pixels} for cutout in galaxies(4))
        cutouts = Cutouts.of(changed(c, **u) for c, u in zip(galaxies(4), units, strict=True))
        truth = np.tile([0.3, 4 * scale, 9 * unit], (4, 1))
        found.append(within(estimator().examine(cutouts, FEW), cutouts, truth))
    (one, here), (other, there) = found
    torch.testing.assert_close(one.features, other.features, equal_nan=True)
    torch.testing.assert_close(here, there)


@pytest.mark.usefixtures("few_are_enough")
def test_galaxies_that_cannot_be_used_are_counted_by_reason(tmp_path):
    cutouts = galaxies(8)
    folder = written(tmp_path, cutouts, [0.8, np.nan, -1.0, 0.8, 0.8, 0.8, 0.8, 0.8])
    (tmp_path / "cutouts" / cutouts[3].file_name).write_text("nothing")
    found = Evidence.of(estimator(), folder, FEW)
    assert len(found.answers) == len(found.points) == 5
    assert found.left_out[NO_TRUTH] == 2
    assert sum(found.left_out.values()) == 3
    kept = Cutouts.of(cutouts[place] for place in (0, 4, 5, 6, 7))
    expected = estimator().predict(kept, FEW).mixture.mean[:, 0]
    torch.testing.assert_close(found.answers.mixture.mean[:, 0], expected)


@pytest.mark.usefixtures("few_are_enough")
def test_a_true_length_says_nothing_where_the_pixel_scale_is_unknown(tmp_path):
    cutouts = Cutouts.of(
        changed(c, pixel_scale=None if place < 2 else 0.2) for place, c in enumerate(galaxies(6))
    )
    folder = written(tmp_path, cutouts, np.full(6, 0.8))
    found = Evidence.of(estimator(), folder, FEW)
    assert found.left_out == Counter({NO_SCALE: 2})
    assert len(found.points) == 4


def test_too_few_galaxies_are_refused_with_the_reason_before_any_work(tmp_path):
    folder = written(tmp_path, galaxies(6), [np.nan] * 4 + [0.8] * 2)
    with pytest.raises(UsageError, match=f"at least {LEAST} .*got 2; 4 left out: true values"):
        Evidence.of(Estimator.load("universal"), folder, FEW, progress=pytest.fail)
    with pytest.raises(UsageError, match=r"got 3$"):
        require_enough(3, Counter())
