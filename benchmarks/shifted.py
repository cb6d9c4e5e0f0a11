"""A survey that no shipped estimator was trained for, made by simulation, and labels of it.

Three things are not as in training: a third to a half of a star's light lies in wings four to eight
times as wide as its core (a quarter at most, and six times, in training), and nobody tells; half of
the noise is correlated over five pixels (over three); and two spiral arms hold 20-45 % of each
galaxy's light (none). Labels are those of the smooth galaxy, as whoever fits a smooth model to a
better image would have it, with normal errors that are stated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from gampen import Catalog, Column, Cutout
from gampen.rendering.noise import correlate
from gampen.settings import (
    Brightness,
    PriorSettings,
    PsfFamily,
    SceneSettings,
    SimulationSettings,
    SurveySettings,
)
from gampen.simulation.scenes import BLOCK, Scenes, seeded_draw
from gampen.simulation.troubles import TROUBLES, Trouble
from gampen.storage.layouts import write_folder
from gampen.verbs.simulate import cutouts_of, truths

SIZE = 64  # [pixel] of a frame
STRONGEST = 0.45  # correlation of each of the two passes that the noise is smoothed by
LABELS = {"bulge_to_total": 0.03, "effective_radius": 0.03, "flux": 0.03}
"""One-sigma errors: of the ratio itself, of the others as a share of their value."""

SURVEY = SurveySettings(
    name="shifted",
    pixel_scale=0.168,
    zero_point=27.0,
    psf_fwhm=(0.5, 0.9),
    psf_beta=(2.5, 4.5),
    sky_sigma=(0.02, 0.045),
    gain=(1000.0, 4000.0),
    psf_families=(PsfFamily.WINGED,),
    wing_share=(0.33, 0.5),
    wing_width=(4.0, 8.0),
    noise_correlation=(0.3, 0.45),
)
SHIFTED = SimulationSettings(
    SURVEY,
    PriorSettings(
        brightness=Brightness.SIGNAL_TO_NOISE,
        signal_to_noise=(30.0, 1000.0),
        effective_radius=(0.3, 2.5),
        radius_over_psf=0.5,
        radius_over_frame=0.2,
        bulge_to_total=(0.15, 0.85),
    ),
    SceneSettings(sizes=(SIZE,), neighbour_share=0.3, concentration_unknown_share=1.0),
)


def shifted(galaxies: int, seed: int) -> Iterator[Scenes]:
    """So many galaxies of the survey, block by block."""
    arms = next(trouble for trouble in TROUBLES if trouble.kind.name == "spiral arms")
    kind = Trouble(arms.kind, change=arms.change)
    for number in range(-(-galaxies // BLOCK)):
        for scenes in kind.blocks(SHIFTED, (seed, number), SIZE):
            yield noisier(scenes, seed, number).first(min(BLOCK, galaxies - BLOCK * number))


def noisier(scenes: Scenes, seed: int, number: int) -> Scenes:
    """Scenes with as much noise again, smoothed twice."""
    draw = seeded_draw(seed, number, SIZE, 99)
    white = draw.normal(1.0, SIZE + 4, SIZE + 4)
    strength = torch.full((len(scenes),), STRONGEST)
    broad = correlate(correlate(white, strength), strength)
    broad = broad / broad.std() * scenes.sky_sigma[:, None, None]
    return replace(scenes, images=scenes.images + broad)


def write_labelled(folder: Path, galaxies: int, seed: int) -> None:
    """Write labelled galaxies in the layout that every command reads, unless they are there."""
    if (folder / "info.csv").exists():
        return
    tables: list[Catalog] = []
    cutouts: list[Cutout] = []
    for number, scenes in enumerate(shifted(galaxies, seed)):
        tables.append(labels(truths(scenes, SHIFTED, BLOCK * number), seed, number))
        cutouts.extend(cutouts_of(scenes, SHIFTED, BLOCK * number))
    write_folder(folder, Catalog.cat(tables), cutouts)


def labels(known: Catalog, seed: int, number: int) -> Catalog:
    """What is told of galaxies, labels with errors in place of their true values."""
    generator = np.random.default_rng((seed, number))
    told = known.select(["object_id", "file_name", "psf_fwhm_arcsec"])
    columns = []
    for name, error in LABELS.items():
        true = known[name].numbers()
        sigma = np.full(len(true), error) if name == "bulge_to_total" else error * true
        label = true + sigma * generator.standard_normal(len(true))
        columns += [
            Column(name, label),
            Column(f"{name}_error", sigma),
            Column(f"true_{name}", true),
        ]
    return told.with_columns(columns)
