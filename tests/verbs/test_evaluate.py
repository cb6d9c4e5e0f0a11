"""What coverage is binned by: known without the truth, lengths in widths of the PSF."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from arms import CALIBRATED, arm
from gampen.catalog import Catalog, Column
from gampen.errors import UsageError
from gampen.storage.tables import write_catalog
from gampen.verbs.columns import bin_columns, columns_of
from gampen.verbs.evaluate import evaluate

GALAXIES = 12


def rows(**columns):
    return Catalog.of(object_id=np.arange(GALAXIES).astype(str), **columns)


def known(**changed):
    values = {"psf_fwhm": 0.6, "pixel_scale": 0.2, "sky_sigma": 0.01, "crop_scale": 0.5} | changed
    return rows(**{name: np.full(GALAXIES, value) for name, value in values.items()})


def test_lengths_are_binned_in_widths_of_the_psf_and_fluxes_in_their_noise():
    posterior, _ = arm(CALIBRATED, GALAXIES)
    columns = bin_columns(known(), posterior)
    ratio, radius, flux = posterior.median.numpy().T
    np.testing.assert_allclose(columns["bulge_to_total"], ratio)
    np.testing.assert_allclose(columns["flux"], flux)
    np.testing.assert_allclose(columns["effective_radius_over_psf_fwhm"], radius / 0.6)
    np.testing.assert_allclose(columns["crop_scale"], 0.5)
    # half of the light over the noise in the half-light circle, in pixels
    area = math.pi * ((radius / 0.2) ** 2 + 1.5**2)
    np.testing.assert_allclose(columns["signal_to_noise"], 0.5 * flux / (0.01 * np.sqrt(area)))


@pytest.mark.parametrize("unknown", ["psf_fwhm", "pixel_scale", "sky_sigma"])
def test_what_is_unknown_of_the_image_is_not_a_number(unknown):
    columns = bin_columns(known(**{unknown: np.nan}), arm(CALIBRATED, GALAXIES)[0])
    assert np.isnan(columns["signal_to_noise"]).all()
    assert np.isfinite(columns["flux"]).all()


def test_columns_of_other_tables_and_parameters_may_be_missing():
    posterior = arm(CALIBRATED, GALAXIES)[0]
    assert np.isnan(bin_columns(rows(), posterior)["crop_scale"]).all()
    columns = bin_columns(known(), posterior.marginal("bulge_to_total"))
    assert list(columns) == ["bulge_to_total", "crop_scale"]


def test_a_zero_point_makes_magnitudes_to_bin_by():
    posterior = replace(arm(CALIBRATED, GALAXIES)[0], zero_points=torch.full((GALAXIES,), 27.0))
    columns = bin_columns(known(), posterior)
    np.testing.assert_allclose(columns["magnitude"], 27 - 2.5 * np.log10(columns["flux"]))


def test_figures_hold_the_battery_and_its_picture_is_drawn(tmp_path):
    posterior, truth = arm(CALIBRATED, GALAXIES)
    names = posterior.space.names
    truths = rows(**dict(zip(names, truth.T, strict=True)))
    write_catalog(posterior.to_catalog().with_columns(known()), tmp_path / "catalogue.parquet")
    write_catalog(truths, tmp_path / "truths.csv")
    done = evaluate(tmp_path / "catalogue.parquet", tmp_path / "truths.csv", tmp_path / "out")
    written = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert written["battery"] == done.battery.report()
    assert written["galaxies"] == written["battery"]["galaxies"] == GALAXIES
    binned = {name for name in written["battery"]["checks"] if name.startswith("worst_bin_")}
    expected = ("bulge_to_total", "effective_radius_over_psf_fwhm", "flux", "signal_to_noise")
    assert binned == {f"worst_bin_{name}" for name in (*expected, "crop_scale")}
    assert {file.name for file in done.files} == {
        path.name for path in (tmp_path / "out").iterdir()
    }
    assert "battery.png" in {file.name for file in done.files}


def test_a_named_column_is_the_catalogues_and_one_of_the_truths_is_only_shown():
    posterior = arm(CALIBRATED, GALAXIES)[0]
    field = np.where(np.arange(GALAXIES) < 5, "deep", "wide")
    table = known().with_columns([Column("field", field), Column("seen", np.arange(GALAXIES) > 3)])
    truths = rows(field=np.full(GALAXIES, "other"), flux=np.ones(GALAXIES))
    found = columns_of(table, posterior, truths, ["field", "seen", "crop_scale"])
    assert found.judged["field"].tolist() == field.tolist()
    assert set(found.judged["seen"]) == {"yes", "no"}
    assert found.shown == {}
    only = columns_of(known(), posterior, truths, ["field"])
    assert set(only.shown["field"]) == {"other"}
    assert "field" not in only.judged
    with pytest.raises(UsageError, match="must be in the catalogue or in the truths"):
        columns_of(table, posterior, truths, ["nothing"])


def test_truths_without_ids_are_refused_by_the_name_of_their_file(tmp_path):
    posterior, _ = arm(CALIBRATED, GALAXIES)
    posterior.save(tmp_path / "catalogue.parquet")
    truths = tmp_path / "truths.csv"
    write_catalog(Catalog.of(NUMBER=[1, 2], effective_radius=[0.5, 0.6]), truths)
    with pytest.raises(UsageError, match=r"truths\.csv must have a column 'object_id' .* NUMBER"):
        evaluate(tmp_path / "catalogue.parquet", truths, tmp_path / "report")
