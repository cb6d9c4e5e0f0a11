"""The original's network against its layers worked out again."""

import numpy as np
import pytest
import torch

from gampen.cutouts import Cutout, Cutouts
from gampen.errors import EstimatorError, GalaxyError
from gampen.estimator import Estimator
from gampen.inference.sampling import Sampling
from gampen.network.published import LAYERS, PublishedNetwork, before, finest, middle
from gampen.parameters import MORPHOLOGY, Parameter, ParameterSpace
from gampen.settings import PublishedSettings
from gampen.storage.published import read_published
from originals import REAL, WITHOUT, checkpoint, worked_out

TWO = ParameterSpace((Parameter("n", 0), Parameter("age")))
TWO_OUT = {"weight": (2, 32), "bias": (2,)}
AGREES = {"rtol": 1e-4, "atol": 1e-4}
EXACT = {"rtol": 0, "atol": 1e-9}
"""What is seen is in double precision; in single, a crop of 239 pixels is off by 1e-3."""
SCALE = {"location": torch.tensor([0.3, -0.2, 4.0]), "spread": torch.tensor([1.5, 0.6, 0.9])}


PUBLISHED = {"widths": REAL, "located": (64, 96), "dense": (64, 64)}
"""Layers of the published widths, but for the dense ones, to which a larger cutout is the same."""


def loaded(tmp_path, state, space=MORPHOLOGY, size=40, dropout=0.0):
    torch.save(state, tmp_path / "model.pt")
    weights = read_published(tmp_path / "model.pt")
    scale = {name: values[: len(space)].double() for name, values in SCALE.items()}
    return PublishedNetwork(space, PublishedSettings(size, dropout), weights | scale).eval()


def images(count, side, seed=0):
    """Something bright in the middle, and noise down to thousands below nought."""
    numbers = np.random.default_rng(seed)
    y, x = np.indices((side, side)) - (side - 1) / 2
    light = 500 * np.exp(-np.hypot(x, 1.4 * y) / 4)
    scales = numbers.uniform(0.5, 20, size=(count, 1, 1))
    return (scales * light + numbers.normal(size=(count, side, side))).astype(np.float32)


def compare(network, state, pictures, targets=3):
    seen = network.see(torch.from_numpy(pictures))
    mixture = network.judge(seen.crops)
    theta, crops, means, covariances = worked_out(state, pictures, targets)
    spread = network.spread.double().numpy()
    location = network.location.double().numpy()
    np.testing.assert_allclose(seen.theta.numpy(), theta, **EXACT)
    np.testing.assert_allclose(seen.crops.numpy()[:, 0], crops, **EXACT)
    np.testing.assert_allclose(seen.crops.numpy()[:, 2], crops, **EXACT)
    np.testing.assert_allclose(mixture.mean.numpy(), means * spread + location, **AGREES)
    expected = covariances * np.outer(spread, spread)
    np.testing.assert_allclose(mixture.covariance.numpy(), expected, **AGREES)


@torch.no_grad()
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("places", [{}, {"places": WITHOUT}], ids=["dropout", "plain"])
@pytest.mark.parametrize("kind", ["oc", "at", "drp"])
def test_maps_crops_means_and_covariances_are_those_of_the_formulas(tmp_path, kind, places, prefix):
    state = checkpoint(kind, prefix=prefix, **places)
    compare(loaded(tmp_path, state), state, images(3, 40))


@torch.no_grad()
@pytest.mark.parametrize("size", [33, 48, 57])
def test_cutouts_of_any_size_and_two_targets(tmp_path, size):
    state = checkpoint("at", size, targets=2, seed=size)
    compare(loaded(tmp_path, state, TWO, size), state, images(2, size), targets=2)


@torch.no_grad()
def test_a_network_of_the_published_widths(tmp_path):
    state = checkpoint("oc", 33, widths=REAL, located=(64, 96), dense=(4096, 4096))
    compare(loaded(tmp_path, state, size=33), state, images(1, 33))


@torch.no_grad()
@pytest.mark.parametrize("kind", ["oc", "at", "drp"])
@pytest.mark.parametrize("size", [143, 239])
def test_cutouts_of_the_published_sizes_are_as_exact(tmp_path, size, kind):
    state = checkpoint(kind, size, seed=size)
    compare(loaded(tmp_path, state, size=size), state, images(1, size))


@torch.no_grad()
def test_the_largest_cutouts_are_as_exact_in_layers_of_the_published_widths(tmp_path):
    state = checkpoint("drp", 239, seed=239, **PUBLISHED)
    compare(loaded(tmp_path, state, size=239), state, images(1, 239))


def test_what_is_not_precise_on_a_device_is_as_precise_as_can_be():
    assert finest(torch.device("mps")) == torch.float32
    assert finest(torch.device("cpu")) == finest(torch.device("cuda")) == torch.float64


def as_cutouts(pictures, **known):
    return Cutouts.of(
        Cutout(pixels=picture, object_id=str(n), **known) for n, picture in enumerate(pictures)
    )


def test_an_estimator_says_it_in_arcsec_and_image_units(tmp_path):
    state = checkpoint("drp")
    network, pictures = loaded(tmp_path, state), images(5, 40)
    _, _, means, covariances = worked_out(state, pictures)
    spread, location = SCALE["spread"].numpy(), SCALE["location"].numpy()
    for known in ({"pixel_scale": 0.168}, {}):
        prediction = Estimator(network, None).examine(as_cutouts(pictures, **known))
        mixture = prediction.posterior.mixture
        np.testing.assert_allclose(mixture.mean.numpy(), means * spread + location, **AGREES)
        expected = covariances * np.outer(spread, spread)
        np.testing.assert_allclose(mixture.covariance.numpy(), expected, **AGREES)


