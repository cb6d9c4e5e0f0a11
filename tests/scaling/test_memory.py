import platform
import resource
import subprocess
import sys

import pytest

from gampen.scaling.memory import keep_memory

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="malloc.h of GNU")

FAULTS = """
import resource, sys
import torch
from gampen.scaling.memory import keep_memory
torch.set_num_threads(1)
if sys.argv[1] == "kept":
    assert keep_memory()
def used():
    # Half a MiB each, alive together, as the layers of a network are.
    return [torch.ones(131072) for _ in range(64)]
used()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    used()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(way):
    """Pages that were asked of the system while 10 x 32 MiB were used."""
    ran = subprocess.run(
        [sys.executable, "-c", FAULTS, way],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), "MALLOC_TRIM_THRESHOLD_": "65536"},
    )
    return int(ran.stdout)


@glibc
def test_kept_memory_is_not_asked_for_again():
    pages = 10 * (32 << 20) // resource.getpagesize()
    assert faults("kept") < 0.1 * pages < 0.5 * pages < faults("given back")


@glibc
def test_keeping_memory_twice_changes_nothing():
    assert keep_memory() is keep_memory() is True
