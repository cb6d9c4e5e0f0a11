"""The errors that gampen raises on purpose: each says what must hold, what was found, what to do.

::

    GampenError                 anything below; `except GampenError` catches all of them
    ├── UsageError              the call itself is wrong: a path, an option, a setting, a run file
    │   └── EstimatorError      an estimator file is missing, damaged or of another kind
    ├── GalaxyError             one galaxy cannot be used; a verb turns it into one flagged row
    ├── TrainingError           a training run cannot go on: diverged, or another's checkpoint
    └── TrackingError           a server that follows a run is away; the run goes on without it
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_REASON = 300
"""[letter] of another library's error; some list whole states."""


class GampenError(Exception):
    """Any error that gampen raises on purpose."""


class UsageError(GampenError, ValueError):
    """The call is wrong: a path, an option, a setting or a run file."""


class EstimatorError(UsageError):
    """An estimator file is missing, damaged or of another kind."""


class GalaxyError(GampenError, ValueError):
    """One galaxy cannot be used; its message becomes the `status` of its row."""


class TrainingError(GampenError, RuntimeError):
    """A training run cannot go on."""


class TrackingError(GampenError, RuntimeError):
    """A server that follows a run does not answer."""


def reason_of(error: BaseException) -> str:
    """What another library's error says, in one line: its first, and the one that it announces."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = " ".join(lines[: 2 if lines and lines[0].endswith(":") else 1])
    return said[:LONGEST_REASON] or type(error).__name__


@contextmanager
def extra(name: str) -> Iterator[None]:
    """A place for imports that an optional extra brings: `UsageError` where one is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{error.name} must be installed for this; it is not: pip install 'gampen[{name}]'"
        ) from error
