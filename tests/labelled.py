"""Folders of labelled galaxies of the tiny survey."""

from dataclasses import replace

import numpy as np

from gampen.catalog import Catalog, Column
from gampen.cutouts import Cutouts
from gampen.settings import FinetuneSettings, SplitSettings
from gampen.storage.layouts import write_folder
from tiny import SIMULATION, galaxies, ragged, scenes

NAMES = ("bulge_to_total", "effective_radius", "flux")
SETTINGS = FinetuneSettings(
    steps=12,
    batch_size=16,
    simulations=32,
    steps_per_epoch=4,
    patience=5,
    split=SplitSettings(validation=0.25, test=0.25),
)
SCALE = SIMULATION.survey.pixel_scale


def table(number, error=0.0, seed=5):
    """The info table of labelled galaxies, with errors [share of the value] where there are any."""
    drawn = scenes(number, seed)
    columns = [
        Column("object_id", np.array([f"labelled-{place}" for place in range(number)])),
        Column("file_name", np.array([f"labelled-{place}.fits" for place in range(number)])),
        Column("psf_fwhm_arcsec", galaxies(number, seed).psf_fwhms * SCALE),
    ]
    for name in NAMES:
        unit = SCALE if name == "effective_radius" else 1.0
        values = drawn.values[name].double().numpy() * unit
        columns.append(Column(name, values))
        if error:
            columns.append(Column(f"{name}_error", error * values))
    return Catalog(tuple(columns))


def write_labels(folder, number=40, error=0.0, seed=5, sizes=False):
    """Write labelled galaxies; of several sizes where asked for. Comes back as their table."""
    known = table(number, error, seed)
    cutouts = ragged(number, seed) if sizes else galaxies(number, seed)
    write_folder(folder, known, Cutouts.of(cutouts))
    return known


def changed(catalog, **columns):
    """The table with some columns changed."""
    return catalog.with_columns(Column(name, np.asarray(v)) for name, v in columns.items())


def tuned(**settings):
    """The short settings with some changed."""
    return replace(SETTINGS, **settings)
