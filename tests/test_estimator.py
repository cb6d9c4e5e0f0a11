"""The estimator: one file in, the same file out, and posteriors in physical units."""

import json
import math
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from gampen.calibration.conformal import CredibleLevels
from gampen.calibration.corrections import Correction
from gampen.calibration.recalibration import Recalibration
from gampen.cutouts import Cutout, Cutouts, Flag
from gampen.errors import EstimatorError
from gampen.estimator import FORMAT, Estimator, locate
from gampen.inference.sampling import Sampling
from gampen.settings import NetworkSettings
from gampen.shipped import shipped_names
from gampen.storage.estimators import read_tensors, write_tensors
from tiny import NETWORK, SIMULATION, changed, estimator, galaxies, network, ragged

FEW = Sampling(passes=4)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tiny.safetensors"
    estimator().save(path)
    return path


def assert_same(one, other):
    for name in ("log_weights", "means", "precision_cholesky"):
        assert torch.equal(getattr(one.mixture, name), getattr(other.mixture, name))
    assert torch.equal(one.epistemic, other.epistemic)


def test_what_is_saved_is_loaded(file):
    loaded, built = Estimator.load(file), estimator()
    assert loaded.name == "tiny"
    assert loaded.space == built.space
    assert loaded.prior == built.prior
    assert loaded.network.settings == built.network.settings
    assert_same(loaded.predict(ragged(), FEW), built.predict(ragged(), FEW))


