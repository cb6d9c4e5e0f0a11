"""The machine that this process may use: cores, memory, disk and devices."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gampen.verbs.findings import Fact, Finding, Verdict

GROUPS, MINE = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
"""Where Linux says what a container or a batch job may use, and in which groups this process is."""

MEMORY = Path("/proc/meminfo")
NVIDIA = Path("/proc/driver/nvidia/version")
THREADS = "OMP_NUM_THREADS"
ENOUGH_MEMORY, ENOUGH_DISK = 2e9, 1e9  # [byte] below which a person is told


@dataclass(frozen=True)
class Cores:
    """Those of the machine, those that this process may run on, and its quota of their time."""

    machine: int
    allowed: int
    quota: float | None

    @property
    def usable(self) -> int:
        """The number of threads that can run at a time."""
        return self.allowed if self.quota is None else min(self.allowed, math.ceil(self.quota))

    @property
    def said(self) -> str:
        """All of it in words."""
        quota = "" if self.quota is None else f", a quota of {self.quota:g}"
        return f"{self.usable} usable: {self.machine} there, {self.allowed} allowed{quota}"


def cores() -> Cores:
    """What this process sees of the machine's cores."""
    there = os.cpu_count() or 1
    affinity = getattr(os, "sched_getaffinity", None)  # only Linux has it
    return Cores(there, len(affinity(0)) if affinity else there, core_quota())


def core_quota() -> float | None:
    """The cores' worth of time that a container leaves this process; none where it is unlimited."""
    quotas = []
    for group in groups("cpu"):
        whole = content(group / "cpu.max")
        parts = content(group / "cpu.cfs_quota_us"), content(group / "cpu.cfs_period_us")
        words = (whole or " ".join(parts)).split()
        if len(words) == len(parts) and words[0] not in ("max", "-1"):
            quotas.append(int(words[0]) / int(words[1]))
    return min(quotas, default=None)


def groups(controller: str) -> Iterator[Path]:
    """The folders of this process's control groups, inner ones first; some may not be there."""
    for line in content(MINE).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        base = GROUPS / controller if controllers else GROUPS
        inner = base / path.strip("/")
        yield from (group for group in (inner, *inner.parents) if group.is_relative_to(base))


def content(path: Path) -> str:
    """What a small file of the kernel's says; nothing where there is none."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def threads() -> Iterator[Finding]:
    """The cores that may be used, and the threads that use them."""
    import torch

    found, used, told = cores(), torch.get_num_threads(), os.environ.get(THREADS)
    facts: dict[str, Fact] = dict(vars(found)) | {"usable": found.usable}
    yield Finding("threads", "cores", found.said, facts=facts)
    said = f"torch uses {used}; {THREADS} is {told or 'not set'}"
    advice = ""
    if used > found.usable:
        advice = f"threads wait for each other: export {THREADS}={found.usable}"
    elif used < found.usable and told:
        advice = f"cores are idle: unset {THREADS}, or give --workers {found.usable}"
    verdict = Verdict.NOTE if advice else Verdict.GOOD
    facts = {"torch": used, THREADS: told}
    yield Finding("threads", "threads", said, verdict, advice, facts)


def devices() -> Iterator[Finding]:
    """What a network can run on, as `--device` names it."""
    import torch

    capability = torch.backends.cpu.get_cpu_capability()
    yield Finding("devices", "cpu", capability, facts={"capability": capability})
    for place in range(torch.cuda.device_count()):
        yield _cuda(place)
    if torch.backends.mps.is_available():
        memory = torch.mps.recommended_max_memory()
        yield _tried("mps", f"Apple GPU, {memory / 1e9:.1f} GB", {"bytes": memory})
    elif not torch.cuda.is_available():
        yield _no_gpu(torch.version.cuda)


def _no_gpu(built_for: str | None) -> Finding:
    """That there is no GPU, or that torch does not see the one that is there."""
    if not content(NVIDIA):
        said = "none; none is needed, training is many times as fast on one"
        return Finding("devices", "gpu", said, Verdict.ABSENT)
    lacking = "is built for the CPU alone" if built_for is None else f"for CUDA {built_for} fails"
    said = f"an NVIDIA driver is there, and this torch {lacking}"
    advice = "install the torch that fits the driver: https://pytorch.org/get-started/locally"
    return Finding("devices", "gpu", said, Verdict.NOTE, advice)


def _cuda(place: int) -> Finding:
    """A device of CUDA's, with its memory."""
    import torch

    free, total = torch.cuda.mem_get_info(place)
    said = f"{torch.cuda.get_device_name(place)}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free"
    return _tried(f"cuda:{place}", said, {"bytes": total, "free_bytes": free})


def _tried(device: str, said: str, facts: dict[str, Fact]) -> Finding:
    """A device, after it was asked to compute."""
    from gampen.errors import UsageError
    from gampen.network.devices import usable_device

    try:
        usable_device(device)
    except UsageError as error:
        said = f"{said}: {error}"
        return Finding("devices", device, said, Verdict.NOTE, "use --device cpu", facts)
    return Finding("devices", device, said, facts=facts)


def space() -> Iterator[Finding]:
    """Memory and disk that are free."""
    free = free_memory()
    if free is not None:
        yield _room("memory", free, ENOUGH_MEMORY, "smaller --batch-size and fewer --workers")
    yield _disk("temporary", Path(tempfile.gettempdir()), "set TMPDIR to a folder with room")
    yield _disk("here", Path.cwd(), "write elsewhere with --out")


def _room(name: str, free: float, enough: float, advice: str, where: str = "") -> Finding:
    """Room that is free, and whether it is enough."""
    scarce = free < enough
    verdict = Verdict.NOTE if scarce else Verdict.GOOD
    said = f"{free / 1e9:.1f} GB free{where}"
    return Finding("space", name, said, verdict, advice if scarce else "", {"free_bytes": free})


def _disk(name: str, folder: Path, advice: str) -> Finding:
    """The room in a folder."""
    if not os.access(folder, os.W_OK | os.X_OK):
        said = f"{folder} is read-only"
        return Finding("space", name, said, Verdict.NOTE, advice, {"path": str(folder)})
    return _room(name, shutil.disk_usage(folder).free, ENOUGH_DISK, advice, f" in {folder}")


def free_memory() -> int | None:
    """The memory [byte] that this process can still have; none where the system does not say."""
    said = dict(line.split(":", 1) for line in content(MEMORY).splitlines() if ":" in line)
    rooms = [int(said["MemAvailable"].split()[0]) * 1024] if "MemAvailable" in said else []
    for group in groups("memory"):
        limit = content(group / "memory.max") or content(group / "memory.limit_in_bytes")
        used = content(group / "memory.current") or content(group / "memory.usage_in_bytes")
        if limit.isdigit() and used.isdigit():
            rooms.append(max(0, int(limit) - int(used) + _reclaimable(group)))
    return min(rooms, default=None)


def _reclaimable(group: Path) -> int:
    """What a group holds of files [byte], which it gives back when asked."""
    stat = dict(line.split() for line in content(group / "memory.stat").splitlines())
    return int(stat.get("total_inactive_file", stat.get("inactive_file", 0)))
