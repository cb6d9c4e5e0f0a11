"""`python -m benchmarks.card.write [JSON [CARD]]`: the figures of a card, put between its marks."""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

CARD = Path("src/gampen/shipped/universal.md")
BEGIN, END = "<!-- figures: make card -->", "<!-- end of figures -->"
NAMES = {"bulge_to_total": "B/T", "effective_radius": "R_e", "flux": "flux"}
LEVELS = ("68.27", "95.45", "99.73")

Figures = dict[str, Any]


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def share(value: float) -> str:
    """A share as per cent."""
    return f"{100 * value:.1f}"


def scatter_cells(scatter: list[float]) -> list[str]:
    """Scatter of B/T as it is, of radius and flux in per cent."""
    return [f"{scatter[0]:.3f}", f"{100 * scatter[1]:.1f} %", f"{100 * scatter[2]:.1f} %"]


def coverage_cells(parameters: Figures) -> list[str]:
    """Coverage at 68.27 and 95.45 %, parameter by parameter."""
    return [
        " / ".join(share(parameters[name][f"coverage_{level}"]) for name in NAMES)
        for level in LEVELS[:2]
    ]


def scatters(parameters: Figures) -> list[float]:
    """The scatters in order."""
    return [float(parameters[name]["scatter"]) for name in NAMES]


def truth_text(found: Figures) -> str:
    """The battery, a row a check."""
    rows = [
        [
            check["test"],
            name.replace("_", " "),
            f"{check['value']:.4f}",
            f"{check['threshold']:.4f}",
            "yes" if check["passed"] else "**no**",
            check["where"].replace("_", " "),
        ]
        for name, check in found["checks"].items()
    ]
    head = ["test", "statistic", "found", "allowed", "passed", "worst at"]
    kept = found["calibration"]["parameters"]
    covered = table(
        ["parameter", *(f"truths inside {level} %" for level in LEVELS), "scatter"],
        [
            [
                label,
                *(share(kept[name][f"coverage_{level}"]) for level in LEVELS),
                scatter_cells(scatters(kept))[place],
            ]
            for place, (name, label) in enumerate(NAMES.items())
        ],
    )
    return (
        f"### True? {found['galaxies']:,} galaxies of the training prior\n\n"
        f"{covered}\n\n{table(head, rows)}\n\nAllowed is the larger of the release threshold and "
        f"chance: all checks together fail {share(found['false_alarm'])} % of perfect posteriors."
    )


def sharp_text(found: Figures) -> str:
    """Widths beside the bound."""
    edges = found["edges"]
    rows = []
    for place, (low, high) in enumerate(pairwise(edges)):
        cells = [
            " / ".join(f"{found[kind][name][place]:.2f}" for name in NAMES)
            for kind in ("isolated", "among_neighbours")
        ]
        rows.append([f"{low:g}-{high:g}", *cells])
    head = ["S/N", "isolated: B/T, R_e, flux", "among neighbours"]
    return (
        "### Sharp? Width over that of the information limit, median\n\n"
        f"{table(head, rows)}\n\n{found['galaxies']:,} galaxies each. The bound is that of the "
        "galaxy alone, shape, centre, sky and PSF width being free, so the second column holds the "
        "price of neighbours."
    )


def survey_text(found: Figures) -> str:
    """A row a survey."""
    rows = []
    for name, row in found.items():
        usual, told = row["usual"]["parameters"], row["reweighted"]["parameters"]
        scatter = scatter_cells(scatters(told))
        rows.append([name, coverage_cells(usual)[0], *coverage_cells(told), *scatter])
    head = ["survey", "inside 68.27 %: B/T, R_e, flux", "told the survey's range", "inside 95.45 %"]
    count = next(iter(found.values()))["usual"]["galaxies"]
    return (
        f"### One for every survey? {count:,} galaxies each\n\n"
        f"{table([*head, 'B/T', 'R_e', 'flux'], rows)}\n\n"
        "The PSF's width and concentration are told, with their errors. From the third column on, "
        "posteriors are reweighted to the radii and magnitudes that the survey's galaxies "
        "are drawn from, narrower than those of training: without this a posterior is rightly "
        "wider than such galaxies need. The last three columns are the scatter of the median."
    )


