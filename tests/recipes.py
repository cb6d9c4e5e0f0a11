"""The recipes of the guide: their blocks, put into a copy of the package, which is then run."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
FIRST_LINE = re.compile(r"# (\S+), (new|behind|before|in place of)(?:: (.+))?")
DRIVER = """
import sys
import gampen.verbs.train
from gampen.cli import main
gampen.verbs.train.START_GALAXIES = 64
for line in sys.stdin.read().splitlines():
    sys.argv = ["gampen", *line.split()]
    try:
        main()
    except SystemExit as left:
        if left.code:
            raise
"""


@dataclass(frozen=True)
class Block:
    """Lines, and where they go."""

    path: str
    how: str
    place: str | None
    lines: list[str]

    @classmethod
    def of(cls, text: str) -> "Block":
        """The block that a fenced text is."""
        first, *lines = text.splitlines()
        path, how, place = FIRST_LINE.fullmatch(first).groups()
        return cls(path, how, place, lines)

    def follow(self, root: Path) -> None:
        """Do as the block says in a copy."""
        file = root / self.path
        if self.how == "new":
            assert not file.exists(), self.path
            file.write_text("\n".join(self.lines) + "\n")
            return
        old = file.read_text().splitlines()
        (place,) = (number for number, line in enumerate(old) if line.strip() == self.place)
        start, stop = {"behind": (1, 1), "before": (0, 0), "in place of": (0, 1)}[self.how]
        old[place + start : place + stop] = self.lines
        file.write_text("\n".join(old) + "\n")


def section(title: str) -> str:
    """What the guide says under a title."""
    return re.search(rf"^### {title}\n(.*?)(?=^##|\Z)", GUIDE, re.DOTALL | re.MULTILINE)[1]


def fenced(title: str, language: str) -> list[str]:
    """The fenced texts of one language in a recipe."""
    return re.findall(rf"```{language}\n(.*?)```", section(title), re.DOTALL)


def blocks(title: str) -> list[Block]:
    """The blocks of a recipe, in order."""
    return [Block.of(text) for text in fenced(title, "python")]


def copied(root: Path) -> Path:
    """A copy of the package without the estimators that ship."""
    ignored = shutil.ignore_patterns("*.safetensors", "__pycache__")
    shutil.copytree(ROOT / "src" / "gampen", root / "src" / "gampen", ignore=ignored)
    return root


def followed(title: str, root: Path) -> Path:
    """A copy of the package in which a recipe was followed."""
    copied(root)
    for block in blocks(title):
        block.follow(root)
    return root


def run(root: Path, *calls: str) -> str:
    """What the commands of a copy print, one after the other in one process of their own."""
    python = {"PYTHONPATH": str(root / "src"), "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    ran = subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", "-c", DRIVER],
        input="\n".join(calls),
        capture_output=True,
        text=True,
        cwd=root,
        env=os.environ | python,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
