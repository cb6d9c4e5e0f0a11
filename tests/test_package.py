"""What is built: a wheel that holds all that runs and nothing else, and an sdist that makes it."""

import hashlib
import os
import tarfile
import zipfile
from pathlib import Path

import hatchling.build
import pytest

from gampen import __version__, shipped

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "gampen"
LARGEST = 25e6  # [byte]
NOT_SHIPPED = {"__pycache__"}


def built(kind, source, out):
    """The archive that the project's own backend makes of a source folder."""
    build = {"wheel": hatchling.build.build_wheel, "sdist": hatchling.build.build_sdist}[kind]
    before = Path.cwd()
    os.chdir(source)
    try:
        return out / build(str(out))
    finally:
        os.chdir(before)


def content(wheel):
    """The digest of every file in a wheel, by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {n: hashlib.sha256(archive.read(n)).hexdigest() for n in archive.namelist()}


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    return built("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_package_file_by_file_and_nothing_else(wheel):
    files = [p for p in PACKAGE.rglob("*") if p.is_file() and not NOT_SHIPPED & set(p.parts)]
    there = {f"gampen/{p.relative_to(PACKAGE)}": hashlib.sha256(p.read_bytes()) for p in files}
    about = {f"gampen-{__version__}.dist-info"}
    inside = content(wheel)
    assert {n for n in inside if n.split("/")[0] not in about} == set(there)
    assert all(inside[name] == digest.hexdigest() for name, digest in there.items())


def test_the_wheel_holds_what_runs_beside_python(wheel):
    inside = set(content(wheel))
    models = {
        f"gampen/shipped/{n}{s}" for n in shipped.shipped_names() for s in (".md", ".safetensors")
    }
    pages = {"gampen/plotting/templates/report.html", "gampen/plotting/vendor/d3.min.js"}
    galaxies = {"gampen/shipped/hsc/info.csv", "gampen/shipped/hsc/README.md"}
    assert models | pages | galaxies | {"gampen/py.typed"} <= inside
    assert f"gampen-{__version__}.dist-info/licenses/LICENSE" in inside


def test_the_wheel_is_named_after_the_one_version_and_not_large(wheel):
    assert wheel.name == f"gampen-{__version__}-py3-none-any.whl"
    assert wheel.stat().st_size < LARGEST


def test_the_wheel_made_of_the_sdist_is_the_same(wheel, sdist, tmp_path):
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    again = built("wheel", source, tmp_path_factory_of(tmp_path))
    assert content(again) == content(wheel)


def tmp_path_factory_of(tmp_path):
    """A folder beside what was unpacked."""
    out = tmp_path.parent / f"{tmp_path.name}-wheel"
    out.mkdir()
    return out


def test_the_sdist_holds_no_stray_files(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    tops = {name.split("/")[0] for name in names}
    assert {"src", "tests", "docs", "LICENSE", "PKG-INFO", "pyproject.toml"} <= tops
    assert not tops & {"build", "runs", "demo-output", ".venv"}
    assert not [name for name in names if name.endswith(".pyc")]


def test_the_galaxies_in_the_package_are_those_of_the_examples():
    for path in shipped.galaxies().rglob("*.fits"):
        original = ROOT / "examples" / "hsc" / path.relative_to(shipped.galaxies())
        assert path.read_bytes() == original.read_bytes()
    rows = (ROOT / "examples" / "hsc" / "info.csv").read_text().splitlines()
    assert set((shipped.galaxies() / "info.csv").read_text().splitlines()) <= set(rows)
