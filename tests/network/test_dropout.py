"""Dropout masks: the same for every galaxy, and seeded."""

import copy
import math

import pytest
import torch

from gampen.network.dropout import Dropout, MapMasks, Masks, Share, share_batches
from gampen.probability.mixtures import collapse
from gampen.settings import NetworkSettings
from tiny import NETWORK, batch, network

WIDTHS = (16, 16)


def test_the_same_seed_gives_the_same_masks():
    one, other = (Masks.draw(8, WIDTHS, 0.3, seed=4) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.layers, other.layers, strict=True))


def test_another_seed_gives_other_masks():
    one, other = (Masks.draw(8, WIDTHS, 0.3, seed=seed) for seed in (4, 5))
    assert not torch.equal(one.layers[0], other.layers[0])


def test_the_global_generator_neither_decides_nor_notices():
    torch.manual_seed(1)
    before = torch.rand(1)
    torch.manual_seed(1)
    Masks.draw(8, WIDTHS, 0.3, seed=4)
    assert torch.equal(torch.rand(1), before)


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.1, 0.5])
def test_units_are_kept_at_the_expected_rate_and_scaled_for_it(rate):
    passes, width = 400, 500
    layer = Masks.draw(passes, (width,), rate, seed=0).layers[0]
    kept = float((layer > 0).float().mean())
    assert abs(kept - (1 - rate)) <= 5 * math.sqrt(rate * (1 - rate) / (passes * width))
    assert set(layer.unique().tolist()) <= {0.0, float(torch.tensor(1.0) / (1 - rate))}


def test_every_galaxy_meets_the_same_masks():
    built, frames = network(), batch(6).frames
    masks = Masks.draw(5, (NETWORK.hidden,) * 2, 0.3, seed=2)
    crop = built.transformer(frames.pixels)
    together = built.judge(frames, crop, masks)
    for number in range(5):
        single = Masks(tuple(layer[number : number + 1] for layer in masks.layers))
        alone = built.judge(frames, crop, single)
        torch.testing.assert_close(alone.means[0], together.means[number], rtol=1e-5, atol=1e-5)


def test_masks_that_keep_everything_change_nothing():
    built, frames = network(), batch(6).frames
    masks = Masks.draw(3, (NETWORK.hidden,) * 2, 0.0, seed=0)
    plain, masked = built(frames), built(frames, masks)
    torch.testing.assert_close(masked.means, plain.means.expand_as(masked.means))


def test_at_a_tiny_rate_the_mean_over_masks_is_that_of_the_whole_network():
    built, frames = network(), batch(6).frames
    plain = built(frames)
    merged, epistemic = collapse(built(frames, Masks.draw(2000, (16, 16), 1e-3, seed=0)))
    deviation = plain.covariance.diagonal(dim1=-2, dim2=-1).sqrt()
    assert float(((merged.mean - plain.mean) / deviation).abs().max()) < 0.02
    share = epistemic.diagonal(dim1=-2, dim2=-1) / merged.covariance.diagonal(dim1=-2, dim2=-1)
    assert float(share.max()) < 0.05


def test_a_larger_rate_gives_a_larger_epistemic_share():
    built, frames = network(), batch(6).frames
    shares = [
        float(collapse(built(frames, Masks.draw(100, (16, 16), rate, seed=0)))[1].diagonal().sum())
        for rate in (0.01, 0.1, 0.4)
    ]
    assert shares == sorted(shares)


def test_masks_before_convolutions_thin_every_galaxy_alike_and_keep_the_mean():
    maps = torch.ones(3, 8, 40, 40)
    masks = MapMasks(0.2, seed=1, number=5)
    thinned = masks(maps, 2)
    assert torch.equal(thinned[0], thinned[2])
    assert set(thinned.unique().tolist()) == {0.0, 1.25}
    assert float(thinned.mean()) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("other", [(MapMasks(0.2, 2, 5), 2), (MapMasks(0.2, 1, 6), 2)])
def test_masks_before_convolutions_differ_by_seed_and_pass(other):
    maps = torch.ones(1, 8, 8, 8)
    masks, place = other
    assert not torch.equal(masks(maps, place), MapMasks(0.2, 1, 5)(maps, 2))


def test_masks_before_convolutions_differ_by_convolution():
    maps = torch.ones(1, 8, 8, 8)
    masks = MapMasks(0.2, 1, 5)
    assert not torch.equal(masks(maps, 0), masks(maps, 1))


def test_in_training_each_galaxy_is_thinned_by_itself_and_at_prediction_none():
    settings = NetworkSettings(**{**vars(NETWORK), "dropout": 0.0, "map_dropout": 0.3})
    built, frames = network(settings), batch(6).frames
    plain, again = built(frames).means, built(frames).means
    assert torch.equal(plain, again)
    built.train()
    try:
        assert not torch.equal(built(frames).means, built(frames).means)
    finally:
        built.eval()


def parted(drop, whole, parts):
    """What processes make of a batch that they share, joined again."""
    found = []
    for number in range(parts):
        torch.manual_seed(4)
        drop.share = Share(number, parts)
        mine = drop.share.of(len(whole))
        found.append(drop(whole[mine.start : mine.stop]))
    return torch.cat(found)


@pytest.mark.parametrize("parts", [1, 2, 3, 6])
@pytest.mark.parametrize("shape", [(12, 40), (12, 5, 7, 6)])
def test_a_shared_batch_is_thinned_as_the_whole_one(shape, parts):
    whole = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    if len(shape) == 4:
        whole = whole.contiguous(memory_format=torch.channels_last)
    torch.manual_seed(4)
    expected = torch.nn.functional.dropout(whole, 0.4)
    torch.testing.assert_close(parted(Dropout(0.4), whole, parts), expected, rtol=0, atol=0)


def test_each_process_thins_its_own_galaxies():
    found = parted(Dropout(0.4), torch.ones(12, 40), 2)
    assert not torch.equal(found[:6], found[6:])


def test_a_shared_batch_is_not_thinned_at_prediction():
    drop = Dropout(0.4).eval()
    assert torch.equal(parted(drop, torch.ones(12, 40), 2), torch.ones(12, 40))


def test_a_network_whose_batches_are_shared_says_in_training_what_it_says_of_the_whole():
    settings = NetworkSettings(**{**vars(NETWORK), "dropout": 0.4, "map_dropout": 0.2})
    built, frames = copy.deepcopy(network(settings)).train(), batch(8).frames
    torch.manual_seed(3)
    expected = built(frames).means
    for number in range(2):
        share_batches(built, Share(number, 2))
        torch.manual_seed(3)
        mine = torch.arange(4 * number, 4 * number + 4)
        found = built(frames.select(mine)).means
        torch.testing.assert_close(found, expected[mine], rtol=1e-4, atol=1e-4)
