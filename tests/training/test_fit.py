"""Fitting: the loss falls, a run resumes bit for bit, and one that diverges says so."""

import copy
import math
from dataclasses import replace

import pytest
import torch

from gampen.errors import TrainingError, UsageError
from gampen.network.devices import usable_device
from gampen.network.network import GampenNetwork
from gampen.network.transformer import LEAST_ZOOM
from gampen.parameters import MORPHOLOGY
from gampen.training.batches import Batch
from gampen.training.devices import fabric_for
from gampen.training.fit import Fit, ahead
from gampen.training.loss import WANTED_RADII, stray, within_reach
from gampen.training.validation import Validation, validate
from tiny import NETWORK, TRAINING, batch, lively, source


def fit_of(settings=TRAINING, network=NETWORK):
    torch.manual_seed(0)
    built = GampenNetwork(MORPHOLOGY, network)
    start = batch(64)
    built.standardise(start.frames, start.truth)
    return Fit(built, settings, fabric_for("cpu"))


def held_out():
    return [batch(16, seed=1000), batch(16, seed=1001)]


def until(fit, step, draw=source):
    """Run until a step is reported, then leave, as one who stops a run does."""
    for report in fit.run(draw, held_out()):
        if report.step >= step:
            return report
    return None


def flat(state):
    """Every tensor and number of a state, by place."""
    if isinstance(state, dict):
        return {f"{k}.{name}": v for k, part in state.items() for name, v in flat(part).items()}
    if isinstance(state, list | tuple):
        return {f"{k}.{name}": v for k, part in enumerate(state) for name, v in flat(part).items()}
    return {"": state}


def same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    return one == other


def test_the_loss_falls_on_a_small_problem():
    fit = fit_of(replace(TRAINING, steps=40, steps_per_epoch=40))
    fixed = [source(step) for step in range(4)]
    reports = list(fit.run(lambda step: fixed[step % 4], held_out()))
    assert reports[-1].loss < reports[0].loss - 0.5
    assert reports[-1].step == 40


def test_a_resumed_run_goes_on_bit_for_bit():
    settings = replace(TRAINING, steps=12, steps_per_epoch=6)
    whole, first, second = (fit_of(settings) for _ in range(3))
    last = until(whole, 12)
    until(first, 6)
    second.restore(copy.deepcopy(first.state()))
    again = until(second, 12)
    one, other = flat(whole.state()), flat(second.state())
    assert one.keys() == other.keys()
    assert [name for name in one if not same(one[name], other[name])] == []
    assert (last.loss, last.validation) == (again.loss, again.validation)


