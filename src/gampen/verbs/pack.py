"""`gampen pack`: galaxies as they are read, in one file that is read again many times as fast."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gampen.cutouts import Entry
from gampen.errors import UsageError
from gampen.storage.fits import Known
from gampen.storage.mosaics import Cutting
from gampen.storage.packed import SUFFIX, Packed, write_packed
from gampen.verbs.galaxies import open_galaxies
from gampen.verbs.outputs import claim_file

EVERY = 64  # [galaxy] between words of progress
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PackRequest:
    """Which galaxies, where to, and what is known of all of them alike.

    Where there are `mosaics`, `source` is a catalogue of positions in them.
    """

    source: Path
    out: Path
    known: Known = field(default_factory=Known)
    mosaics: tuple[Path, ...] = ()
    cutting: Cutting = field(default_factory=Cutting)

    def __post_init__(self) -> None:
        """Refuse a name that no packed file can have."""
        if self.out.suffix.lower() != SUFFIX:
            raise UsageError(f"a packed file's name must end in {SUFFIX}; got {self.out.name!r}")
        if self.out.resolve() == self.source.resolve():
            raise UsageError(f"{self.out} must not be the source itself; choose another name")


def pack(request: PackRequest, progress: Progress = lambda *_: None) -> Packed:
    """Write the galaxies of a source as one packed file, in order, whole or not at all.

    One that cannot be read is packed as the reason why. `UsageError` where the call is wrong.
    """
    source = open_galaxies(request.source, request.mosaics, request.cutting, request.known)
    claim_file(request.out)
    entries = source.read(request.known)
    return write_packed(counted(entries, len(source), progress), request.out)


def counted(entries: Iterable[Entry], of: int, progress: Progress) -> Iterator[Entry]:
    """The galaxies, while progress is told of them."""
    for done, entry in enumerate(entries, start=1):
        yield entry
        if done % EVERY == 0 or done == of:
            progress(done, of)