def test_a_galaxy_has_the_same_bits_in_any_company(tmp_path):
    estimator = Estimator(loaded(tmp_path, checkpoint(), dropout=0.05), None)
    pictures = images(6, 40)
    whole = estimator.predict(as_cutouts(pictures), Sampling(passes=3))
    alone = estimator.predict(as_cutouts(pictures[4:5]), Sampling(passes=3))
    assert torch.equal(whole.mixture.means[4:5], alone.mixture.means)
    mixed = Cutouts.of([*as_cutouts(images(2, 50)), *as_cutouts(pictures)])
    again = estimator.predict(mixed, Sampling(passes=3))
    assert torch.equal(again.mixture.means[2:], whole.mixture.means)


def test_passes_of_dropout_add_what_the_network_itself_does_not_know(tmp_path):
    state = checkpoint()
    pictures = as_cutouts(images(2, 40))
    plain = Estimator(loaded(tmp_path, state), None).predict(pictures)
    thinned = Estimator(loaded(tmp_path, state, dropout=0.1), None)
    some = thinned.predict(pictures, Sampling(passes=64))
    other = thinned.predict(pictures, Sampling(passes=64, seed=1))
    assert bool((plain.epistemic == 0).all())
    assert bool((some.epistemic.diagonal(dim1=1, dim2=2) > 0).all())
    assert torch.equal(
        some.mixture.means, thinned.predict(pictures, Sampling(passes=64)).mixture.means
    )
    assert not torch.equal(some.mixture.means, other.mixture.means)


@pytest.mark.parametrize("length", [40, 41, 60, 61, 29, 30])
def test_larger_images_are_cut_about_their_middle_and_smaller_ones_padded_with_sky(length):
    ramp = torch.arange(float(length))[None, None].expand(1, length, -1) + 1
    cut = middle(ramp, 40)
    assert cut.shape == (1, 40, 40)
    lead = before(length, 40)
    kept = cut[0, max(0, -lead), max(0, -lead) : max(0, -lead) + min(length, 40)]
    assert torch.equal(kept, ramp[0, 0, max(lead, 0) : max(lead, 0) + min(length, 40)])
    assert float(cut.sum()) == float(
        ramp[:, max(lead, 0) :, :][:, : min(length, 40), :][:, :, max(lead, 0) :][
            :, :, : min(length, 40)
        ].sum()
    )
    assert abs((length - 40) / 2 - lead) <= 0.5


def test_crops_lie_where_theta_says(tmp_path):
    """A plane is interpolated exactly, so a crop's pixels tell their places."""
    network = loaded(tmp_path, checkpoint("drp"))
    y, x = np.indices((50, 46))
    picture = (3.0 + 0.01 * x + 0.02 * y).astype(np.float32)
    (crop,) = Estimator(network, None).crops(as_cutouts([picture]))
    rows, columns = np.indices(crop.pixels.shape)
    places = np.stack([columns.ravel(), rows.ravel()])
    x, y = crop.matrix @ places + crop.shift[:, None]
    inside = (x > 4) & (x < 41) & (y > 6) & (y < 43)
    assert inside.sum() > 300
    found = np.arcsinh(crop.pixels.ravel()[inside])
    expected = np.arcsinh(3.0 + 0.01 * x + 0.02 * y)[inside]
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_an_estimator_of_it_is_one_file_like_any_other(tmp_path):
    estimator = Estimator(loaded(tmp_path, checkpoint(), dropout=7e-4), None, {"name": "old"})
    estimator.save(tmp_path / "old.safetensors")
    again = Estimator.load(tmp_path / "old.safetensors")
    pictures = as_cutouts(images(2, 40))
    assert again.network.settings == estimator.network.settings
    assert (again.prior, again.name, again.space) == (None, "old", estimator.space)
    few = Sampling(passes=2)
    assert torch.equal(
        again.predict(pictures, few).mixture.means, estimator.predict(pictures, few).mixture.means
    )


def test_numbers_that_are_none_are_a_galaxy_without_a_posterior(tmp_path):
    network = loaded(tmp_path, checkpoint())
    network.dense[2].bias.data[4] = 1e5
    with pytest.raises(GalaxyError, match="must return a distribution"):
        Estimator(network, None).predict(as_cutouts(images(1, 40)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t.pop("dense.1.bias"), "dense.1.bias are missing"),
        (lambda t: t.update(more=torch.zeros(1)), "others beside them"),
        (lambda t: t.update({"dense.0.weight": torch.zeros(11, 3)}), "dense.0 must be a layer of"),
        (lambda t: t.update({f"propose.1.{n}": torch.zeros(*s) for n, s in TWO_OUT.items()}),
         "1 or 3 or 6 outputs; got 2"),
        (lambda t: t.update(spread=torch.ones(2)), "scale of 3 labels"),
    ],
)  # fmt: skip
def test_tensors_that_make_no_such_network_are_refused(tmp_path, change, reason):
    network = loaded(tmp_path, checkpoint())
    tensors = dict(network.state_dict())
    assert len(tensors) == 2 * len(LAYERS) + 2
    change(tensors)
    with pytest.raises(EstimatorError, match=reason):
        PublishedNetwork(MORPHOLOGY, network.settings, tensors)