def test_a_caller_who_draws_random_numbers_does_not_change_a_run():
    quiet, noisy = fit_of(), fit_of()
    until(quiet, 8)
    torch.manual_seed(77)
    for report in noisy.run(source, held_out()):
        torch.rand(report.step)
        if report.step == 8:
            break
    pairs = zip(quiet.network.parameters(), noisy.network.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_a_finished_run_has_nothing_left_to_do():
    fit = fit_of()
    until(fit, 12)
    assert list(fit.run(source, held_out())) == []


def test_reports_come_at_the_ends_of_epochs_and_every_ten_steps():
    reports = list(fit_of().run(source, held_out()))
    assert [report.step for report in reports] == [4, 8, 10, 12]
    assert [report.step for report in reports if report.validation] == [4, 8, 12]


def test_the_last_step_is_judged_even_within_an_epoch():
    reports = list(fit_of(replace(TRAINING, steps=5)).run(source, held_out()))
    assert [(report.step, report.validation is not None) for report in reports] == [
        (4, True),
        (5, True),
    ]


def test_the_average_follows_its_formula():
    settings = replace(TRAINING, steps=6, steps_per_epoch=1)
    fit = fit_of(settings)
    expected = [weight.detach().clone() for weight in fit.average.parameters()]
    for report in fit.run(source, held_out()):
        decay = min(settings.average_decay, (1 + report.step) / (10 + report.step))
        now = list(fit.network.parameters())
        expected = [
            decay * mean + (1 - decay) * weight.detach()
            for mean, weight in zip(expected, now, strict=True)
        ]
    for mean, weight in zip(expected, fit.average.parameters(), strict=True):
        torch.testing.assert_close(weight.detach(), mean)


def test_a_learning_rate_far_too_high_stops_with_one_line():
    fit = fit_of(replace(TRAINING, steps=100, learning_rate=1e6))
    with pytest.raises(
        TrainingError, match=r"must stay finite; got .* lower learning_rate"
    ) as told:
        list(fit.run(source, held_out()))
    assert "\n" not in str(told.value)
    assert fit.step < 100


def test_a_batch_that_is_not_finite_stops_the_run_before_the_weights_are_reported():
    def broken(step):
        sound = source(step)
        return Batch(sound.frames, sound.truth * math.nan) if step == 5 else sound

    fit = fit_of()
    run = fit.run(broken, held_out())
    assert next(run).step == 4
    assert all(bool(weight.isfinite().all()) for weight in fit.average.parameters())
    with pytest.raises(TrainingError, match="by step 8"):
        next(run)


def test_weights_that_are_lost_between_two_losses_are_not_reported():
    lost = [Batch(batch(16).frames, batch(16).truth * math.nan)]
    with pytest.raises(TrainingError, match="held-out loss must stay finite"):
        next(fit_of().run(source, lost))


def test_a_checkpoint_of_another_network_is_refused_in_one_line():
    other = fit_of(network=replace(NETWORK, hidden=8))
    with pytest.raises(TrainingError, match="the same network") as told:
        fit_of().restore(other.state())
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("state", [{}, {"step": 3}, {"network": 3, "average": 4}])
def test_what_is_no_checkpoint_is_refused(state):
    with pytest.raises(TrainingError, match="a checkpoint must be"):
        fit_of().restore(state)


def test_the_held_out_score_is_that_of_an_independent_computation():
    network = fit_of().average
    found = validate(network, held_out())
    with torch.no_grad():
        scores, zooms = [], []
        for part in held_out():
            mixture = network(part.frames).to(torch.float64)
            precision = mixture.precision_cholesky @ mixture.precision_cholesky.mT
            gaussian = torch.distributions.MultivariateNormal(
                mixture.means, precision_matrix=precision
            )
            each = gaussian.log_prob(part.truth.double()[:, None]) + mixture.log_weights
            scores.extend((-each.logsumexp(-1)).tolist())
            zooms.extend(network.transformer(part.frames.pixels).zoom.tolist())
    scores, zooms = torch.tensor(scores).double(), torch.tensor(zooms).double()
    assert found.nll == pytest.approx(float(scores.mean()), rel=1e-5)
    assert found.nll_error == pytest.approx(float(scores.std()) / math.sqrt(32), rel=1e-5)
    assert found.zoom_mean == pytest.approx(float(zooms.mean()), rel=1e-6)
    assert found.zoom_sd == pytest.approx(float(zooms.std()), abs=1e-6)


def test_batches_drawn_ahead_keep_their_order():
    drawn = [replace_truth(step) for step in range(9)]
    found = [int(part.truth[0, 0]) for part in ahead(lambda step: drawn[step], 3, 9)]
    assert found == list(range(3, 9))


def replace_truth(step):
    return Batch(batch(16).frames, torch.full((16, 3), float(step)))


def test_batches_are_drawn_one_ahead_and_no_further():
    asked = []

    def draw(step):
        asked.append(step)
        return replace_truth(step)

    batches = ahead(draw, 0, 100)
    next(batches)
    next(batches)
    batches.close()
    assert len(asked) <= 3


def test_an_error_of_the_source_comes_at_its_own_batch():
    def draw(step):
        if step == 2:
            raise UsageError("no more galaxies")
        return replace_truth(step)

    batches = ahead(draw, 0, 5)
    assert [int(next(batches).truth[0, 0]) for _ in range(2)] == [0, 1]
    with pytest.raises(UsageError, match="no more galaxies"):
        next(batches)


def test_no_batches_are_drawn_for_no_steps():
    assert list(ahead(source, 5, 5)) == []


@pytest.mark.parametrize("name", ["nonsense", "meta", "", "cuda:99"])
def test_a_device_that_is_not_there_is_one_line(name):
    for asked in (usable_device, fabric_for):
        with pytest.raises(UsageError, match="device must be usable here") as told:
            asked(name)
        assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["cpu", "cpu:0"])
