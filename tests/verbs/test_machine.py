"""What a container leaves of the machine, as Linux says it, in either generation of its files."""

import pytest

from gampen.verbs import machine
from gampen.verbs.machine import Cores, core_quota, free_memory

GIB = 2**30


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A system of files with these contents."""

    def make(mine, memory="", **files):
        (tmp_path / "mine").write_text(mine)
        (tmp_path / "memory").write_text(memory)
        for name, text in files.items():
            path = tmp_path / "groups" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.setattr(machine, "MINE", tmp_path / "mine")
        monkeypatch.setattr(machine, "MEMORY", tmp_path / "memory")
        monkeypatch.setattr(machine, "GROUPS", tmp_path / "groups")

    return make


def test_the_smallest_quota_of_all_groups_above_counts(system):
    files = {"batch/job/cpu.max": "max 100000", "batch/cpu.max": "350000 100000"}
    system("0::/batch/job\n", **files, **{"cpu.max": "800000 100000"})
    assert core_quota() == 3.5


def test_older_files_say_the_same(system):
    files = {"cpu/job/cpu.cfs_quota_us": "150000", "cpu/job/cpu.cfs_period_us": "100000"}
    unlimited = {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}
    system("4:cpu,cpuacct:/job\n3:memory:/job\n0::/\n", **files, **unlimited)
    assert core_quota() == 1.5


def test_a_container_that_names_groups_of_its_host_still_sees_its_own_limit(system):
    system("0::/docker/0123\n", **{"cpu.max": "200000 100000"})
    assert core_quota() == 2.0


def test_a_system_without_such_files_has_no_quota(system):
    system("")
    assert core_quota() is None
    assert free_memory() is None


def test_a_quota_of_one_and_a_half_cores_runs_two_threads():
    assert Cores(64, 8, 1.5).usable == 2
    assert Cores(64, 8, 16.0).usable == 8
    assert Cores(64, 8, None).usable == 8


def test_free_memory_is_what_the_machine_and_every_group_leave(system):
    files = {
        "job/memory.max": str(4 * GIB),
        "job/memory.current": str(3 * GIB),
        "job/memory.stat": f"anon 17\ninactive_file {GIB // 2}\n",
        "memory.max": "max",
    }
    system("0::/job\n", "MemTotal: 9 kB\nMemAvailable: 8388608 kB\n", **files)
    assert free_memory() == GIB + GIB // 2


def test_without_a_limit_free_memory_is_the_machines(system):
    system("0::/\n", "MemAvailable: 1024 kB\n")
    assert free_memory() == 2**20
