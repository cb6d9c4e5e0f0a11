"""What was seen is enough: what follows from it is what the network itself would say."""

import copy

import pytest
import torch

from gampen.network.recall import judge_recalled, recall
from tiny import batch, network, paired_network


@pytest.mark.parametrize("built", [network(), paired_network()])
def test_a_network_says_of_what_it_saw_what_it_says_of_the_image(built):
    frames = batch(16).frames
    said, recalled = built(frames), judge_recalled(built, recall(built, frames))
    for part in ("log_weights", "means", "precision_cholesky"):
        torch.testing.assert_close(
            getattr(recalled, part), getattr(said, part), rtol=1e-5, atol=1e-5
        )


def test_parts_behind_those_that_look_may_have_changed_since():
    frames = batch(16).frames
    changed = copy.deepcopy(network())
    generator = torch.Generator().manual_seed(1)
    for name in ("detail", "profile", "products", "shift", "head"):
        for weight in getattr(changed, name).parameters():
            weight.data += 0.02 * torch.randn(weight.shape, generator=generator)
    said, recalled = changed(frames), judge_recalled(changed, recall(network(), frames))
    torch.testing.assert_close(recalled.means, said.means, rtol=1e-4, atol=1e-4)
    before = network()(frames)
    assert float((said.means - before.means).abs().max()) > 0.01


def test_the_chosen_galaxies_are_recalled_in_the_order_chosen():
    whole = recall(network(), batch(16).frames)
    some = whole.select(torch.tensor([5, 2]))
    assert len(some) == 2
    assert torch.equal(some.light[0], whole.light[5])
    assert torch.equal(some.anchor[1], whole.anchor[2])
