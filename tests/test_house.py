"""Facts about the package as a whole: what it shows, what it loads, how large its rooms are."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import gampen

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "gampen").rglob("*.py"))
PUBLIC_NAMES = [
    "Catalog",
    "Column",
    "Cutout",
    "Cutouts",
    "Estimator",
    "EstimatorError",
    "Flag",
    "GalaxyError",
    "GampenError",
    "Histogram",
    "LogNormal",
    "LogUniform",
    "MORPHOLOGY",
    "Normal",
    "Parameter",
    "ParameterSpace",
    "Posterior",
    "Prior",
    "Scaling",
    "TrainingError",
    "Uniform",
    "UsageError",
    "load_cutouts",
]


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function of the package with the place it stands."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def public_nodes(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> Iterator[ast.AST]:
    """A module or class and what is public in it; what a function keeps inside is its own."""
    yield node
    for inner in [] if isinstance(node, ast.FunctionDef) else node.body:
        if isinstance(inner, ast.ClassDef | ast.FunctionDef) and not inner.name.startswith("_"):
            yield from public_nodes(inner)


def lines_of(function: ast.FunctionDef) -> int:
    """The lines of what a function does: without its docstring, and a command's options."""
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    docstring = first.end_lineno - first.lineno + 1 if documented else 0
    options = first.lineno - function.lineno - 1 if arguments_of(function) > 6 else 0
    return function.end_lineno - function.lineno + 1 - docstring - options


def arguments_of(function: ast.FunctionDef) -> int:
    """The number of arguments that a caller gives."""
    given = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
    return len([argument for argument in given if argument.arg not in ("self", "cls")])


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return run.stdout.strip()


def test_the_public_names_are_exactly_these():
    assert sorted(gampen.__all__) == PUBLIC_NAMES


def test_every_public_name_is_there_on_first_use():
    assert [name for name in PUBLIC_NAMES if getattr(gampen, name, None) is None] == []


def test_a_name_that_is_not_public_is_refused_as_python_does():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = gampen.nonsense


@pytest.mark.parametrize("module", ["gampen", "gampen.cli"])
def test_importing_loads_no_heavy_library(module):
    heavy = "{'torch', 'astropy', 'pyarrow', 'matplotlib', 'lightning_fabric'}"
    assert python(f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))") == "[]"


def test_no_file_is_longer_than_300_lines():
    lengths = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in SOURCES}
    assert {path: lines for path, lines in lengths.items() if lines > 300} == {}


def test_no_function_is_longer_than_60_lines():
    assert [place for place, function in functions() if lines_of(function) > 60] == []


def test_nine_functions_in_ten_are_shorter_than_30_lines():
    lengths = [lines_of(function) for _, function in functions()]
    assert sum(length < 30 for length in lengths) >= 0.9 * len(lengths)


def test_no_function_takes_more_than_six_arguments():
    many = [place for place, function in functions() if arguments_of(function) > 6]
    # A command's arguments are the options that a person may give it.
    assert [place for place in many if not place.startswith("src/gampen/cli/")] == []


def test_every_module_and_every_public_class_and_function_says_what_it_is():
    silent = [
        f"{path.relative_to(ROOT)} {getattr(node, 'name', 'module')}"
        for path in SOURCES
        for node in public_nodes(ast.parse(path.read_text()))
        if not (ast.get_docstring(node) or "").strip(". \n")
    ]
    assert silent == []


RELEASE = gampen.__version__.partition(".dev")[0]
"""This version, or the one that is being made."""

SECTION = re.compile(r"^## \[([^\]]+)\](?: - (.+))?$", re.MULTILINE)
KINDS = {"Added", "Changed", "Deprecated", "Fixed", "Removed", "Security"}


def test_the_newest_section_of_the_changelog_is_this_version():
    sections = SECTION.findall((ROOT / "CHANGELOG.md").read_text())
    released = [version for version, _ in sections if version != "Unreleased"]
    assert released[0] == RELEASE
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in released)
    numbers = [tuple(map(int, version.split("."))) for version in released]
    assert numbers == sorted(set(numbers), reverse=True)


def test_every_section_of_the_changelog_has_a_day_but_for_the_version_being_made():
    being_made = {"Unreleased"} | ({RELEASE} if ".dev" in gampen.__version__ else set())
    for version, day in SECTION.findall((ROOT / "CHANGELOG.md").read_text()):
        if version in being_made:
            assert day in ("", "unreleased")
        else:
            assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", day)


def test_every_heading_of_the_changelog_is_a_kind_of_change():
    headings = re.findall(r"^### (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings
    assert set(headings) <= KINDS


def test_the_version_stands_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "src/gampen/__init__.py"


def test_what_to_cite_is_this_version_under_this_licence():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert cited.keys() >= {"cff-version", "message", "title", "type", "authors", "version"}
    assert (cited["cff-version"], cited["type"]) == ("1.2.0", "software")
    assert str(cited["version"]) == RELEASE
    assert cited["license"] == project["license"]
    assert [author["name"] for author in cited["authors"]] == [
        author["name"] for author in project["authors"]
    ]
    (paper,) = cited["references"]
    assert paper.keys() >= {"type", "title", "authors", "year", "identifiers"}


def test_the_documents_name_only_tasks_that_the_menu_has():
    menu = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    documents = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")]
    documents += (ROOT / "docs").rglob("*.md")
    pattern = re.compile(r"(?:^|`)make ([a-z]+(?:-[a-z]+)*)", flags=re.MULTILINE)
    named = {task for path in documents for task in pattern.findall(path.read_text())}
    assert {"demo", "test"} <= named <= menu


def test_the_floors_in_the_guide_are_those_that_are_kept():
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    contracts = {contract["id"]: contract for contract in tools["importlinter"]["contracts"]}
    layers = [re.sub(r"[()]", "", layer) for layer in contracts["floors"]["layers"]]
    assert "\n".join(layers) in (ROOT / "CONTRIBUTING.md").read_text()


def test_continuous_integration_runs_the_readmes_test_command():
    commands = (ROOT / ".ci" / "run").read_text().splitlines()
    assert commands[-1] == "make test"
    assert "make test" in (ROOT / "README.md").read_text()


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(line for extra in extras for line in extra)]
    names = {re.split(r"[\[<>=]", line)[0].lower() for line in wanted}
    names.remove("gampen")  # an extra that takes in another extra
    pins = (ROOT / "constraints.txt").read_text().lower()
    assert {name for name in names if f"\n{name}==" not in pins} == set()


def test_every_line_of_the_constraints_is_an_exact_version():
    lines = (ROOT / "constraints.txt").read_text().splitlines()[1:]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []


def test_every_relative_link_in_the_documents_leads_somewhere():
    links = [
        (path, target)
        for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text())
        if "://" not in target
    ]
    assert [link for link in links if not (link[0].parent / link[1]).exists()] == []
