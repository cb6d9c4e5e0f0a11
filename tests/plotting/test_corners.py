"""The figure of corner: its histograms under the exact marginals, weighted or not."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gampen import LogNormal, LogUniform, Prior
from gampen.plotting.corners import corner_figure
from gampen.plotting.style import save


def heights(figure, place):
    """A histogram's heights and the exact curve at the middle of its bins."""
    axes = figure.axes[4 * place]
    corners = axes.patches[0].get_xy()
    edges, tops = corners[::2, 0], corners[1::2, 1]
    x, y = axes.lines[0].get_data()
    middle = 0.5 * (edges[1:] + edges[:-1])
    found = tops[: len(middle)]
    return found, np.interp(middle, x, y)


@pytest.mark.parametrize("prior", [None, Prior({"effective_radius": LogNormal(0.85, 0.08)})])
def test_histograms_follow_the_exact_marginals(posterior, prior):
    known = replace(posterior, prior=Prior({"effective_radius": LogUniform()}))
    figure = corner_figure(known, 1, draws=40_000, prior=prior)
    assert len(figure.axes) == 9
    for place in range(3):
        found, exact = heights(figure, place)
        # 40 bins of 40,000 draws: a bin at the peak scatters by 2 %, more when draws are weighted.
        assert np.abs(found - exact).max() < 0.12 * exact.max()
        assert np.abs(found - exact).mean() < 0.03 * exact.max()


def test_labels_have_units_and_the_truth_is_marked(posterior):
    figure = corner_figure(posterior, truth=torch.tensor([0.4, 0.8, 2e4]))
    labels = [axes.get_xlabel() for axes in figure.axes[-3:]]
    assert labels == [
        "bulge-to-total ratio",
        "effective radius [arcsec]",
        r"flux [$10^{3}$ image units]",
    ]
    assert 20.0 in [line.get_xdata()[0] for line in figure.axes[-1].lines]


def test_the_same_seed_draws_the_same_picture(posterior, tmp_path):
    for name in ("a.png", "b.png"):
        save(corner_figure(posterior, draws=2000, seed=4), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
