"""What documents and docstrings tell a person to type can be typed."""

import ast
import doctest
import re
import shlex
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
import typer

from gampen import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "examples/**/*.toml")
    for path in ROOT.glob(pattern)
    if path.name not in ("CHANGELOG.md", "CONTRIBUTING.md")  # of other versions; tried on its own
)
GAMPEN = typer.main.get_command(cli.app)
BLOCK = re.compile(r"^ *(`{3,}|:{3,})\{?([\w-]*)\}?[^\n]*\n(.*?)^ *\1 *$", re.MULTILINE | re.DOTALL)
TYPED = re.compile(r"^(?:# +|\$ |! *)?(?:.*?\s)?gampen (?=[a-z-])(.+)$")
ENDS = {"|", ">", "2>", "2>&1", "&&", ";", "&", "||"}


def blocks(path, *kinds):
    """The content of a page's blocks of some kinds."""
    return [body for _, kind, body in BLOCK.findall(path.read_text()) if kind in kinds]


def said_in(path):
    """The lines of a page that a person may type: of a shell, indented, or of a comment."""
    if path.suffix == ".toml":
        return [line for line in path.read_text().splitlines() if line.startswith("#   ")]
    shells = blocks(path, "console", "bash", "shell")
    shells += [cell for cell in blocks(path, "code-cell") if cell.startswith("%%bash")]
    shells += re.findall(r"^    (gampen .*)$", path.read_text(), re.MULTILINE)
    return [line for shell in shells for line in re.sub(r"\\\s*\n", " ", shell).splitlines()]


def words(line):
    """The words behind `gampen` of a line that calls it, or nothing."""
    found = TYPED.match(line.strip())
    if found is None:
        return []
    given = shlex.split(re.sub(r"\\$", "", found[1]), comments=True)
    end = next((number for number, word in enumerate(given) if word in ENDS), len(given))
    return given[:end]


CALLS = [
    pytest.param(given, id=f"{path.relative_to(ROOT)}: {' '.join(given)[:60]}")
    for path in PAGES
    for given in map(words, said_in(path))
    if given
]


def complaint(given):
    """What is wrong with a call, or nothing."""
    name, rest = given[0], given[1:]
    if name.startswith("-"):
        return "" if name in known_options(GAMPEN) else f"no option {name}"
    if name not in GAMPEN.commands:
        return f"no command {name}"
    if "..." in rest:
        return ", ".join(word for word in options_in(rest) if word not in known_of(name))
    try:
        GAMPEN.commands[name].make_context(name, list(rest))
    except Exception as error:  # noqa: BLE001 - typer keeps its own errors to itself
        return f"{type(error).__name__} {getattr(error, 'param_hint', '')} {error}"
    return ""


def known_options(command):
    """The options of a command."""
    listed = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    return listed | {"--help", "-h"}


def known_of(name):
    """The options of a command by its name."""
    return known_options(GAMPEN.commands[name])


def options_in(given):
    """The options among words."""
    return [word.partition("=")[0] for word in given if re.match(r"--?[a-z]", word)]


@pytest.mark.parametrize("given", CALLS)
def test_a_command_in_the_documents_can_be_typed(given):
    assert complaint(given) == ""


def test_the_documents_show_every_command():
    shown = {given.values[0][0] for given in CALLS}
    assert set(GAMPEN.commands) - shown == set()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["predcit", "a"], "no command predcit"),
        (["predict", "a", "--output", "b"], "--output"),
        (["train"], "MissingParameter"),
        (["train", "run.toml", "..."], ""),
        (["train", "...", "--devises", "4"], "--devises"),
    ],
)
def test_a_call_that_is_wrong_is_noticed(given, said):
    assert said in complaint(given)
    assert bool(complaint(given)) == bool(said)


INLINE = re.compile(r"`gampen ([a-z]+)((?: [^`]*)?)`")


def test_commands_within_sentences_have_the_options_that_are_said():
    wrong = [
        f"{path.relative_to(ROOT)}: gampen {name}{rest}"
        for path in PAGES
        for name, rest in INLINE.findall(path.read_text())
        if name not in GAMPEN.commands or not set(options_in(rest.split())) <= known_of(name)
    ]
    assert wrong == []


CODE = [
    pytest.param(code, id=f"{path.relative_to(ROOT)}: {number}")
    for path in PAGES
    for number, code in enumerate(blocks(path, "python"))
]


@pytest.mark.parametrize("code", CODE)
def test_python_in_the_documents_is_python_and_imports_what_there_is(code):
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("gampen"):
            module = import_module(node.module)
            assert [each.name for each in node.names if not hasattr(module, each.name)] == []


TABLES = [
    pytest.param(text, id=f"{path.relative_to(ROOT)}: {number}")
    for path in PAGES
    for number, text in enumerate(blocks(path, "toml"))
]


@pytest.mark.parametrize("text", TABLES)
def test_toml_in_the_documents_is_toml(text):
    assert tomllib.loads(text)


def with_examples():
    """The modules of the package whose docstrings hold examples."""
    for path in sorted((ROOT / "src" / "gampen").rglob("*.py")):
        if ">>> " in path.read_text():
            parts = path.relative_to(ROOT / "src").with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__")


@pytest.mark.parametrize("name", list(with_examples()))
def test_examples_in_docstrings_say_what_comes_back(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testmod(import_module(name))
    assert failed == 0
    assert tried > 0
    assert "+SKIP" not in Path(import_module(name).__file__).read_text()
