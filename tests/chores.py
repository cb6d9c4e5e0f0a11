"""Work for engines: small, of known cost, and deadly where it is meant to be."""

import os
import signal
import time
from pathlib import Path

from gampen.errors import UsageError


def double(number):
    return 2 * number


def length(thing):
    return len(thing)


def spin(seconds):
    """The process that spent so much CPU time."""
    start = time.process_time()
    while time.process_time() - start < seconds:
        sum(range(1000))
    return os.getpid()


def sleep(seconds):
    time.sleep(seconds)
    return os.getpid()


def die(number):
    """Zero does not survive."""
    if number == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_once(task):
    """The process dies where the file is not there yet."""
    number, path = task
    if path and not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
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
    time.sleep(0.05)
    return number


def threads(_):
    import torch

    return torch.get_num_threads(), os.environ["OMP_NUM_THREADS"]


def complain(number):
    import logging
    import sys

    sys.stdout.write("to the terminal")
    sys.stderr.write("to the terminal")
    sys.stderr.flush()
    logging.getLogger("distributed").error("to the terminal")
    return number


def missing(_):
    raise ModuleNotFoundError("No module named 'nowhere'", name="nowhere")


def other_versions():
    """What a worker of another release would say of itself."""
    return {"Python": "2.7", "gampen": "9.9"}
