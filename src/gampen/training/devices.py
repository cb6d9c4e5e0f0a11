"""Where a network is fitted: the one place where lightning-fabric is set up.

Several devices are as many processes, each with a share of every batch. On one machine the first
process starts the others, by the same command; SLURM and torchrun start all of them.
"""

from __future__ import annotations

import logging
import os
import subprocess
from dataclasses import dataclass

from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.utilities.exceptions import MisconfigurationException

from gampen.errors import UsageError, reason_of
from gampen.network.devices import usable_device
from gampen.network.dropout import Share

PLACES = ("RANK", "SLURM_PROCID", "NODE_RANK", "LOCAL_RANK")
"""What tells a process its number among all or some; in the first one all that are set are 0."""

Processes = Fabric
"""Those that train together, one for each device, as each of them sees it."""

PATIENCE = 30.0  # [second] that other processes have to end by themselves


@dataclass(frozen=True)
class Devices:
    """On what to train: devices of one kind, so many on each of so many nodes.

    `UsageError` where there cannot be so many.
    """

    name: str = "cpu"
    on_node: int = 1
    nodes: int = 1

    def __post_init__(self) -> None:
        """Refuse counts below one, and several of what is a single device."""
        for name, count in (("devices", self.on_node), ("nodes", self.nodes)):
            if count < 1:
                raise UsageError(f"{name} must be at least 1; got {count}")
        if self.processes > 1 and ":" in self.name:
            raise UsageError(
                f"device must be a kind of device, without a number, where there are "
                f"{self.processes}; got {self.name!r}"
            )

    @property
    def processes(self) -> int:
        """Of the whole run."""
        return self.on_node * self.nodes

    @property
    def led_elsewhere(self) -> bool:
        """Whether this process only has its share of the work: another one writes and speaks."""
        return self.processes > 1 and any(os.environ.get(name, "0") != "0" for name in PLACES)

    def check(self, batch_size: int) -> None:
        """`UsageError` where a batch cannot be shared, or the device is not there."""
        usable_device(self.name)
        if batch_size % self.processes:
            raise UsageError(
                f"batch_size must be a multiple of the {self.processes} processes that share a "
                f"batch; got {batch_size}"
            )
        if self.nodes > 1 and not self._meeting_place:
            raise UsageError(
                f"nodes must know of each other; nothing says where the {self.nodes} meet: start "
                f"this with srun or torchrun, or set MASTER_ADDR, MASTER_PORT and NODE_RANK"
            )

    @property
    def _meeting_place(self) -> bool:
        """Whether something says where the first node is."""
        return any(name in os.environ for name in ("MASTER_ADDR", "SLURM_NTASKS"))


def fabric_for(name: str) -> Fabric:
    """A Fabric of one device, such as `cpu` or `cuda:1`; `UsageError` where it is not there."""
    kind, place = usable_device(name).type, name.partition(":")[2]
    try:
        return Fabric(accelerator=kind, devices=[int(place)] if place and kind != "cpu" else 1)
    except (RuntimeError, ValueError, TypeError) as error:
        reason = reason_of(error)
        raise UsageError(f"device must be one to train on; got {name!r}: {reason}") from None


def launched(devices: Devices, idle_weights: bool = False) -> Processes:
    """A Fabric whose processes all run; with several, the same command has been started for each.

    `idle_weights`: whether the loss does not depend on all weights. `UsageError` where the machine
    has not so many devices, or what started the processes started another number.
    """
    if devices.processes == 1:
        return fabric_for(devices.name)
    # A person is told how training goes, not how processes meet.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    strategy = DDPStrategy(find_unused_parameters=idle_weights)
    kind = usable_device(devices.name).type
    try:
        fabric = Fabric(
            accelerator=kind, strategy=strategy, devices=devices.on_node, num_nodes=devices.nodes
        )
        fabric.launch()
    except (RuntimeError, ValueError, TypeError, MisconfigurationException) as error:
        raise UsageError(
            f"devices and nodes must be those that there are; got {devices.on_node} and "
            f"{devices.nodes} of {devices.name}: {reason_of(error)}"
        ) from None
    return fabric


def share_of(processes: Processes) -> Share:
    """The share of each batch that the process asking has."""
    return Share(processes.global_rank, processes.world_size)


def dismiss(processes: Processes, at_once: bool) -> None:
    """See the processes that this one started to their end; without waiting where at once."""
    launcher = getattr(processes.strategy, "launcher", None)
    started: list[subprocess.Popen[bytes]] = getattr(launcher, "procs", [])
    others = list(started)
    started.clear()  # else Fabric's watch would end this process as well
    for process in others if at_once else []:
        process.kill()  # it writes nothing, and may wait for this one where no request reaches it
    for process in others:
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