def other_text(found: Figures) -> str:
    """The original's task, magnitudes, the crop, rotation."""
    task, zoom, turn = found["original_task"], found["zoom"], found["rotation"]
    parameters = task["parameters"]
    rows = [
        [
            *(row["magnitude"], str(row["galaxies"]), *scatter_cells(row["scatter"])),
            " / ".join(scatter_cells(row["bound"])),
        ]
        for row in found["by_magnitude"]
    ]
    head = ["HSC i magnitude", "galaxies", "B/T", "R_e", "flux", "bound, alone"]
    turns = [
        [name, *(" / ".join(scatter_cells(turn[name][kind])) for kind in ("quarters", "any_angle"))]
        for name in ("usual", "thorough")
    ]
    cells = ", ".join(
        f"{label} {cell}"
        for label, cell in zip(NAMES.values(), scatter_cells(scatters(parameters)), strict=True)
    )
    inside = coverage_cells(parameters)
    return (
        f"### The original's own task\n\n{task['galaxies']:,} galaxies as HSC g shows them, "
        "magnitude 14.2-19.1 uniform in flux, 239 px, four neighbours 3-8 mag fainter: scatter "
        f"{cells}; inside 68.27 %: {inside[0]}; inside 95.45 %: {inside[1]}.\n\n"
        f"### Fainter galaxies, neighbours in 70 % of frames\n\n{table(head, rows)}\n\n"
        "### The crop\n\nIn frames of 128 px the rank correlation of the crop's size with the "
        f"radius is {zoom['rank_correlation']:.3f}; its size is {zoom['zoom_mean']:.2f} +- "
        f"{zoom['zoom_sd']:.2f} of the frame.\n\n"
        f"### Turned and mirrored\n\n95 % of {turn['galaxies']} galaxies at S/N 50-3,000 move "
        "from their mean by less than:\n\n"
        f"{table(['', 'quarter turns: B/T, R_e, flux', 'any angle'], turns)}\n\n"
        "Between quarters the image itself is interpolated, which changes its noise."
    )


def flags_text(found: Figures) -> str:
    """A row a trouble, and the false alarms."""
    rows = [
        [
            row["trouble"],
            f"{row['area']:.3f}",
            f"{row['area_bright']:.3f}",
            f"{100 * row['any_flag']:.0f} %",
            f"{100 * row['own_flag']:.0f} %",
        ]
        for row in found["troubles"]
    ]
    head = ["trouble", "area", "at S/N > 50", "any flag there", "its own"]
    each = ", ".join(f"`{name}` {100 * rate:.2f} %" for name, rate in found["each"].items())
    return (
        f"### Flagged? Troubles put into galaxies of the prior\n\n{table(head, rows)}\n\n"
        "Area under the curve of the trouble's own odds against galaxies of the prior; then the "
        "share of galaxies at S/N above 50 that are flagged. Of "
        f"{found['galaxies']:,} fresh galaxies of the prior a guard's flags are raised for "
        f"{100 * found['false_alarms']:.2f} +- {100 * found['error']:.2f} %; all flags: {each}."
    )


def text(found: Figures) -> str:
    """All that stands between the marks."""
    parts = [
        truth_text(found["in_prior"]),
        sharp_text(found["sharpness"]),
        survey_text(found["surveys"]),
        other_text(found),
        flags_text(found["flags"]),
    ]
    return "\n\n".join(parts)


def main(figures: str = "build/card.json", card: str = str(CARD)) -> None:
    """Write them."""
    path = Path(card)
    before, rest = path.read_text().split(BEGIN)
    after = rest.split(END)[1]
    found = json.loads(Path(figures).read_text())
    path.write_text(f"{before}{BEGIN}\n\n{text(found)}\n\n{END}{after}")


if __name__ == "__main__":
    main(*sys.argv[1:])
