"""Bijections agree with automatic differentiation and with their own inverses."""

import pytest
import torch
from hypothesis import given

from gampen.probability.bijections import Exponential, Logistic
from strategies import bijections, numbers


@given(bijections, numbers((5,), -6, 6))
def test_the_inverse_leads_back(bijection, points):
    torch.testing.assert_close(bijection.inverse(bijection.forward(points)), points)


@given(bijections, numbers((5,), -6, 6))
def test_slopes_are_the_derivatives_of_the_values(bijection, points):
    points.requires_grad_()
    (slope,) = torch.autograd.grad(bijection.forward(points).sum(), points)
    torch.testing.assert_close(bijection.log_slope(points), slope.log())


@pytest.mark.parametrize("bijection", [Exponential(2.0), Logistic(-1.0, 3.0)])
def test_gradient_and_curvature_are_the_derivatives_of_the_log_slope(bijection):
    points = torch.linspace(-8, 8, 33, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(
        bijection.log_slope(points).sum(), points, create_graph=True, materialize_grads=True
    )
    torch.testing.assert_close(bijection.log_slope_gradient(points), gradient)
    if gradient.requires_grad and isinstance(bijection, Logistic):
        (curvature,) = torch.autograd.grad(gradient.sum(), points)
        torch.testing.assert_close(bijection.log_slope_curvature(points), curvature)


def test_the_slope_keeps_its_digits_where_the_value_has_reached_its_bound():
    far = torch.tensor([-200.0, 200.0], dtype=torch.float64)
    torch.testing.assert_close(Logistic(0.0, 1.0).log_slope(far), -far.abs())
