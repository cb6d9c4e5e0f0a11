"""What the documents say of the package is so."""

import re
import tomllib
from pathlib import Path

import numpy as np
import torch

from gampen.inference.summaries import summarise
from gampen.parameters import BUILT_IN, MORPHOLOGY, Parameter, space_of
from gampen.posterior import Posterior
from gampen.probability.mixtures import GaussianMixture
from gampen.settings import GalaxyModel, RunSettings, Scaling
from gampen.simulation.surveys import survey
from gampen.storage.packing import packed_width
from gampen.storage.runfiles import read_settings

ROOT = Path(__file__).parent.parent
REFERENCE = (ROOT / "docs" / "reference" / "catalogue.md").read_text()


def posterior_of_one_galaxy() -> Posterior:
    mixture = GaussianMixture.from_covariances(
        torch.ones(1, 1), torch.zeros(1, 1, 3), torch.eye(3).expand(1, 1, 3, 3)
    )
    return Posterior(
        MORPHOLOGY, mixture, 0.1 * mixture.covariance, np.array(["one"]), torch.tensor([27.0])
    )


def as_written(name: str) -> str:
    """A column's name as the reference has it, with the parameters' names left open."""
    if name.startswith("corr_"):
        return "corr_{a}_{b}"
    return re.sub(
        r"^(bulge_to_total|effective_radius|flux_njy|flux|magnitude)_", "{parameter}_", name
    )


def test_the_reference_has_every_column_that_sums_up_a_posterior():
    names = {as_written(column.name) for column in summarise(posterior_of_one_galaxy())}
    assert {name for name in names if f"`{name}`" not in REFERENCE} == set()


def test_the_reference_names_no_summary_that_is_not_written():
    names = {as_written(column.name) for column in summarise(posterior_of_one_galaxy())}
    named = set(re.findall(r"`(\{parameter\}_\w+|corr_\S+|p_\w+)`", REFERENCE))
    assert named - names == set()


def test_a_galaxy_of_four_components_takes_184_bytes():
    record = ROOT / "docs" / "decisions" / "0002-collapse-by-moment-matching.md"
    assert "184 bytes" in record.read_text()
    assert 4 * packed_width(components=4, parameters=3) == 184


def test_the_table_of_built_in_parameters_is_so():
    page = (ROOT / "docs" / "how-to" / "parameters.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (`[a-z_]+`(?:, `[a-z_]+`)*) \| (.*) \|$", page, re.MULTILINE)
    told = {name: (models, rest) for name, models, rest in rows if name in BUILT_IN}
    assert told == {name: written(parameter) for name, parameter in BUILT_IN.items()}


def written(parameter: Parameter) -> tuple[str, str]:
    """A parameter's row: the galaxies that have it, and the rest."""
    models = [f"`{m.value}`" for m in GalaxyModel if parameter.name in m.quantities]
    bounds = f"{parameter.low:g} to {parameter.high:g}" if parameter.high is not None else "any"
    if parameter.high is None and parameter.low is not None:
        bounds = f"above {parameter.low:g}"
    follows = "" if parameter.scaling is Scaling.NONE else parameter.scaling.value
    cells = (bounds, parameter.unit, follows, parameter.description)
    return ", ".join(models), " | ".join(cells)


def test_examples_of_run_files_can_be_read():
    for path in sorted((ROOT / "examples" / "runs").glob("*.toml")):
        if "parameters" in tomllib.loads(path.read_text()):
            run = read_settings(path, RunSettings, {"survey": survey})
            assert space_of(run).names == run.parameters
