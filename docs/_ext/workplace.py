"""Where the code of a page runs: a folder of its own that is gone afterwards, the same everywhere.

The folder holds a copy of the repository's `examples/`, so that a command on a page is the one
that a person types in a clone. `gampen` is on the path, shells stop at the first command that
fails, and nobody's own settings of IPython, nor the width and colours of a terminal, reach a page.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """\
c.ScriptMagics.script_paths = {"bash": "bash -euo pipefail"}
c.HistoryManager.enabled = False
c.InteractiveShell.colors = "nocolor"
"""
QUIET = "c.IPKernelApp.log_level = 40\n"
FIRST_CELL = f"""\
import shutil
shutil.copytree({str(ROOT / "examples")!r}, "examples", dirs_exist_ok=True)
del shutil
"""


def furnish(folder: Path) -> None:
    """Write what every kernel reads at its start."""
    profile = folder / "profile_default"
    (profile / "startup").mkdir(parents=True)
    (profile / "ipython_config.py").write_text(SETTINGS)
    (profile / "ipython_kernel_config.py").write_text(QUIET)
    (profile / "startup" / "examples.py").write_text(FIRST_CELL)


def environment(folder: Path, threads: int) -> dict[str, str]:
    """What kernels and the shells in them find in their environment."""
    own = [os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(":") if path]  # noqa: PTH100
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join(own),
        "IPYTHONDIR": str(folder),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads)),
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }


def on_start(app: Sphinx) -> None:
    """Make the workplace before any page is read."""
    workplace = TemporaryDirectory(prefix="gampen-docs-")
    app.connect("build-finished", lambda *_: workplace.cleanup())
    furnish(Path(workplace.name))
    logging.getLogger("traitlets").setLevel(logging.WARNING)
    os.environ.update(environment(Path(workplace.name), threads=2 if app.config.full_sizes else 1))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", on_start)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
