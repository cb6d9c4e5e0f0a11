"""One galaxy in several posteriors, laid over each other."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gampen.errors import UsageError
from gampen.plotting.comparison import comparison_figure, shared_names


@pytest.fixture
def two(posterior):
    return {"near": posterior.select([0]), "far": posterior.select([1])}


def test_curves_are_the_exact_densities(two):
    figure = comparison_figure(two)
    for axes, name in zip(figure.axes, ("bulge_to_total", "effective_radius", "flux"), strict=True):
        for line, posterior in zip(axes.get_lines(), two.values(), strict=True):
            values, density = line.get_data()
            exact = posterior[name].pdf(torch.as_tensor(values)[:, None])[:, 0]
            assert np.allclose(density, exact.numpy())
            assert np.trapezoid(density, values) == pytest.approx(0.999, abs=1e-3)


def test_the_legend_has_the_words_given_and_colours_tell_them_apart(two):
    figure = comparison_figure(two)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["near", "far"]
    first, second = figure.axes[0].get_lines()
    assert first.get_color() != second.get_color()


def test_panels_are_what_is_named_or_what_all_have(two):
    assert len(comparison_figure(two, ["magnitude"]).axes) == 1
    without = {**two, "far": two["far"].marginal("flux", "effective_radius")}
    labels = [axes.get_xlabel() for axes in comparison_figure(without).axes]
    assert labels == ["effective radius [arcsec]", "flux [image units]"]
    assert shared_names(list(without.values())) == ["effective_radius", "flux"]


def test_the_magnitude_is_that_of_each_zero_point(two):
    later = replace(two["near"], zero_points=two["near"].zero_points + 1)
    figure = comparison_figure({"before": two["near"], "after": later}, ["magnitude"])
    before, after = (line.get_xdata() for line in figure.axes[0].get_lines())
    assert np.allclose(after - before, 1)


def test_the_truth_is_marked_where_it_is_given(two):
    figure = comparison_figure(two, truth={"effective_radius": 0.8})
    counts = [len(axes.get_lines()) for axes in figure.axes]
    assert counts == [2, 3, 2]
    assert figure.axes[1].get_lines()[-1].get_xdata()[0] == 0.8


def test_what_cannot_be_compared_is_refused(posterior, two):
    with pytest.raises(UsageError, match="one galaxy"):
        comparison_figure({"both": posterior})
    apart = {"a": two["near"].marginal("flux"), "b": two["far"].marginal("bulge_to_total")}
    with pytest.raises(UsageError, match="got none"):
        comparison_figure(apart)