def test_what_is_no_cutouts_is_refused_in_one_line():
    """In a process of its own: types are checked while tests run, and this one has a wrong type."""
    code = """if True:
        import numpy as np
        from gampen import Cutout, Estimator, UsageError
        cutout = Cutout(np.eye(48), object_id="a", pixel_scale=0.2)
        estimator = Estimator.load("universal")
        for given in ([cutout], cutout, cutout.pixels):
            try:
                estimator.predict(given)
            except UsageError as error:
                print(error)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    kinds = ["list", "Cutout", "ndarray"]
    said = "galaxies must be given as Cutouts; got {}: Cutouts.of"
    assert [line.startswith(said.format(k)) for line, k in zip(lines, kinds, strict=True)] == [
        True
    ] * 3


def test_a_loaded_estimator_is_saved_as_the_same_bytes(file, tmp_path):
    Estimator.load(file).save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == file.read_bytes()


def test_a_loaded_estimator_knows_the_digest_of_its_file(file):
    digest = Estimator.load(file).provenance["sha256"]
    assert len(digest) == 64
    assert digest == read_tensors(file)[1]["sha256"]


def test_every_byte_that_is_altered_is_noticed(file):
    content = file.read_bytes()
    generator = np.random.default_rng(0)
    for place in generator.integers(0, len(content), 40):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(generator.integers(8))
        file.write_bytes(bytes(damaged))
        with pytest.raises(EstimatorError) as told:
            Estimator.load(file)
        assert "\n" not in str(told.value)


@pytest.mark.parametrize("content", [b"", b"text", b"\x00" * 100, bytes(range(256)) * 9])
def test_what_is_no_estimator_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "other.safetensors"
    path.write_bytes(content)
    with pytest.raises(EstimatorError, match=r"other\.safetensors") as told:
        Estimator.load(path)
    assert "\n" not in str(told.value)


def test_a_truncated_estimator_is_refused(file):
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(EstimatorError):
        Estimator.load(file)


def test_another_format_is_refused(file, tmp_path):
    tensors, metadata = read_tensors(file)
    write_tensors(tmp_path / "new.safetensors", tensors, {**metadata, "format": "gampen 99"})
    with pytest.raises(EstimatorError, match=f"must be a '{FORMAT}'; got 'gampen 99'"):
        Estimator.load(tmp_path / "new.safetensors")


def recalibrated():
    """The tiny estimator, drawn out by two, with its flux moved up by half a deviation."""
    log_scale = torch.full((3,), math.log(2.0), dtype=torch.float64)
    shift = torch.tensor([0.0, 0.0, 0.5], dtype=torch.float64)
    levels = CredibleLevels.of(np.linspace(0.01, 0.99, 60))
    return replace(
        estimator(), recalibration=Recalibration((Correction(log_scale, shift),), levels)
    )


def test_a_recalibration_is_applied_to_every_posterior():
    plain, found = (built.predict(ragged(), FEW) for built in (estimator(), recalibrated()))
    moved = 0.5 * plain.mixture.covariance[:, 2, 2].sqrt()
    torch.testing.assert_close(found.mixture.mean[:, 2], plain.mixture.mean[:, 2] + moved)
    torch.testing.assert_close(found.mixture.covariance, 4 * plain.mixture.covariance)
    torch.testing.assert_close(found.epistemic, 4 * plain.epistemic)


def test_a_recalibration_is_saved_with_the_estimator(tmp_path):
    path, again = tmp_path / "one.safetensors", tmp_path / "again.safetensors"
    recalibrated().save(path)
    loaded = Estimator.load(path)
    assert loaded.recalibration.stages == (1,)
    assert loaded.recalibration.levels.level_of(
        0.5
    ) == recalibrated().recalibration.levels.level_of(0.5)
    assert_same(loaded.predict(ragged(), FEW), recalibrated().predict(ragged(), FEW))
    loaded.save(again)
    assert again.read_bytes() == path.read_bytes()


def test_the_digest_covers_the_recalibration(file, tmp_path):
    path = tmp_path / "recalibrated.safetensors"
    recalibrated().save(path)
    digests = {Estimator.load(place).provenance["sha256"] for place in (file, path)}
    assert len(digests) == 2


def test_a_recalibration_that_was_altered_is_refused(tmp_path):
    path = tmp_path / "recalibrated.safetensors"
    recalibrated().save(path)
    content = path.read_bytes()
    scale = np.float64(math.log(2.0)).tobytes()
    assert content.count(scale) == 3
    path.write_bytes(content.replace(scale, np.float64(math.log(2.5)).tobytes()))
    with pytest.raises(EstimatorError, match="altered"):
        Estimator.load(path)


def test_a_recalibration_that_is_not_whole_is_refused_in_one_line(tmp_path):
    path = tmp_path / "recalibrated.safetensors"
    recalibrated().save(path)
    tensors, metadata = read_tensors(path)
    told = {key: text for key, text in metadata.items() if key != "recalibration"}
    fewer = {name: value for name, value in tensors.items() if not name.endswith(".shift")}
    short = {**tensors, "recalibration.0.shift": tensors["recalibration.0.shift"][:2]}
    for part in ((fewer, metadata), (short, metadata), (tensors, told)):
        write_tensors(path, *part)
        with pytest.raises(EstimatorError, match="whole estimator") as refused:
            Estimator.load(path)
        assert "\n" not in str(refused.value)


def test_the_shipped_estimators_are_not_recalibrated():
    assert all(not Estimator.load(name).recalibration.stages for name in shipped_names())


WHOLE = {"{}", '{"name": [1]}'}  # which are provenances


@pytest.mark.parametrize(
    ("missing", "instead"),
    [
        (missing, instead)
        for missing in ("parameters", "network", "prior", "provenance")
        for instead in (None, "{}", "[]", "3", "nonsense", '{"name": [1]}')
        if missing != "provenance" or instead not in WHOLE
    ],
)
def test_metadata_that_are_not_whole_are_refused_in_one_line(file, tmp_path, missing, instead):
    tensors, metadata = read_tensors(file)
    metadata.pop(missing)
    if instead is not None:
        metadata[missing] = instead
    path = tmp_path / "part.safetensors"
    write_tensors(path, tensors, metadata)
    with pytest.raises(EstimatorError) as told:
        Estimator.load(path)
    assert "\n" not in str(told.value)


def test_weights_that_are_missing_or_of_another_shape_are_refused(file, tmp_path):
    tensors, metadata = read_tensors(file)
    fewer = {name: value for name, value in tensors.items() if name != "head.last.bias"}
    reshaped = {**tensors, "head.last.bias": tensors["head.last.bias"][:-1]}
    renamed = {**fewer, "head.last.other": tensors["head.last.bias"]}
    for changed_tensors in (fewer, reshaped, renamed):
        write_tensors(tmp_path / "part.safetensors", changed_tensors, metadata)
        with pytest.raises(EstimatorError, match="whole estimator") as told:
            Estimator.load(tmp_path / "part.safetensors")
        assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "name", ["nonsense", "../universal", "", "a/b", ".", "x" * 5000, "universal.safetensors"]
)
def test_a_name_of_no_estimator_is_refused_with_those_there_are(name):
    with pytest.raises(EstimatorError, match="must be a file or one of") as told:
        locate(name)
    assert "\n" not in str(told.value)
    assert all(known in str(told.value) for known in shipped_names())


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_estimator_is_found_by_its_name_and_predicts(name):
    shipped = Estimator.load(name)
    assert shipped.name == name
    assert json.loads(shipped.space.to_json())
    posterior = shipped.predict(galaxies(2), FEW)
    assert bool(posterior.median.isfinite().all())


def test_the_parts_of_the_variance_add_up_to_the_whole():
    posterior = estimator().predict(ragged(), Sampling(passes=16))
    total = posterior.aleatoric_covariance + posterior.epistemic_covariance
    torch.testing.assert_close(total, posterior.mixture.covariance)
    assert bool((posterior.aleatoric_covariance.diagonal(dim1=1, dim2=2) > 0).all())
    fraction = posterior.epistemic_fraction
    assert bool(((fraction > 0) & (fraction < 1)).all())


def test_one_pass_without_dropout_has_no_epistemic_part():
    settings = NetworkSettings(**{**vars(NETWORK), "dropout": 0.0})
    posterior = estimator(settings).predict(ragged(), Sampling(passes=1))
    assert torch.equal(posterior.epistemic_covariance, torch.zeros(9, 3, 3, dtype=torch.float64))


@pytest.mark.parametrize("size", [1, 7, 64])
def test_the_size_of_a_batch_changes_no_posterior(size):
    one = estimator().predict(ragged(20), Sampling(passes=4, batch_size=size))
    other = estimator().predict(ragged(20), Sampling(passes=4, batch_size=5))
    torch.testing.assert_close(one.median, other.median, rtol=1e-5, atol=0)
    torch.testing.assert_close(one.covariance, other.covariance, rtol=1e-4, atol=0)


def test_a_pixel_scale_twice_as_large_is_a_radius_twice_as_large():
    one, other = (
        estimator().predict(Cutouts.of(changed(c, pixel_scale=scale) for c in galaxies(4)), FEW)
        for scale in (0.2, 0.4)
    )
    torch.testing.assert_close(other.median[:, 1], 2 * one.median[:, 1])
    torch.testing.assert_close(other.median[:, [0, 2]], one.median[:, [0, 2]])


def test_an_unknown_pixel_scale_leaves_the_radius_in_pixels():
    known = Cutouts.of(changed(c, pixel_scale=1.0) for c in galaxies(4))
    unknown = Cutouts.of(changed(c, pixel_scale=None) for c in galaxies(4))
    one, other = (estimator().examine(cutouts, FEW) for cutouts in (known, unknown))
    torch.testing.assert_close(one.posterior.median, other.posterior.median)
    assert all(flags & Flag.PIXEL_SCALE_UNKNOWN for flags in other.flags)


@pytest.mark.parametrize("unit", [2.0**-40, 8.0, 2.0**30])
def test_the_unit_of_the_image_is_the_unit_of_the_flux(unit):
    scaled = Cutouts.of(changed(c, pixels=c.pixels * np.float32(unit)) for c in galaxies(4))
    one, other = (estimator().examine(cutouts, FEW) for cutouts in (galaxies(4), scaled))
    torch.testing.assert_close(other.posterior.median[:, 2], unit * one.posterior.median[:, 2])
    torch.testing.assert_close(other.posterior.median[:, :2], one.posterior.median[:, :2])
    np.testing.assert_allclose(other.sky_sigma, unit * one.sky_sigma)


def test_a_zero_point_gives_the_magnitude_of_the_flux():
    posterior = estimator().predict(galaxies(4), FEW)
    expected = 27.0 - 2.5 * posterior.median[:, 2].log10()
    torch.testing.assert_close(posterior.magnitude().median, expected)


def test_what_is_known_of_a_galaxy_stays_with_it():
    cutouts = ragged()
    found = estimator().examine(cutouts, FEW)
    assert found.posterior.object_ids.tolist() == list(cutouts.object_ids)
    assert found.flags.dtype == np.int32
    assert found.crop_theta.shape == (9, 2, 3)
    assert len(found.sky_sigma) == len(found.crop_scale) == 9
    assert bool(((found.sky_sigma > 0.02) & (found.sky_sigma < 0.15)).all())


def test_the_stated_crop_scale_is_that_of_the_map_on_a_square_frame():
    found = estimator().examine(galaxies(4), FEW)
    np.testing.assert_allclose(
        np.sqrt(np.linalg.det(found.crop_theta[:, :, :2])), found.crop_scale, rtol=1e-5
    )


def test_no_galaxies_have_a_posterior_of_none():
    found = estimator().examine(Cutouts(()), FEW)
    assert len(found.posterior) == len(found.flags) == 0


def test_predicting_changes_nothing_in_the_estimator(tmp_path):
    built = estimator()
    built.save(tmp_path / "before.safetensors")
    built.predict(ragged(), FEW)
    built.save(tmp_path / "after.safetensors")
    before, after = (tmp_path / f"{name}.safetensors" for name in ("before", "after"))
    assert before.read_bytes() == after.read_bytes()


def test_an_estimator_without_a_name_says_so():
    assert Estimator(network(), SIMULATION).name == "unnamed"


def test_a_cutout_alone_is_enough():
    pixels = galaxies(1)[0].pixels
    posterior = estimator().predict(Cutouts((Cutout(pixels=pixels),)), FEW)
    assert all(math.isfinite(value) for value in posterior.median[0].tolist())


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_no_numbers_are_refused(file, value):
    tensors, metadata = read_tensors(file)
    tensors["head.last.bias"][1] = value
    write_tensors(file, tensors, metadata)
    with pytest.raises(EstimatorError, match="every weight must be a finite number"):
        Estimator.load(file)


@pytest.mark.parametrize(
    "claim",
    [
        {"hidden": 10**6},
        {"hidden": 10**12},
        {"widths": [8, 10**5]},
        {"widths": [10**5] * 3, "blocks": 0},
        {"blocks": 10**9},
        {"components": 10**9},
        {"crop_size": 2**20},
        {"widths": [8] * 40},
        {"views": [1.0] * 10**5},
        {"stem_stride": 2**30, "crop_size": 2**31},
    ],
)
def test_a_network_that_its_weights_cannot_fill_is_refused_before_it_is_built(file, claim):
    tensors, metadata = read_tensors(file)
    network = {**json.loads(metadata["network"]), **claim}
    write_tensors(file, tensors, {**metadata, "network": json.dumps(network)})
    start = time.process_time()
    with pytest.raises(EstimatorError, match="must hold a whole estimator") as told:
        Estimator.load(file)
    assert "\n" not in str(told.value)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("name", ["parameters", "network", "prior", "provenance"])
@pytest.mark.parametrize("bomb", ["[" * 10**5, '{"a":' * 10**5, '{"seed": 1e999}', "9" * 10_000])
def test_metadata_nested_without_end_are_refused_in_one_line(file, name, bomb):
    tensors, metadata = read_tensors(file)
    write_tensors(file, tensors, {**metadata, name: bomb})
    with pytest.raises(EstimatorError) as told:
        Estimator.load(file)
    assert "\n" not in str(told.value)


def test_an_endless_space_of_parameters_is_refused(file):
    tensors, metadata = read_tensors(file)
    first = json.loads(metadata["parameters"])[0]
    many = [{**first, "name": f"p{number}"} for number in range(2000)]
    write_tensors(file, tensors, {**metadata, "parameters": json.dumps(many)})
    with pytest.raises(EstimatorError, match="must be the one whose weights follow"):
        Estimator.load(file)