def test_the_processor_is_always_there(name):
    assert fabric_for(name).device.type == "cpu"


def judged(space=MORPHOLOGY):
    """A lively network, its crops of a few frames, and what it says of them."""
    torch.manual_seed(1)
    built = lively(GampenNetwork(space, NETWORK), strength=0.3)
    frames = batch(16).frames
    crop = built.transformer(frames.pixels)
    return built, crop, built.judge(frames, crop)


def test_frozen_parts_stay_as_they_start_and_the_others_move():
    parts = [name for name, _ in fit_of().network.named_children()]
    frozen = tuple(name for name in parts if name != "head")
    fit = fit_of(replace(TRAINING, frozen=frozen))
    before = copy.deepcopy(fit.network.state_dict())
    until(fit, 4)
    for network in (fit.network, fit.average):
        moved = {
            name.split(".")[0]
            for name, weight in network.state_dict().items()
            if not torch.equal(weight, before[name])
        }
        assert moved == {"head"}


@pytest.mark.parametrize("frozen", [("features", "trunk"), ("all",)])
def test_only_parts_that_there_are_can_be_frozen(frozen):
    with pytest.raises(UsageError, match=r"frozen must name some of transformer, .*head"):
        fit_of(replace(TRAINING, frozen=frozen))


def test_something_must_be_left_to_train():
    parts = tuple(name for name, _ in fit_of().network.named_children())
    with pytest.raises(UsageError, match="and not all"):
        fit_of(replace(TRAINING, frozen=parts))


def test_a_crop_strays_by_the_logarithm_of_its_side_over_seven_radii():
    built, crop, mixture = judged()
    offset = torch.full_like(mixture.means[..., :1], math.log(1.5 / WANTED_RADII))
    radius = crop.side.log()[:, None, None] + offset
    means = torch.cat([mixture.means[..., :1], radius, mixture.means[..., 2:]], dim=-1)
    told = replace(mixture, means=means)
    expected = (crop.zoom.log() - within_reach((1.5 * crop.zoom).log())).square().mean()
    torch.testing.assert_close(stray(built, crop, told), expected, rtol=1e-4, atol=1e-6)


def test_wanted_zooms_keep_their_order_within_bounds():
    wanted = torch.linspace(-6, 3, 91).double()
    reached = within_reach(wanted)
    assert bool((reached.diff() > 0).all())
    assert bool((reached > math.log(LEAST_ZOOM)).all())
    assert bool((reached < 0).all())
    middle = math.log(LEAST_ZOOM) / 2
    near = torch.tensor([middle - 0.3, middle, middle + 0.3])
    torch.testing.assert_close(within_reach(near), near, rtol=0, atol=0.01)


def test_the_pull_moves_the_crop_and_not_the_posterior():
    built, crop, mixture = judged()
    stray(built, crop, mixture).backward()
    assert built.head.last.weight.grad is None
    assert float(built.transformer.propose[-1].weight.grad.abs().max()) > 0


def test_where_no_parameter_is_a_length_nothing_pulls():
    assert float(stray(*judged(MORPHOLOGY.select(["flux"])))) == 0


