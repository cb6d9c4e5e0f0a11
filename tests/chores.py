"""Work for engines: small, of known cost, and deadly where it is meant to be."""

import logging
import os
import signal
import sys
import time
from pathlib import Path

from gampen.errors import UsageError


def double(number):
    return 2 * number


def same(thing):
    return thing


def spin(seconds):
    """The process that spent so much CPU time."""
    start = time.process_time()
    while time.process_time() - start < seconds:
        sum(range(1000))
    return os.getpid()


def die(number):
    """Zero does not survive."""
    if number == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_counted(path):
    """Each death leaves a line."""
    with Path(path).open("a") as trace:
        trace.write("tried\n")
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(task):
    """The process dies where the file is not there yet."""
    number, path = task
    if not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def leave(_):
    sys.exit(3)


def wait(task):
    """Leaves the process's number where the other can find it, and is done when it is gone."""
    number, path = task
    if number == 0:
        Path(path).write_text(str(os.getpid()))
        while Path(path).exists():
            time.sleep(0.01)
    return number


def swell(number):
    """Zero takes memory until it is stopped."""
    taken = []
    while number == 0:
        taken.append(bytearray(b"x" * 20_000_000))
        time.sleep(0.02)
    return number


def refuse(number):
    """Three cannot be done."""
    if number == 3:
        raise UsageError("three must not be asked for")
    time.sleep(0.02)
    return number


def lack(_):
    raise ModuleNotFoundError("No module named 'nowhere'", name="nowhere")


def threads(_):
    import torch

    return torch.get_num_threads(), os.environ["OMP_NUM_THREADS"]


def complain(number):
    """What others may write to the terminal in the middle of a run."""
    os.write(1, b"to the terminal")
    os.write(2, b"to the terminal")
    logging.getLogger("distributed").error("to the terminal")
    return number
