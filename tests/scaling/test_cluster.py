"""The real engine: worker processes that are killed, and their runs that go on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import chores
from commands import HEEDING
from gampen.errors import UsageError
from gampen.scaling import cluster
from gampen.scaling.cluster import at, local
from gampen.scaling.engine import Lost

HERE = Path(__file__).parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}

LONG_RUN = """
import chores
from gampen.scaling.cluster import local
with local(2) as engine:
    for place, process in engine.run(chores.spin, iter([0.01] * 4 + [100.0] * 100)):
        print(place, flush=True)
"""


@pytest.fixture(scope="module")
def two():
    """Two workers, with which a task is lost when it has killed three."""
    with local(2, deaths=3) as engine:
        yield engine


def found(results):
    """Results by place, each of which came once."""
    results = list(results)
    assert len(dict(results)) == len(results)
    return [result for _, result in sorted(results, key=lambda pair: pair[0])]


def soon(fact, seconds=20.0):
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def runs(process):
    """Whether it does, and is no more than a number that nobody has asked for."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def children():
    """Processes that this one has started, and that still run."""
    started = psutil.Process().children(recursive=True)
    return {child.pid for child in started if "spawn_main" in " ".join(child.cmdline())}


# ------------------------------------------------------------------------------- two workers here


def test_every_task_has_its_result_once(two):
    assert found(two.run(chores.double, range(200))) == [2 * number for number in range(200)]


def test_no_task_is_no_result(two):
    assert list(two.run(chores.double, [])) == []


def test_work_is_done_by_processes_of_one_thread(two):
    assert set(found(two.run(chores.threads, range(4)))) == {(1, "1")}


def test_a_function_of_the_script_itself_can_be_work(two):
    assert found(two.run(lambda number: number + 1, range(3))) == [1, 2, 3]


def test_a_worker_killed_in_the_middle_costs_no_result(two, tmp_path):
    path = tmp_path / "process"
    results = two.run(chores.wait, [(number, str(path)) for number in range(20)])
    first = [next(results)]
    assert soon(path.exists)
    os.kill(int(path.read_text()), signal.SIGKILL)
    path.unlink()
    # Its task is begun anew, and waits again.
    assert soon(path.exists)
    path.unlink()
    assert found([*first, *results]) == list(range(20))


def test_a_task_that_always_kills_is_lost_and_no_other(two):
    results = found(two.run(chores.die, [1, 0, 2, 3, 4]))
    assert results == [1, Lost("its process died 3 times"), 2, 3, 4]


def test_a_task_that_ends_its_process_is_lost(two):
    assert found(two.run(chores.leave, [0])) == [Lost("its process died 3 times")]


def test_tasks_that_wait_are_not_blamed_for_deaths(two, tmp_path):
    # Twice as many deaths as a task may have; every task has one.
    tasks = [(number, str(tmp_path / str(number))) for number in range(6)]
    assert found(two.run(chores.die_once, tasks)) == list(range(6))


def test_what_the_work_raises_ends_the_run_with_its_own_type(two):
    drawn = []
    tasks = (drawn.append(number) or number for number in range(1000))
    with pytest.raises(UsageError, match="three must not be asked for"):
        list(two.run(chores.refuse, tasks))
    assert len(drawn) < 100
    # The engine is as good as before.
    assert found(two.run(chores.double, range(5))) == [0, 2, 4, 6, 8]


def test_a_worker_writes_nothing_to_the_terminal(two, capfd):
    assert found(two.run(chores.complain, range(4))) == list(range(4))
    assert found(two.run(chores.die, [0])) == [Lost("its process died 3 times")]
    assert capfd.readouterr() == ("", "")


MANY = """
import chores, psutil
from gampen.scaling.cluster import AHEAD, local

drawn, came = 0, 0

def tasks():
    global drawn
    for number in range(1000):
        drawn += 1
        yield number.to_bytes(2, "big") * 50_000

with local(2) as engine:
    for _, result in engine.run(chores.same, tasks()):
        came += 1
        assert len(result) == 100_000
        assert drawn - came < AHEAD * 2
        if came in (300, 1000):
            print(psutil.Process().memory_info().rss)
"""


def test_a_long_run_takes_no_more_memory_than_a_short_one():
    """1,000 tasks of 100 kB would be 100 MB, and their results as much again."""
    run = subprocess.run(
        [sys.executable, "-c", MANY], capture_output=True, text=True, env=ENVIRONMENT, check=True
    )
    few, many = map(int, run.stdout.split())
    assert many - few < 25e6


# --------------------------------------------------------------------------- how workers are ended


def test_a_task_without_bounds_loses_its_worker_not_the_machine():
    with local(1, memory=250_000_000, deaths=2) as engine:
        results = found(engine.run(chores.swell, [1, 0, 2]))
    assert results == [1, Lost("its process died 2 times"), 2]


