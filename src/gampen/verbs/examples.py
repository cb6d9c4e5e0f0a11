"""`gampen examples`: the galaxies that come with the package, to try the commands on."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from gampen import shipped
from gampen.errors import UsageError, reason_of
from gampen.storage.layouts import open_folder
from gampen.verbs.outputs import claim_folder


@dataclass(frozen=True)
class Written:
    """Where the galaxies are, and how many."""

    folder: Path
    galaxies: int


def examples(folder: Path) -> Written:
    """The galaxies, written to a new folder with where they come from.

    `UsageError` where the folder holds something, or cannot be written to.
    """
    claim_folder(folder)
    if any(folder.iterdir()):
        raise UsageError(f"{folder} must be a new or an empty folder; it holds files: name another")
    try:
        shutil.copytree(shipped.galaxies(), folder, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise UsageError(f"{folder} must be written whole; got: {reason_of(error)}") from None
    return Written(folder, len(open_folder(folder)))
