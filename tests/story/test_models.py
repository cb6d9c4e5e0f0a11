"""`gampen models`: what the package holds, and what a file says of itself."""

import io
import json
import re

import pytest
from rich.console import Console

from gampen import __version__
from gampen.cli import models as command
from gampen.estimator import Estimator
from gampen.shipped import card_of, estimator_file, shipped_names


def test_the_shipped_estimators_are_listed_a_line_each(gampen):
    ran = gampen("models")
    assert ran.status == 0
    lines = dict(line.split(": ", 1) for line in ran.out.splitlines())
    assert list(lines) == shipped_names()
    said = lines["universal"].split("; ")
    assert said[0] == "bulge_to_total, effective_radius, flux"
    assert said[1:4] == ["survey universal", "frames 48-256 px", "PSF 1.5-8 px"]
    assert said[-1] == str(card_of(estimator_file("universal")))


@pytest.mark.parametrize("name", shipped_names())
def test_whether_it_passes_is_what_its_card_says(gampen, name):
    card = card_of(estimator_file(name)).read_text()
    tests = len(re.findall(r"^\| T\d", card, re.MULTILINE))
    failed = card.count("| **no** |")
    word = "passes" if not failed else "fails"
    assert tests > 10
    (line,) = [line for line in gampen("models").out.splitlines() if line.startswith(f"{name}:")]
    assert f"; tests: {word} ({tests - failed} of {tests} passed); " in line


def test_a_name_prints_its_card_as_it_is(gampen):
    ran = gampen("models", "sersic")
    assert ran.status == 0
    assert ran.out == card_of(estimator_file("sersic")).read_text()


def test_a_file_without_a_card_says_what_to_do(gampen, model):
    ran = gampen("models", model)
    assert ran.status == 2
    assert ran.complaint.startswith("tiny must have a card, tiny.md beside its file; it has none")


def test_any_file_says_its_facts_to_programs(gampen, model):
    ran = gampen("models", model, "--json")
    said = json.loads(ran.out)
    estimator = Estimator.load(model)
    assert ran.status == 0
    assert said["name"] == "tiny"
    assert list(said["parameters"]) == list(estimator.space.names)
    assert said["trained"]["sizes"] == [48, 48]
    assert said["weights"] == sum(w.numel() for w in estimator.network.parameters())
    assert said["bytes"] == model.stat().st_size
    assert said["provenance"]["sha256"] == estimator.provenance["sha256"]
    assert said["card"] is None


def test_programs_are_told_of_all_shipped_ones(gampen):
    said = json.loads(gampen("models", "--json").out)
    assert [one["name"] for one in said] == shipped_names()
    assert all(one["card"]["tests"] > 10 for one in said)
    assert all(one["format"] == "gampen estimator 1" for one in said)


def test_an_unknown_name_is_refused_with_those_there_are(gampen):
    ran = gampen("models", "nonsense")
    assert ran.status == 2
    assert ran.complaint.endswith("one of bulge_disk, sersic, universal; got 'nonsense'")


@pytest.fixture
def screen(monkeypatch):
    """A terminal of eighty columns."""
    seen = io.StringIO()
    monkeypatch.setattr(command, "out", Console(file=seen, force_terminal=True, width=80))
    return seen


def test_a_terminal_has_a_table_that_fits_it(gampen, screen):
    assert gampen("models").status == 0
    lines = re.sub(r"\x1b\[[\d;]*m", "", screen.getvalue()).splitlines()
    rows = [line for line in lines if not line.startswith(tuple(f"{n}:" for n in shipped_names()))]
    assert max(map(len, rows)) <= 80
    assert any("effective_radius [arcsec]" in row for row in rows)
    assert any(f"format 1, gampen {__version__}" in row for row in rows)


def test_a_terminal_has_the_card_drawn(gampen, screen):
    assert gampen("models", "universal").status == 0
    assert "# universal" not in screen.getvalue()
    assert "universal" in screen.getvalue()
