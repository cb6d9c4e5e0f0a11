"""Learning rates by layer: the deeper, the lower."""

import pytest
from torch import nn

from gampen.training.rates import depths_of, rated
from tiny import network


def test_parts_that_are_told_the_same_are_of_one_depth():
    depths = depths_of(network())
    assert depths == {
        "head": 0,
        "shift": 1,
        "products": 2,
        "profile": 2,
        "detail": 2,
        "features": 3,
        "context": 4,
        "transformer": 5,
    }


def test_each_part_has_its_rate_and_none_is_left_out():
    built = network()
    weights = list(built.parameters())
    groups = rated(built, weights, 1e-2, 0.5)
    rate_of = {id(weight): group["lr"] for group in groups for weight in group["params"]}
    assert len(rate_of) == len(weights)
    for name, part in built.named_children():
        expected = 1e-2 * 0.5 ** depths_of(built)[name]
        assert all(rate_of[id(weight)] == pytest.approx(expected) for weight in part.parameters())


def test_only_free_weights_are_grouped():
    built = network()
    free = list(built.head.parameters())
    groups = rated(built, free, 1e-2, 0.5)
    assert [len(group["params"]) for group in groups] == [len(free)]


def test_of_a_network_of_other_parts_the_order_decides():
    other = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2))
    assert depths_of(other) == {"2": 0, "1": 1, "0": 2}


def test_without_decay_all_weights_are_one_group_in_their_order():
    weights = list(network().parameters())
    (group,) = rated(network(), weights, 1e-3, 1.0)
    assert all(one is other for one, other in zip(group["params"], weights, strict=True))
