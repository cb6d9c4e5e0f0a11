"""The package as it is built: what its project file says, as an installation has it."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def project():
    """The project's own description."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirement_lines():
    """What the metadata of an installation require."""
    said = project()
    extras = said["optional-dependencies"].items()
    optional = [f"{line}; extra == '{extra}'" for extra, lines in extras for line in lines]
    return [*said["dependencies"], *(line for line in optional if not line.startswith("gampen"))]
