"""Training runs: gone on with bit for bit, wherever they were left."""

from dataclasses import replace

import pytest
import torch

from gampen.estimator import Estimator
from gampen.parameters import MORPHOLOGY
from gampen.storage.runfiles import write_settings
from gampen.training.devices import Devices, launched
from gampen.verbs.courses import validation_batches
from gampen.verbs.ledger import until
from gampen.verbs.lessons import to_batch
from gampen.verbs.train import Run, TrainRequest, train
from tiny import RUN, TRAINING, scenes


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Runs that set their scale by few galaxies."""
    monkeypatch.setattr("gampen.verbs.train.START_GALAXIES", 32)


@pytest.fixture
def request_of(tmp_path):
    """A run by the name of its folder."""
    write_settings(RUN, tmp_path / "run.toml")
    return lambda name: TrainRequest(tmp_path / "run.toml", tmp_path / name)


def left_at(request, step):
    """Train until a step is reported, then leave."""
    run = train(request)
    for progress in run:
        if progress.report.step >= step:
            run.close()
            return


@pytest.mark.parametrize("step", [4, 10])
def test_a_run_that_was_left_and_gone_on_with_is_the_run_that_was_not(request_of, step):
    whole, broken = request_of("whole"), request_of("broken")
    list(train(whole))
    left_at(broken, step)
    reports = [progress.report.step for progress in train(broken)]
    assert reports == ([8, 10, 12] if step == 4 else [10, 12])
    for name in ("history.csv", "best.safetensors", "run.toml"):
        assert (broken.out / name).read_bytes() == (whole.out / name).read_bytes()
    one, other = (torch.load(r.out / "last.pt", weights_only=True) for r in (whole, broken))
    for part in ("network", "average"):
        assert all(torch.equal(one[part][name], other[part][name]) for name in one[part])


def test_the_best_estimator_is_kept_when_later_ones_are_worse(request_of, monkeypatch):
    scores = iter([3.0, 1.0, 2.0])
    judged = []

    def judge(_network, batches):
        from gampen.training.validation import Validation

        judged.append(len(batches))
        return Validation(next(scores), 0.1, 0.5, 0.1)

    monkeypatch.setattr("gampen.training.fit.validate", judge)
    request = request_of("run")
    saved = [progress.saved for progress in train(request) if progress.report.validation]
    best = request.out / "best.safetensors"
    assert saved == [best, best, None]
    assert judged == [2, 2, 2]


def test_rows_of_the_history_beyond_the_checkpoint_are_dropped():
    from gampen.catalog import Catalog

    history = Catalog.of(step=[4, 8, 12], nll=[3.0, 2.0, 1.0])
    assert until(history, 8)["step"].values.tolist() == [4, 8]
    assert len(until(history, 3)) == 0


def test_held_out_galaxies_are_never_those_that_are_trained_on():
    held_out = validation_batches(RUN)
    assert sum(len(part.frames) for part in held_out) == TRAINING.validation_galaxies
    again = validation_batches(RUN)
    assert all(torch.equal(a.truth, b.truth) for a, b in zip(held_out, again, strict=True))


def test_a_run_of_few_simulations_shows_them_again_and_again_and_counts_them_once(request_of):
    request = request_of("few")
    few = replace(RUN, training=replace(TRAINING, simulations=3 * TRAINING.batch_size))
    write_settings(few, request.runfile)
    run = Run.start(request, few, None, launched(Devices()))
    first = [run.course.lesson(step).truth for step in range(6)]
    assert all(torch.equal(first[step], first[step + 3]) for step in range(3))
    assert not torch.equal(first[0], first[1])
    list(train(request))
    trained = Estimator.load(request.out / "best.safetensors")
    assert trained.provenance["simulations_seen"] == str(3 * TRAINING.batch_size)


def test_the_truth_of_a_batch_is_in_pixels_and_sky_sigmas():
    drawn = scenes(8)
    batch = to_batch(drawn, MORPHOLOGY)
    ratio, radius, flux = MORPHOLOGY.constrain(batch.truth).unbind(1)
    torch.testing.assert_close(ratio, drawn.values["bulge_to_total"])
    torch.testing.assert_close(radius, drawn.values["effective_radius"])
    torch.testing.assert_close(flux, drawn.values["flux"] / batch.frames.sky_sigma)
