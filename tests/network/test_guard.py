"""The guard: what is usual is near and quiet, and a file gives back what was put into it."""

import pytest
import torch

from gampen.cutouts import Flag
from gampen.network.guard import FALSE_ALARMS, Guard, Kind

KINDS = (Kind("one", Flag.TRAIL), Kind("other", Flag.BLENDED))
INPUTS = 12


def evidence(galaxies=4000, seed=0):
    """Correlated numbers."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(INPUTS, INPUTS, generator=torch.Generator().manual_seed(9))
    return 3 + torch.randn(galaxies, INPUTS, generator=generator) @ mixing


@pytest.fixture
def guard():
    torch.manual_seed(0)
    built = Guard(INPUTS, KINDS)
    built.standardise(evidence())
    return built.eval().requires_grad_(False)


def test_distance_is_one_on_average_for_what_is_usual(guard):
    distance = guard(evidence(seed=1)).distance
    assert float(distance.square().mean()) == pytest.approx(1, abs=0.05)


def test_what_breaks_a_correlation_is_far_though_each_number_is_usual(guard):
    shuffled = evidence(seed=2)
    for column in range(INPUTS):
        shuffled[:, column] = shuffled[:, column].roll(17 * column)
    assert float(guard(shuffled).distance.median()) > 2


def test_any_limit_is_exceeded_by_the_share_that_is_allowed_and_each_alike(guard):
    numbers = torch.randn(100_000, 4, generator=torch.Generator().manual_seed(4))
    numbers[:, 1] = 3 * numbers[:, 0] + 1  # two that go together cost no more than one
    guard.set_limits(numbers)
    exceeded = numbers > guard.limits
    assert float(exceeded.any(dim=1).double().mean()) == pytest.approx(FALSE_ALARMS, abs=1e-4)
    each = exceeded.double().mean(dim=0)
    assert each.tolist() == pytest.approx([FALSE_ALARMS / 3] * 4, rel=0.1)


def test_a_file_gives_back_the_guard_and_the_other_tensors(guard):
    others = {"weight": torch.ones(3)}
    back, rest = Guard.of_file(guard.tensors | others, guard.metadata)
    assert list(rest) == ["weight"]
    assert back.kinds == KINDS
    rows = evidence(5, seed=5)
    assert torch.equal(back(rows).odds, guard(rows).odds)
    assert torch.equal(back(rows).distance, guard(rows).distance)


def test_a_file_without_a_guard_has_none():
    others = {"weight": torch.ones(3)}
    assert Guard.of_file(others, {}) == (None, others)
