"""How often a whole evaluation is wrong: false alarms of true posteriors, and misses of others.

`python -m benchmarks.verdicts [REPETITIONS [GALAXIES]]` (300 and 500) judges so many seeded sets of
true posteriors by all checks together, at the rate that is shipped and, for a sharper count, at ten
and thirty times that rate; and a tenth as many with covariances x 0.5 and x 2.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from dataclasses import replace

from benchmarks.synthetic import observed, synthetic
from gampen.calibration.battery import Battery
from gampen.calibration.calibration import Calibration
from gampen.calibration.coverage import Verdict
from gampen.calibration.judgement import Fault, judge
from gampen.calibration.null import FALSE_ALARM
from gampen.catalog import Catalog
from gampen.verbs.columns import bin_columns

ARMS = {"true": 1.0, "overconfident": 0.5, "cautious": 2.0}
RATES = (FALSE_ALARM, 10 * FALSE_ALARM, 30 * FALSE_ALARM)
FEWER = 10  # times fewer sets of the arms that are wrong


def judged(galaxies: int, stretch: float, seed: int) -> tuple[Battery, Calibration]:
    """One set of galaxies and all that is said of it."""
    posterior, truth = synthetic(galaxies, stretch, seed)
    rows = Catalog.of(object_id=posterior.object_ids, **observed(posterior, seed))
    columns = bin_columns(rows, posterior) | {"field": rows["field"].values}
    battery = Battery.of(posterior, truth, columns, seed)
    return battery, Calibration.of(posterior, truth, battery.null)


def false_alarms(repetitions: int, galaxies: int) -> None:
    """Print how often true posteriors are called anything else."""
    alarms, words, which = Counter[float](), 0, Counter[str]()
    for seed in range(repetitions):
        battery, calibration = judged(galaxies, 1.0, seed)
        for rate in RATES:
            failed = replace(battery, false_alarm=rate).failed
            alarms[rate] += bool(failed)
            which.update(failed if rate == RATES[-1] else [])
        wrong = set(calibration.verdicts) != {Verdict.CALIBRATED}
        words += wrong or any(judgement.faults for judgement in judge(battery))
    for rate in RATES:
        share = alarms[rate] / repetitions
        error = math.sqrt(max(share * (1 - share), 1 / repetitions) / repetitions)
        print(
            f"at {rate:.2f} for all {len(battery.checks)} checks: {alarms[rate]} of {repetitions} "
            f"true sets fail any ({100 * share:.2f} +- {100 * error:.2f} %)"
        )
    print(f"called wrong in words at {FALSE_ALARM}: {words}")
    print(f"by check, at {RATES[-1]:.2f}: {dict(which.most_common())}")


def misses(repetitions: int, galaxies: int) -> None:
    """Print how often wrong posteriors are not called what they are."""
    expected = {"overconfident": Fault.OVERCONFIDENT, "cautious": Fault.CAUTIOUS}
    for name, fault in expected.items():
        passed = unnamed = 0
        for seed in range(repetitions):
            battery = judged(galaxies, ARMS[name], seed)[0]
            passed += battery.passed
            unnamed += sum(fault not in judgement.faults for judgement in judge(battery))
        print(
            f"{name}: {passed} of {repetitions} sets pass, {unnamed} of {3 * repetitions} "
            "parameters are not called so"
        )


def main(repetitions: str = "300", galaxies: str = "500") -> None:
    """Measure and print."""
    print(f"{galaxies} galaxies a set")
    false_alarms(int(repetitions), int(galaxies))
    misses(max(1, int(repetitions) // FEWER), int(galaxies))


if __name__ == "__main__":
    main(*sys.argv[1:])