def test_the_end_of_the_block_ends_the_workers_in_the_middle_of_their_tasks():
    before, environment = children(), dict(os.environ)
    with local(2) as engine:
        results = engine.run(chores.spin, iter([0.01] + [100.0] * 10))
        next(results)
        assert len(children() - before) == 2
        start = time.monotonic()
    assert time.monotonic() - start < 10
    assert children() <= before
    assert dict(os.environ) == environment
    with pytest.raises(UsageError, match="must be used within its block"):
        next(results)


@pytest.fixture
def long_run():
    """A command in the middle of its run, and the processes that it has started."""
    with subprocess.Popen(
        [*HEEDING, sys.executable, "-c", LONG_RUN],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        start_new_session=True,
    ) as run:
        for _ in range(4):
            assert run.stdout.readline()
        started = psutil.Process(run.pid).children(recursive=True)
        assert len(started) >= 2
        yield run, started
        run.kill()


def test_ctrl_c_ends_everything_quickly_and_says_only_that(long_run):
    run, started = long_run
    os.killpg(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=15)
    assert run.returncode == -signal.SIGINT
    assert said.count("Traceback") == 1
    assert said.endswith("KeyboardInterrupt\n")
    assert soon(lambda: not any(runs(child) for child in started))


def test_workers_end_when_the_main_process_is_killed(long_run):
    run, started = long_run
    run.kill()
    assert soon(lambda: not any(runs(child) for child in started))


def test_workers_that_cannot_start_are_one_error(monkeypatch, capfd):
    # Every new process fails when it looks for the main script.
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "/no/such/script.py", raising=False)
    before = children()
    with pytest.raises(UsageError, match="2 worker processes must start"), local(2):
        pass
    assert children() <= before
    capfd.readouterr()


@pytest.mark.parametrize("workers", [0, -1])
def test_there_is_at_least_one_worker(workers):
    with pytest.raises(UsageError, match=f"at least 1 worker; got {workers}"), local(workers):
        pass


def test_without_the_extra_its_name_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install 'gampen\[cluster\]'"), local(2):
        pass


# ---------------------------------------------------------------------------- a cluster of others


def dask(kind, *options):
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--no-dashboard", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """The file that says where a scheduler is, and its process."""
    path = tmp_path_factory.mktemp("cluster") / "scheduler.json"
    options = ("--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0")
    with dask("scheduler", *options, "--scheduler-file", str(path)) as process:
        assert soon(path.exists)
        yield path, process
        process.kill()


@pytest.fixture(scope="module")
def address(scheduler):
    """The address of a cluster of two workers."""
    path, _ = scheduler
    options = ("--nthreads", "1", "--nworkers", "2", "--no-dashboard")
    with dask("worker", "--scheduler-file", str(path), *options) as workers:
        yield json.loads(path.read_text())["address"]
        workers.terminate()


def test_a_cluster_without_workers_is_given_up_after_a_while(scheduler):
    path, _ = scheduler
    address = json.loads(path.read_text())["address"]
    said = r"must have a worker; it has had none for 0\.5 s"
    with at(address, patience=0.5) as engine, pytest.raises(UsageError, match=said):
        list(engine.run(chores.double, range(3)))


def test_a_cluster_does_every_task_once(address):
    with at(address) as engine:
        assert found(engine.run(chores.double, range(100))) == [2 * x for x in range(100)]


def test_on_a_cluster_a_task_is_tried_again_beyond_the_patience_of_its_scheduler(address, tmp_path):
    # The scheduler gives up after four deaths; we ask it twice.
    trace = tmp_path / "trace"
    with at(address, deaths=5) as engine:
        assert found(engine.run(chores.die_counted, [str(trace)])) == [
            Lost("its process died 8 times")
        ]
    assert trace.read_text() == "tried\n" * 8


def test_on_a_cluster_what_a_worker_lacks_is_told(address):
    with at(address) as engine, pytest.raises(UsageError, match=r"one has not.*nowhere"):
        list(engine.run(chores.lack, [0]))


def test_a_scheduler_of_another_version_is_refused(address, monkeypatch):
    monkeypatch.setattr(cluster, "version", lambda _: "1.0")
    with pytest.raises(UsageError, match=r"must run distributed 1\.0"), at(address):
        pass


def test_a_scheduler_that_is_lost_is_one_error(address, scheduler):
    _, process = scheduler
    with at(address) as engine:
        results = engine.run(chores.spin, [0.05] * 1000)
        next(results)
        process.kill()
        with pytest.raises(UsageError, match="must stay reachable"):
            list(results)


@pytest.mark.parametrize("address", ["", "nonsense", "foo://host:8786", "tcp://127.0.0.1:1"])
def test_where_no_scheduler_answers_the_address_is_told(address, monkeypatch):
    monkeypatch.setattr(cluster, "ANSWER", 0.5)
    with pytest.raises(UsageError, match=f"must answer within .* got '{address}'"), at(address):
        pass
