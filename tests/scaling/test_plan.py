"""A plan says in one line in what another run differs, and never mixes with it."""

import dataclasses

import pytest

from gampen.errors import UsageError
from gampen.scaling.plan import PART, PLAN, Plan

ONE = Plan({"estimator_sha256": "abc", "seed": "0"}, 2 * PART + 5, ("x", "y", "z"))


def test_parts_are_fixed_slices_of_all_galaxies():
    assert [len(part) for part in ONE.parts] == [PART, PART, 5]


def test_the_same_plan_is_gone_on_with(tmp_path):
    ONE.agree(tmp_path)
    before = (tmp_path / PLAN).read_bytes()
    Plan(dict(reversed(ONE.settings.items())), ONE.galaxies, ONE.inputs).agree(tmp_path)
    assert (tmp_path / PLAN).read_bytes() == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"settings": {**ONE.settings, "estimator_sha256": "def"}}, r"estimator_sha256 \(abc\)"),
        ({"settings": {"estimator_sha256": "abc"}}, r"seed \(0\)"),
        ({"settings": {**ONE.settings, "explain": "True"}}, "explain"),
        ({"inputs": ("x", "Y", "z")}, "the galaxies or their files"),
        ({"galaxies": 7}, "the galaxies or their files"),
    ],
)
def test_another_plan_is_refused_with_what_differs(tmp_path, change, told):
    ONE.agree(tmp_path)
    with pytest.raises(UsageError, match=f"which differs in {told}.*remove it to begin anew"):
        dataclasses.replace(ONE, **change).agree(tmp_path)


def test_a_damaged_plan_is_refused(tmp_path):
    (tmp_path / PLAN).write_bytes(b"\xff{")
    with pytest.raises(UsageError, match="its plan, which cannot be read"):
        ONE.agree(tmp_path)


def test_the_run_does_not_depend_on_when_files_were_changed():
    assert dataclasses.replace(ONE, inputs=("a", "b", "c")).run == ONE.run
    assert dataclasses.replace(ONE, settings={"seed": "1"}).run != ONE.run
