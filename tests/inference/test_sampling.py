"""Inference: one answer a galaxy, whatever it is run together with."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gampen.cutouts import Cutouts
from gampen.errors import GalaxyError, UsageError
from gampen.inference.sampling import Inferred, Sampling, frames_of, infer
from gampen.network.dropout import Masks
from gampen.network.symmetry import SYMMETRIES
from gampen.settings import NetworkSettings
from tiny import (
    NETWORK,
    PAIRED,
    changed,
    galaxies,
    network,
    network_of,
    paired_network,
    ragged,
)

NAMES = ("epistemic", "theta", "zoom", "sky_sigma")


def assert_same(one, other, tolerance=1e-5):
    for name in ("log_weights", "means", "precision_cholesky"):
        ours, theirs = getattr(one.mixture, name), getattr(other.mixture, name)
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)
    for name in NAMES:
        ours, theirs = getattr(one, name), getattr(other, name)
        torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_the_size_of_a_batch_does_not_matter(size):
    cutouts = ragged(20)
    usual = infer(network(), cutouts, Sampling(passes=8, batch_size=5))
    assert_same(infer(network(), cutouts, Sampling(passes=8, batch_size=size)), usual)


def test_the_order_of_the_galaxies_does_not_matter():
    cutouts = ragged(12)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    shuffled = infer(network(), cutouts.take(order.tolist()), Sampling(passes=8))
    assert_same(shuffled, infer(network(), cutouts, Sampling(passes=8)).select(order))


def test_a_galaxy_among_others_is_as_it_is_alone():
    cutouts = ragged(9)
    together = infer(network(), cutouts, Sampling(passes=8))
    for place in range(9):
        alone = infer(network(), cutouts.take([place]), Sampling(passes=8))
        assert_same(alone, together.select(torch.tensor([place])))


def test_the_same_seed_gives_the_same_answer_bit_for_bit():
    one, other = (infer(network(), ragged(9), Sampling(passes=8, seed=3)) for _ in range(2))
    assert torch.equal(one.mixture.means, other.mixture.means)
    assert torch.equal(one.epistemic, other.epistemic)


def test_another_seed_gives_another_draw_of_the_network():
    one, other = (infer(network(), ragged(9), Sampling(passes=8, seed=s)) for s in (0, 1))
    assert not torch.equal(one.mixture.means, other.mixture.means)


def turned_by(symmetry, cutouts):
    """The cutouts in another orientation."""
    return Cutouts.of(
        changed(
            c,
            pixels=symmetry.of(torch.from_numpy(c.pixels)).numpy(),
            bad=symmetry.of(torch.from_numpy(c.bad)).numpy(),
        )
        for c in cutouts
    )


@pytest.mark.parametrize("symmetry", SYMMETRIES[1:])
def test_looking_thoroughly_a_galaxy_is_the_same_in_any_orientation(symmetry):
    cutouts, sampling = ragged(6), Sampling(passes=8, thorough=True)
    turned = turned_by(symmetry, cutouts)
    one, other = infer(network(), cutouts, sampling), infer(network(), turned, sampling)
    torch.testing.assert_close(one.mixture.means, other.mixture.means, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(one.zoom, other.zoom, rtol=1e-6, atol=0)
    usual = infer(network(), turned, Sampling(passes=8))
    assert not torch.allclose(usual.mixture.means, other.mixture.means, atol=1e-4)


@pytest.mark.parametrize("symmetry", SYMMETRIES[1:])
def test_looking_thoroughly_a_pair_turns_with_its_galaxy(symmetry):
    cutouts, sampling = ragged(6), Sampling(passes=8, thorough=True)
    turned = turned_by(symmetry, cutouts)
    one, other = (infer(paired_network(), seen, sampling) for seen in (cutouts, turned))
    signs = torch.ones(4, dtype=torch.float64)
    signs[2:] = symmetry.wave(signs[2:])
    mean, covariance, epistemic = one.mixture.mean, one.mixture.covariance, one.epistemic
    torch.testing.assert_close(other.mixture.mean, signs * mean, rtol=1e-6, atol=1e-6)
    both = signs[:, None] * signs
    torch.testing.assert_close(other.mixture.covariance, both * covariance, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(other.epistemic, both * epistemic, rtol=1e-5, atol=1e-5)
    assert float(mean[:, 2:].abs().min()) > 1e-3


def test_how_far_a_mirror_image_is_judged_otherwise_is_epistemic():
    settings = replace(NETWORK, dropout=0.0)
    built = network_of(PAIRED, settings)
    thorough, usual = (infer(built, ragged(6), Sampling(thorough=t)) for t in (True, False))
    assert float(usual.epistemic.abs().max()) < 1e-12
    assert float(thorough.epistemic.diagonal(dim1=1, dim2=2).min()) > 1e-9


def test_what_is_inferred_of_pairs_is_the_networks_own_mixture():
    cutouts = galaxies(6)
    found = infer(paired_network(), cutouts, Sampling(passes=1))
    masks = Masks.of_head(NETWORK, 1, seed=0)
    frames = frames_of(list(cutouts))
    crop = paired_network().transformer(frames.pixels)
    expected = paired_network().judge(frames, crop, masks)
    torch.testing.assert_close(found.mixture.mean.float(), expected.mean[0], rtol=1e-4, atol=1e-4)
    ours, theirs = found.mixture.covariance.float(), expected.covariance[0]
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def test_a_single_pass_has_no_epistemic_variance():
    found = infer(network(), ragged(9), Sampling(passes=1))
    assert torch.equal(found.epistemic, torch.zeros(9, 3, 3))


def test_without_dropout_there_is_no_epistemic_variance():
    settings = NetworkSettings(**{**vars(NETWORK), "dropout": 0.0})
    found = infer(network(settings), ragged(9), Sampling(passes=16))
    assert float(found.epistemic.abs().max()) < 1e-9


def before_convolutions(rate, **others):
    """A network with dropout before every convolution."""
    return network(NetworkSettings(**{**vars(NETWORK), "map_dropout": rate, **others}))


@pytest.mark.parametrize("thorough", [False, True])
def test_dropout_before_the_convolutions_is_the_same_for_a_galaxy_in_any_company(thorough):
    built, cutouts = before_convolutions(0.05), ragged(5)
    sampling = Sampling(passes=4, batch_size=3, thorough=thorough)
    together = infer(built, cutouts, sampling)
    alone = [infer(built, cutouts.take([place]), sampling) for place in range(5)]
    assert_same(Inferred.cat(alone), together)


def test_dropout_before_the_convolutions_has_an_epistemic_part_of_its_own_that_grows_with_it():
    sampling = Sampling(passes=12)
    found = [
        infer(before_convolutions(rate, dropout=0.0), galaxies(6), sampling).epistemic
        for rate in (0.0, 0.01, 0.2)
    ]
    none, some, more = (float(part.diagonal(dim1=1, dim2=2).mean()) for part in found)
    assert none < 1e-9 < some < more


def test_another_seed_draws_other_masks_before_the_convolutions():
    built = before_convolutions(0.1, dropout=0.0)
    one, other = (infer(built, galaxies(2), Sampling(passes=3, seed=seed)) for seed in (1, 2))
    assert not torch.equal(one.mixture.means, other.mixture.means)


def test_the_passes_are_merged_as_the_law_of_total_variance_has_it():
    cutouts, sampling = galaxies(6), Sampling(passes=16, seed=2)
    found = infer(network(), cutouts, sampling)
    masks = Masks.of_head(NETWORK, 16, seed=2)
    passes = network()(frames_of(list(cutouts)), masks).to(torch.float64)
    means = passes.mean
    scatter = means - means.mean(dim=0)
    epistemic = (scatter[..., :, None] * scatter[..., None, :]).mean(dim=0)
    whole = passes.covariance.mean(dim=0) + epistemic
    torch.testing.assert_close(found.mixture.mean.double(), means.mean(dim=0), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.mixture.covariance.double(), whole, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(found.epistemic.double(), epistemic, rtol=1e-3, atol=1e-6)


def test_bad_pixels_are_not_looked_at():
    cutout = galaxies(1)[0]
    bad = np.zeros(cutout.shape, dtype=bool)
    bad[5:9, 5:9] = True
    spoilt = np.where(bad, np.float32(1e6), cutout.pixels)
    both = Cutouts((changed(cutout, bad=bad), changed(cutout, bad=bad, pixels=spoilt)))
    found = infer(network(), both, Sampling(passes=2))
    torch.testing.assert_close(found.mixture.means[0], found.mixture.means[1])


def test_no_galaxies_are_no_answer_and_no_error():
    found = infer(network(), Cutouts(()), Sampling(passes=2))
    assert isinstance(found, Inferred)
    assert len(found.mixture) == len(found.zoom) == 0
    assert found.mixture.means.shape == (0, NETWORK.components, 3)


def test_a_network_that_returns_no_numbers_is_the_galaxys_error():
    with torch.no_grad():
        torch.manual_seed(0)
        broken = type(network())(network().space, NETWORK)
        broken.head.last.bias.fill_(torch.nan)
    for passes in (1, 4):
        with pytest.raises(GalaxyError, match="must return a distribution"):
            infer(broken, galaxies(2), Sampling(passes=passes))


@pytest.mark.parametrize(
    ("field", "value"),
    [("passes", 0), ("passes", -3), ("batch_size", 0), ("seed", -1), ("seed", 2**32)],
)
def test_counts_and_seeds_that_make_no_sense_are_refused(field, value):
    with pytest.raises(UsageError, match=field):
        Sampling(**{field: value})


@pytest.mark.parametrize("device", ["nonsense", "meta", "cuda:99", ""])
def test_a_device_that_is_not_there_is_refused_in_one_line(device):
    with pytest.raises(UsageError, match="device must be usable here") as told:
        Sampling(device=device)
    assert "\n" not in str(told.value)
