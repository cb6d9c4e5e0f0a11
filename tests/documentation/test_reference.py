"""What is made from the package itself is whole."""

import re
from pathlib import Path

import pytest
import yaml
from docs._ext import citation, modules, options, settings

import gampen
from gampen import prior
from gampen.settings import FinetuneSettings, RunSettings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference" / "python"


@pytest.mark.parametrize("name", options.commands())
def test_every_command_has_a_page_that_shows_its_options(name):
    assert options.pages(DOCS).get(name), f"a page of docs/how-to must hold ```{{options}} {name}"


@pytest.mark.parametrize("name", options.commands())
def test_the_table_of_a_command_holds_all_its_options(name):
    command = options.commands()[name]
    table = options.options_of(command)
    seen = [each for each in command.params if not getattr(each, "hidden", False)]
    shown = {option for each in seen for option in each.opts if option.startswith("-")}
    assert {option for option in shown if f"`{option}`" not in table} == set()
    for each in seen:
        assert each.help, f"{each.name} of gampen {name} must have a help text"


def test_a_default_of_nought_is_shown():
    table = options.options_of(options.commands()["predict"])
    assert "| `--seed` *whole number* | `0` |" in table
    assert "| `--thorough` |  |" in table


@pytest.mark.parametrize("whole", [RunSettings, FinetuneSettings])
def test_every_key_of_a_settings_file_has_a_meaning(whole):
    silent = [
        f"[{place}] {key}"
        for place, table in settings.tables(whole)
        for key, _, _, told in settings.rows(table)
        if not told
    ]
    assert silent == []


def test_settings_are_told_as_a_file_says_them():
    told = {key: rest for key, *rest in settings.rows(RunSettings.__annotations__ and RunSettings)}
    assert told["parameters"][1] == '`["bulge_to_total", "effective_radius", "flux"]`'
    places = [place for place, _ in settings.tables(RunSettings)]
    assert {"", "simulation.prior", "network", "training", "labels.split"} | {
        "[simulation.prior.histograms]"
    } <= {*places}


def test_every_public_name_has_its_place_in_the_reference():
    text = "\n".join(page.read_text() for page in REFERENCE.glob("*.md"))
    shown = set(re.findall(r":: gampen\.(\w+)$", text, re.MULTILINE))
    assert set(gampen.__all__) - shown == set()


def test_every_package_has_its_page_and_the_page_is_listed():
    folders = {path.parent.name for path in (ROOT / "src" / "gampen").glob("*/__init__.py")}
    index = (DOCS / "reference" / "python.md").read_text()
    for name in folders - {"cli", "shipped"}:
        assert f"{{modules}} gampen.{name}\n" in (REFERENCE / f"{name}.md").read_text()
        assert f"python/{name}\n" in index


def test_names_with_a_page_of_their_own_are_left_out_elsewhere():
    assert modules.shown_elsewhere(prior) == [
        "Histogram",
        "LogNormal",
        "LogUniform",
        "Normal",
        "Prior",
        "Uniform",
    ]
    assert "   :exclude-members: Estimator\n" in modules.section("gampen.estimator")


def test_prose_of_docstrings_stays_prose():
    assert modules.prose("max |a - b| of `x|y_`, MP_ and R_e") == (
        r"max \|a - b\| of `x|y_`, MP\_ and R_e"
    )


def test_the_citation_names_the_package_and_the_paper():
    told = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    own, paper, *_ = citation.entries(told)
    assert own.startswith("@software{gampen,")
    assert f"version = {{{told.get('version', gampen.__version__)}}}" in own
    assert paper.startswith("@article{ghosh2022,")
    assert "author = {Ghosh, Aritra and others}" in paper
