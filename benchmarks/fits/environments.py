"""The virtual environment of each fitting code, made on first use under `build/fits/`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.fits.samples import BUILD

HERE = Path(__file__).resolve().parent
RUNNERS = {
    "astrophot": "fit_astrophot.py",
    "pysersic": "fit_pysersic.py",
    "pyimfit": "fit_pyimfit.py",
    "statmorph": "measure_statmorph.py",
    "segmentation": "find_segments.py",
}
STAMP = "installed.txt"


def interpreter(code: str) -> Path:
    """The Python of a code's environment, which is made if it is not there or its pins changed."""
    BUILD.mkdir(parents=True, exist_ok=True)
    folder, pins = BUILD / code, (HERE / f"requirements-{code}.txt").read_text()
    python, stamp = folder / "bin" / "python", folder / STAMP
    if not stamp.exists() or stamp.read_text() != pins:
        print(f"installing {code} into {folder}", flush=True)
        call([sys.executable, "-m", "venv", str(folder)])
        requirements = str(HERE / f"requirements-{code}.txt")
        call([str(python), "-m", "pip", "install", "--quiet", "--requirement", requirements])
        stamp.write_text(pins)
    return python


def run_in(code: str, *arguments: str, threads: int = 1) -> None:
    """Run a code's script in its environment, on so many threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    limits = dict.fromkeys(names, str(threads))
    # jax counts processors, so its pool is held to one by telling XLA itself
    limits["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    script = str(HERE / "runners" / RUNNERS[code])
    call([str(interpreter(code)), script, *arguments], {**os.environ, **limits})


def call(command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run a command; where it fails, so does the benchmark."""
    run = subprocess.run(command, env=environment, cwd=BUILD, check=False)  # noqa: S603
    status = run.returncode  # codes that leave a log where they run leave it under build
    if status:
        raise SystemExit(f"{' '.join(command)} failed with status {status}")
