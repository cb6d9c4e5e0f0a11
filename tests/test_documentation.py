"""What the documents say of the package is so."""

import re
from pathlib import Path

import numpy as np
import torch

from gampen.inference.summaries import summarise
from gampen.parameters import MORPHOLOGY
from gampen.posterior import Posterior
from gampen.probability.mixtures import GaussianMixture
from gampen.storage.packing import packed_width

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
