"""The original architecture against gampen: parameters, and time a galaxy for 1,000 draws.

`python -m benchmarks.original [ESTIMATOR [GALAXIES [BATCH [THREADS]]]]` builds the network of
GaMPEN (Ghosh et al. 2022, doi:10.3847/1538-4357/ac7f9e) from its public layout with random weights
(what it costs does not depend on them), times one pass over simulated frames of 239 px with dropout
on, and says what 1,000 such passes cost a galaxy. gampen then infers the same frames on the same
threads, from tensors and, by its own command, from FITS files. Times are wall-clock and, since that
depends on what else the machine does, processor time.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch
from jaxtyping import Float
from torch import Tensor, nn

from benchmarks.commands import run
from gampen import Estimator, load_cutouts
from gampen.cutouts import Cutouts
from gampen.inference.sampling import Sampling, infer

SIZE, PASSES, REPEATS = 239, 1000, 3
RUNFILE = Path(__file__).parent.parent / "examples" / "runs" / "hsc_wide_i.toml"
DROPOUT = 4e-4  # the published rates are 2e-4 to 7e-4
VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
OUTPUTS = 9  # three means, three variances, three covariances


def localisation(size: int) -> nn.Sequential:
    """The network that proposes the zoom."""
    side = ((size - 10 - 1) // 2 - 8 - 1) // 2
    return nn.Sequential(
        *(nn.Conv2d(3, 64, 11), nn.MaxPool2d(3, 2), nn.ReLU()),
        *(nn.Conv2d(64, 96, 9), nn.MaxPool2d(3, 2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(96 * side * side, 32), nn.ReLU(), nn.Linear(32, 1)),
    )


def convolutions(rate: float) -> Iterator[nn.Module]:
    """VGG16's (configuration D, no batch norm), a dropout before each of them but the first."""
    channels = 3
    for block in VGG16:
        for width in block:
            if channels > 3:
                yield nn.Dropout(rate)
            yield nn.Conv2d(channels, width, 3, padding=1)
            yield nn.ReLU()
            channels = width
        yield nn.MaxPool2d(2)


def classifier(rate: float) -> nn.Sequential:
    """What turns the last map into the parameters of a Gaussian."""
    return nn.Sequential(
        *(nn.AdaptiveAvgPool2d(7), nn.Flatten()),
        *(nn.Linear(512 * 49, 4096), nn.ReLU(), nn.Dropout(rate)),
        *(nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(rate)),
        nn.Linear(4096, OUTPUTS),
    )


class Original(nn.Module):
    """Spatial transformer with one zoom parameter, then VGG16."""

    def __init__(self, size: int = SIZE, rate: float = DROPOUT) -> None:
        super().__init__()
        self.localisation = localisation(size)
        self.features = nn.Sequential(*convolutions(rate))
        self.classifier = classifier(rate)

    def forward(self, band: Float[Tensor, "galaxy height width"]) -> Float[Tensor, "galaxy output"]:
        """The Gaussian's parameters, from one band three times over."""
        image = band.arcsinh()[:, None].expand(-1, 3, -1, -1)
        zoom = self.localisation(image)[:, :, None]
        theta = zoom * torch.eye(2, 3, device=zoom.device)
        grid = nn.functional.affine_grid(theta, list(image.shape), align_corners=True)
        crop = nn.functional.grid_sample(image, grid, align_corners=True)
        return self.classifier(self.features(crop))


@dataclass(frozen=True)
class Time:
    """Time [s] of something: on the clock, and of all processors."""

    clock: float
    processors: float

    @classmethod
    def now(cls) -> Time:
        """The time by now, of this process and of those that it ran and that ended."""
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return cls(perf_counter(), sum(usage.ru_utime + usage.ru_stime for usage in used))

    @classmethod
    def of(cls, call: Callable[[], object], galaxies: int) -> Time:
        """The medians of some calls for each galaxy, after one call that does not count."""
        call()
        spans = []
        for _ in range(REPEATS):
            began = cls.now()
            call()
            ended = cls.now()
            spans.append((ended.clock - began.clock, ended.processors - began.processors))
        clock, processors = (statistics.median(each) for each in zip(*spans, strict=True))
        return cls(clock / galaxies, processors / galaxies)


@torch.no_grad()
def original_time(cutouts: Cutouts, batch: int) -> Time:
    """Time of one pass of the original for each galaxy of a batch; also prints its parameters."""
    network = Original().train()  # dropout stays on, as in its Monte Carlo passes
    parameters = sum(weight.numel() for weight in network.parameters())
    print(f"original: {parameters / 1e6:.1f} M parameters")
    frames = torch.stack([torch.from_numpy(cutout.pixels) for cutout in cutouts])[:batch]
    return Time.of(lambda: network(frames), len(frames))


def tensor_time(cutouts: Cutouts, estimator: str, passes: int) -> Time:
    """Time that gampen takes for each galaxy, from pixels in memory to mixtures."""
    network, sampling = Estimator.load(estimator).network, Sampling(passes=passes)
    return Time.of(lambda: infer(network, cutouts, sampling), len(cutouts))


def simulate(folder: Path, galaxies: int) -> Path:
    """The folder of so many simulated frames of 239 px, as FITS files."""
    settings = folder / "run.toml"
    settings.write_text(RUNFILE.read_text().replace("[143]", f"[{SIZE}]"))
    run("simulate", str(settings), "--count", str(galaxies), "--out", str(folder / "simulated"))
    return folder / "simulated"


def command_time(simulated: Path, estimator: str, passes: int, galaxies: int) -> Time:
    """Time of `gampen predict` for each galaxy, from FITS files to the catalogue."""
    out = str(simulated.parent / "catalogue.parquet")
    options = ("--estimator", estimator, "--passes", str(passes), "--out", out)
    return Time.of(lambda: run("predict", str(simulated), *options), galaxies)


def report(name: str, found: Time, one_pass: Time) -> None:
    """Print a time a galaxy and how many times as long the original takes for its draws."""
    clock, processors = PASSES * one_pass.clock, PASSES * one_pass.processors
    print(
        f"{name}: {1e3 * found.clock:.2f} ms a galaxy ({1e3 * found.processors:.2f} of processors);"
        f" original takes {clock / found.clock:,.0f} ({processors / found.processors:,.0f}) times"
        f" as long",
        flush=True,
    )


def main(
    estimator: str = "universal", galaxies: str = "256", batch: str = "4", threads: str = "1"
) -> None:
    """Measure and print."""
    count = int(galaxies)
    torch.set_num_threads(int(threads))
    os.environ["OMP_NUM_THREADS"] = threads
    print(f"{count} frames of {SIZE} px on {threads} of {os.cpu_count()} processors, the original")
    print(f"in batches of {batch}; medians of {REPEATS} runs after one that does not count")
    with tempfile.TemporaryDirectory() as folder:
        simulated = simulate(Path(folder), count)
        cutouts = load_cutouts(simulated)
        one = original_time(cutouts, int(batch))
        print(
            f"one pass: {one.clock:.3f} s a galaxy ({one.processors:.3f} of processors); {PASSES}"
        )
        print(f"passes: {PASSES * one.clock:.0f} s a galaxy ({PASSES * one.processors:.0f})")
        for passes in (Sampling().passes, PASSES):
            found = tensor_time(cutouts, estimator, passes)
            report(f"gampen from pixels, {passes} passes", found, one)
            found = command_time(simulated, estimator, passes, count)
            report(f"gampen predict from FITS, {passes} passes", found, one)


if __name__ == "__main__":
    main(*sys.argv[1:])
