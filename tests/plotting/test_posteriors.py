"""A page shows every parameter with its unit, a sheet every galaxy."""

from dataclasses import replace

import numpy as np
import pytest

from gampen.plotting.images import DrawnCrop
from gampen.plotting.posteriors import demo_sheet, posterior_page
from gampen.plotting.style import save

CROP = DrawnCrop(np.array([[0.5, 0, 0.1], [0, 0.5, 0]]), np.eye(12))
LABELS = ["bulge-to-total ratio", "effective radius [arcsec]", r"flux [$10^{3}$ image units]"]


def test_a_page_has_both_images_the_facts_and_a_corner_of_every_pair(cutouts, posterior):
    figure = posterior_page(cutouts[0], CROP, posterior)
    left, right = figure.subfigs
    assert len(left.axes) == 3
    drawn = [axes for axes in right.axes if axes.axison]
    assert len(drawn) == 3 + 3
    assert [axes.get_xlabel() for axes in right.axes[-3:]] == LABELS


def test_a_page_bears_the_galaxys_name_and_its_flags(cutouts, posterior):
    left, _ = posterior_page(cutouts[1], CROP, posterior, galaxy=1).subfigs
    assert left.get_suptitle() == "second"
    facts = left.axes[-1].texts[0].get_text()
    assert "pixel 0.168″" in facts
    assert "PSF 4.10 pixels" in facts
    assert "flag: zero point unknown" in facts


def test_a_marginal_is_headed_by_its_median_and_unit(cutouts, posterior):
    right = posterior_page(cutouts[0], CROP, posterior).subfigs[1]
    title = right.axes[4].get_title()
    written = float(title.removeprefix("$").partition("^")[0])
    assert written == pytest.approx(float(posterior["effective_radius"].median[0]), abs=5e-3)
    assert title.endswith(" arcsec")


def test_lengths_are_in_pixels_where_the_pixel_scale_is_unknown(cutouts, posterior):
    unknown = replace(cutouts[0], pixel_scale=None)
    right = posterior_page(unknown, CROP, posterior).subfigs[1]
    assert right.axes[4].get_title().endswith(" pixel")
    assert right.axes[7].get_xlabel() == "effective radius [pixel]"


def test_a_sheet_has_a_row_for_each_galaxy_with_bounded_parameters_shown_whole(cutouts, posterior):
    figure = demo_sheet(cutouts, [CROP, CROP], posterior)
    assert len(figure.axes) == 2 * 5
    assert [figure.axes[row * 5].get_ylabel() for row in (0, 1)] == ["first", "second"]
    assert [figure.axes[row * 5 + 2].get_xlim() for row in (0, 1)] == [(0, 1), (0, 1)]


@pytest.mark.parametrize("names", [["flux"], ["effective_radius", "flux"]])
def test_a_page_of_fewer_parameters_can_be_drawn(tmp_path, cutouts, posterior, names):
    fewer = posterior.marginal(*names)
    save(posterior_page(cutouts[0], CROP, fewer), tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 10_000


def test_equal_sheets_make_equal_files(tmp_path, cutouts, posterior):
    for name in ("one.png", "two.png"):
        save(demo_sheet(cutouts, [CROP, CROP], posterior), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