def test_a_strong_pull_makes_the_crops_follow(monkeypatch):
    monkeypatch.setattr("gampen.training.loss.WANTED_RADII", 2.0)

    def found(pull):
        short = replace(TRAINING, steps=100, steps_per_epoch=100, learning_rate=1e-3)
        fit = fit_of(replace(short, crop_pull=pull))
        fixed = [source(step) for step in range(4)]
        list(fit.run(lambda step: fixed[step % 4], held_out()))
        crop = fit.average.transformer(fixed[0].frames.pixels)
        return float(stray(fit.average, crop, fit.average.judge(fixed[0].frames, crop)).detach())

    assert found(1.0) < 0.5 * found(0.0)


def falling(scores, monkeypatch):
    """Held-out losses in the order given, whatever is learned."""
    given = iter(scores)
    monkeypatch.setattr("gampen.training.fit.validate", lambda *_: Validation(next(given), 0.1))


def test_a_run_ends_when_held_out_losses_get_no_better(monkeypatch):
    falling([3.0, 2.0, 2.5, 2.1, 1.0], monkeypatch)
    patient = replace(TRAINING, steps=100, steps_per_epoch=1, patience=2)
    fit = fit_of(patient)
    assert [report.step for report in fit.run(source, held_out())] == [1, 2, 3, 4]
    assert fit.ended
    assert list(fit.run(source, held_out())) == []


def test_a_run_that_goes_on_remembers_how_long_it_was_patient(monkeypatch):
    patient = replace(TRAINING, steps=100, steps_per_epoch=1, patience=2)
    falling([2.0, 2.5], monkeypatch)
    fit = fit_of(patient)
    until(fit, 2)
    again = fit_of(patient)
    again.restore(copy.deepcopy(fit.state()))
    falling([2.2, 1.0], monkeypatch)
    assert [report.step for report in again.run(source, held_out())] == [3]


def test_without_patience_a_run_takes_all_its_steps(monkeypatch):
    falling([2.0, 3.0, 4.0, 5.0], monkeypatch)
    assert len(list(fit_of(replace(TRAINING, steps=4, steps_per_epoch=1)).run(source, []))) == 4


def test_a_step_in_several_batches_is_the_step_of_all_their_galaxies():
    whole, parted = fit_of(replace(TRAINING, steps=1)), fit_of(replace(TRAINING, steps=1))
    for fit in (whole, parted):
        fit.network.head.drop.rate = 0.0  # its masks would be drawn in another order
    both = batch(16, seed=100)
    parts = [
        Batch(both.frames.select(rows), both.truth[rows])
        for rows in (torch.arange(4), torch.arange(4, 16))
    ]
    one = list(whole.run(lambda _: both, held_out()))[-1]
    other = list(parted.run(lambda _: parts, held_out()))[-1]
    assert other.loss == pytest.approx(one.loss, rel=1e-5)
    assert other.validation.nll == pytest.approx(one.validation.nll, rel=1e-3)


def test_deeper_parts_move_less_where_the_rate_decays():
    def moved(decay):
        fit = fit_of(replace(TRAINING, steps=2, layer_decay=decay))
        before = copy.deepcopy(fit.network.state_dict())
        until(fit, 2)
        after = fit.network.state_dict()
        return {
            name: float((after[f"{name}.weight"] - before[f"{name}.weight"]).abs().mean())
            for name in ("features.layers.0", "head.last")
        }

    alike, decayed = moved(1.0), moved(0.1)
    assert decayed["head.last"] == pytest.approx(alike["head.last"], rel=0.1)
    assert decayed["features.layers.0"] < 0.01 * alike["features.layers.0"]


def test_labels_with_errors_are_surprised_less_than_exact_ones_are():
    network, exact = fit_of().average, batch(16)
    noisy = Batch(exact.frames, exact.truth + 3, MORPHOLOGY.constrain(exact.truth) * 0.5)
    assert validate(network, [noisy]).nll < validate(network, [Batch(*shifted(exact))]).nll


def shifted(known):
    return known.frames, known.truth + 3
