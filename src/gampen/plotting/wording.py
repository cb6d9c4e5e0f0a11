"""What an evaluation found, in plain words: what is true, what is not, by how much, what to do."""

from __future__ import annotations

from gampen.calibration.checks import Check
from gampen.calibration.evaluation import Evaluation
from gampen.calibration.judgement import Fault, Judgement
from gampen.plotting.style import words_of

RECALIBRATE = (
    "Recalibrate with galaxies of known truth that are not among these: `gampen calibrate "
    "ESTIMATOR DATA`, then predict and evaluate again."
)
NARROWER = (
    "A posterior is rightly wide for galaxies of fewer kinds than those of training: narrower "
    "ranges of radius and magnitude, fewer neighbours, a better known PSF. If these are such, "
    "`Posterior.reweight` with their prior takes a part of it away, without any truths."
)
IN_THE_TAILS = 0.02  # of the width, within which 68.27 % intervals are right
FEW = 2000  # galaxies, below which more of them are worth having
ASKED = {
    "coverage_68.27": "do 68.27 % intervals hold that share of the truths?",
    "coverage_95.45": "do 95.45 % intervals?",
    "coverage_99.73": "do 99.73 % intervals?",
    "ks_distance": "are the truths' ranks uniform?",
    "joint_coverage": "do joint highest-density regions hold their share?",
    "tarp": "are draws as far from random points as truths are (TARP)?",
    "worst_bin": "does the worst bin of {} hold 68.27 %?",
    "rms_of_bins": "do all bins of {} together?",
    "z_mean": "are posterior means unbiased?",
    "z_deviation": "are posterior deviations as large as errors are?",
    "classifier_area": "can a classifier tell truths from draws?",
    "nll_excess": "are truths as surprising as posteriors expect?",
}
REASONS = {
    "no_posterior": "without a posterior",
    "not_in_truths": "not in the table of truths",
    "no_true_value": "in it without a usable value",
    "missing": "no value",
    "outside_bounds": "on or outside the bounds",
    "error_not_known": "error of the label not known",
}


def verdict(evaluation: Evaluation) -> str:
    """The whole verdict in a sentence or two."""
    if evaluation.passed:
        return f"Nothing speaks against these posteriors. {_seen(evaluation)}"
    return " ".join(["These posteriors are not true.", *found(evaluation)])


def found(evaluation: Evaluation) -> list[str]:
    """A sentence for each thing that is wrong."""
    wrong = [sentence_of(each) for each in evaluation.judgements if not each.passed]
    sound = [words_of(each.name) for each in evaluation.judgements if each.passed]
    if wrong and sound:
        wrong.append(f"{_capital(' and '.join(sound))}: nothing found.")
    checks = evaluation.battery.checks
    together = [name for name in ("joint_coverage", "tarp", "nll_excess") if _fails(checks, name)]
    if together:
        wrong.append(
            "Taken together the parameters are wrong too."
            if wrong
            else "Each parameter alone is true, but taken together they are not: look at the "
            "correlations."
        )
    if not wrong and _fails(checks, "classifier_area"):
        wrong.append("A classifier tells truths from draws, by what no single check sees.")
    if _in_bins(checks):
        wrong.append(_of_bins(evaluation))
    return wrong


def sentence_of(judgement: Judgement) -> str:
    """What is wrong with one parameter, and by how much."""
    return f"{_capital(words_of(judgement.name))}: {phrase_of(judgement)}."


def phrase_of(judgement: Judgement) -> str:
    """The same as part of a sentence."""
    phrases = {
        Fault.OVERCONFIDENT: f"overconfident, {_stretch('must', judgement.width)}",
        Fault.CAUTIOUS: f"cautious, {_stretch('may', judgement.width)}",
        Fault.BIASED: f"biased, truths lie {abs(judgement.bias):.2f} sigma "
        f"{'above' if judgement.bias > 0 else 'below'} on average",
        Fault.SHAPE: "of the wrong shape, though width and mean are right",
    }
    return "; ".join(phrases[fault] for fault in judgement.faults) or "nothing found"


def _stretch(verb: str, width: float) -> str:
    """How much wider or narrower errors should be."""
    if abs(width - 1) < IN_THE_TAILS:
        return "though in the tails only"
    return f"errors {verb} be {width:.2f} times as wide"


def advice(evaluation: Evaluation) -> list[str]:
    """What to do next."""
    if evaluation.passed:
        few = min(judgement.galaxies for judgement in evaluation.judgements) < FEW
        more = "To see smaller faults, evaluate more galaxies: four times as many see half as much."
        return ["Nothing needs to be done.", *([more] if few else [])]
    steps = [RECALIBRATE]
    if any(Fault.CAUTIOUS in each.faults for each in evaluation.judgements):
        steps.append(NARROWER)
    wide = [each for each in evaluation.judgements if Fault.OVERCONFIDENT in each.faults]
    if wide:
        factors = ", ".join(f"{words_of(each.name)} x {each.width:.2f}" for each in wide)
        steps.append(f"Until then multiply errors: {factors}.")
    if all(each.passed for each in evaluation.judgements) and _in_bins(evaluation.battery.checks):
        steps.append("On the whole they are true: use them outside of the worst bins below.")
    return steps


def left_out(evaluation: Evaluation) -> list[str]:
    """What could not be used, and why."""
    truths = evaluation.truths
    lines = [
        f"{count:,} galaxies {REASONS[why]}" for why, count in truths.left_out.items() if count
    ]
    for name, reasons in truths.left_out_of.items():
        parts = [f"{count:,} with {REASONS[why]}" for why, count in reasons.items() if count]
        if parts:
            lines.append(f"labels of {words_of(name)}: {', '.join(parts)}")
    return lines


def asked(name: str) -> str:
    """The question that a check asks."""
    for statistic, question in ASKED.items():
        if name.startswith(statistic):
            column = name.removeprefix(f"{statistic}_")
            return question.format(words_of(column).replace("psf fwhm", "PSF FWHM"))
    return f"is this one {words_of(name)}, by five standard errors?"


def _seen(evaluation: Evaluation) -> str:
    """What this many galaxies would have shown."""
    rate, judgements = evaluation.battery.false_alarm, evaluation.judgements
    width = max(each.smallest_width for each in judgements)
    bias = max(each.smallest_bias for each in judgements)
    return (
        f"All {len(evaluation.battery.checks)} checks of {len(evaluation.truths):,} galaxies pass, "
        f"of which a perfect posterior fails any once in {1 / rate:.0f} evaluations at most. "
        f"Errors wrong by less than {100 * width:.0f} % in width, or {bias:.2f} sigma in place, "
        "would not be noticed."
    )


def _of_bins(evaluation: Evaluation) -> str:
    """Where coverage in bins is worst."""
    worst = next(each for each in evaluation.worst_bins if each.column in evaluation.battery.bins)
    column = words_of(worst.column).replace("psf fwhm", "PSF FWHM")
    return (
        f"In bins: at {column} {worst.label}, {100 * worst.coverage:.1f} % of the truths of "
        f"{words_of(worst.parameter)} lie inside 68.27 % intervals."
    )


def _fails(checks: dict[str, Check], name: str) -> bool:
    """Whether there is such a check, and it fails."""
    return name in checks and not checks[name].passed


def _in_bins(checks: dict[str, Check]) -> bool:
    """Whether coverage fails in bins."""
    return any(check.test == "T5" and not check.passed for check in checks.values())


def _capital(text: str) -> str:
    """The text with a capital letter first."""
    return text[:1].upper() + text[1:]
