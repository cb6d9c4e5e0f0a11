"""Roots of families of functions, the awkward ones among them."""

import torch

from gampen.probability.roots import Bracket, find_roots


def family(values, slopes):
    """A family from functions of a point and the number of the function."""

    def some(which):
        return lambda points: (values(points, which), slopes(points, which))

    return some


def bracket(low, high, rising=True, start=None):
    """A bracket for each function, searched from its middle."""
    low, high = (
        torch.as_tensor(low, dtype=torch.float64),
        torch.as_tensor(high, dtype=torch.float64),
    )
    start = 0.5 * (low + high) if start is None else torch.as_tensor(start, dtype=torch.float64)
    return Bracket(low, high, start, torch.full((1,), rising))


def test_cube_roots_are_found_together():
    targets = torch.tensor([-8.0, 0.0, 1e-6, 27.0], dtype=torch.float64)
    cubes = family(lambda x, which: x**3 - targets[which], lambda x, _: 3 * x**2)
    roots = find_roots(cubes, bracket([-10.0] * 4, [10.0] * 4))
    torch.testing.assert_close(
        roots, torch.tensor([-2, 0, 0.01, 3], dtype=torch.float64), rtol=0, atol=1e-11
    )


def test_falling_functions_are_found_too():
    falling = family(lambda x, _: 2 - x.exp(), lambda x, _: -x.exp())
    root = find_roots(falling, bracket([-30.0], [30.0], rising=False))
    torch.testing.assert_close(root, torch.tensor([2.0], dtype=torch.float64).log())


def test_an_infinite_slope_at_the_edge_is_no_proof_of_a_root():
    roots = family(lambda x, _: x.sqrt() - 0.3, lambda x, _: 0.5 * x.rsqrt())
    root = find_roots(roots, bracket([0.0], [1.0], start=[0.0]))
    torch.testing.assert_close(root, torch.tensor([0.09], dtype=torch.float64))


def test_a_step_between_flat_stretches_is_found():
    step = family(lambda x, _: torch.tanh(1e6 * (x - 0.7)), lambda x, _: 0 * x)
    root = find_roots(step, bracket([-100.0], [1.0]))
    torch.testing.assert_close(root, torch.tensor([0.7], dtype=torch.float64), rtol=0, atol=1e-10)


def test_a_point_bracket_is_its_own_root_and_nan_stays_nan():
    line = family(lambda x, _: x - 5, lambda x, _: torch.ones_like(x))
    roots = find_roots(line, bracket([2.0, float("nan"), 0.0], [2.0, 3.0, 9.0]))
    torch.testing.assert_close(
        roots, torch.tensor([2, torch.nan, 5], dtype=torch.float64), equal_nan=True
    )


def test_no_functions_have_no_roots():
    line = family(lambda x, _: x, lambda x, _: torch.ones_like(x))
    assert len(find_roots(line, bracket([], []))) == 0


def test_a_root_does_not_depend_on_its_neighbours():
    targets = torch.linspace(0.1, 50, 40, dtype=torch.float64)

    def roots(chosen):
        some = targets[chosen]
        exponentials = family(lambda x, which: x.exp() - some[which], lambda x, _: x.exp())
        return find_roots(exponentials, bracket([-9.0] * len(some), [9.0] * len(some)))

    assert torch.equal(roots(torch.arange(40))[7:9], roots(torch.tensor([7, 8])))
