"""Teaching: a guard learns to tell kinds that can be told, and nothing from nothing."""

import pytest
import torch

from gampen.calibration.classifier import area
from gampen.cutouts import Flag
from gampen.network.guard import Kind
from gampen.training.guarding import Lesson, Teacher

KINDS = [Kind("shifted", Flag.TRAIL), Kind("wider", Flag.BLENDED)]
INPUTS = 6


def lesson(kind, seed, galaxies=300):
    numbers = torch.randn(galaxies, INPUTS, generator=torch.Generator().manual_seed(seed))
    if kind == 1:
        numbers[:, 0] += 3
    if kind == 2:
        numbers[:, 1] *= 5
    return Lesson(numbers, kind)


def teacher(seed=0):
    return Teacher.of(
        KINDS, [lesson(kind, seed + 10 * kind + n) for kind in (0, 0, 1, 2) for n in (0, 1)]
    )


def taught(steps=200, seed=1):
    school = teacher()
    guard = school.untaught(seed)
    losses = list(school.teach(guard, seed, steps))
    return guard.eval().requires_grad_(False), losses


def test_each_kind_is_told_from_none():
    guard, losses = taught()
    assert losses[-1] < losses[0]
    usual = guard(lesson(0, 99).evidence).odds.double().numpy()
    for place in (0, 1):
        odds = guard(lesson(place + 1, 98).evidence).odds.double().numpy()
        assert area(odds[:, place], usual[:, place]) > 0.85


def test_a_kind_that_is_like_none_is_told_by_chance():
    alike = [Lesson(lesson(0, seed).evidence, int(seed > 3)) for seed in range(8)]
    school = Teacher.of(KINDS[:1], alike)
    guard = school.untaught(0)
    list(school.teach(guard, 0, 100))
    with torch.no_grad():
        first, second = (guard.eval()(lesson(0, seed).evidence).odds[:, 0] for seed in (50, 51))
    # the standard error of an area of two samples of 300
    assert area(first.double().numpy(), second.double().numpy()) == pytest.approx(
        0.5, abs=4 * 0.024
    )


def test_the_same_seed_teaches_the_same_guard():
    (first, _), (again, _), (other, _) = taught(20), taught(20), taught(20, seed=2)
    pairs = [(first.state_dict(), again.state_dict()), (first.state_dict(), other.state_dict())]
    same = [all(torch.equal(one[name], two[name]) for name in one) for one, two in pairs]
    assert same == [True, False]
