"""What does a node say of itself? Pure but for looking: the Node object and its conditions."""

import os
import platform
import resource
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from ouranos.engine.node import config, identity
from ouranos.kit import conditions, objects

MAX_PODS: Final = 250
_OPEN_FILES: Final = 65536
LEASE_SECONDS: Final = 40
_DISK_LOW: Final = 0.05
_DISK_LEAST: Final = 1 << 30
_MEMORY_LEAST: Final = 100 << 20
_PROCESSES_LEAST: Final = 1000
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Machine:
    """What the node has, and what of it is free."""

    processors: int
    memory: int
    memory_free: int
    disk: int
    disk_free: int
    processes_free: int

    @classmethod
    def look(cls, folder: Path) -> "Machine":
        """Look at the machine, and at the file system that holds `folder`."""
        memory = _table(Path("/proc/meminfo"))
        disk = os.statvfs(folder)
        running = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])
        return cls(
            processors=len(os.sched_getaffinity(0)),
            memory=memory["MemTotal"] * 1024,
            memory_free=memory["MemAvailable"] * 1024,
            disk=disk.f_blocks * disk.f_frsize,
            disk_free=disk.f_bavail * disk.f_frsize,
            processes_free=int(Path("/proc/sys/kernel/pid_max").read_text()) - running,
        )

    @property
    def is_disk_low(self) -> bool:
        """Whether there is too little room to start anything."""
        return self.disk_free < min(self.disk * _DISK_LOW, _DISK_LEAST)

    def capacity(self) -> dict[str, str]:
        """Return what the machine has, as quantities."""
        return {
            "cpu": str(self.processors),
            "memory": f"{self.memory // 1024}Ki",
            "ephemeral-storage": f"{self.disk // 1024}Ki",
            "pods": str(MAX_PODS),
        }


def _table(path: Path) -> dict[str, int]:
    pairs = (line.split(":") for line in path.read_text().splitlines())
    return {name: int(rest.split()[0]) for name, rest in pairs}


def _release() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "Linux"


def architecture() -> str:
    """Return the machine's architecture as Kubernetes names it."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def labels(told: config.NodeConfig) -> dict[str, str]:
    """Return the node's labels."""
    return {
        **told.labels,
        "kubernetes.io/hostname": told.name,
        "kubernetes.io/arch": architecture(),
        "kubernetes.io/os": "linux",
    }


def information(version: str, runtime: str) -> dict[str, str]:
    """Return the `nodeInfo` of the machine."""
    machine_id = Path("/etc/machine-id")
    return {
        "machineID": machine_id.read_text().strip() if machine_id.exists() else "",
        "systemUUID": "",
        "bootID": identity.boot(),
        "kernelVersion": platform.release(),
        "osImage": _release(),
        "containerRuntimeVersion": runtime,
        "kubeletVersion": version,
        "kubeProxyVersion": version,
        "operatingSystem": "linux",
        "architecture": architecture(),
    }


def status(
    before: objects.Object,
    told: config.NodeConfig,
    machine: Machine,
    now: datetime,
    trouble: str,
) -> objects.Object:
    """Return the status of the Node object; `trouble` says why the node cannot run pods."""
    found = [dict(one) for one in objects.entries(before, "conditions")]
    rows = (
        (
            "MemoryPressure",
            machine.memory_free < _MEMORY_LEAST,
            ("KubeletHasInsufficientMemory", "KubeletHasSufficientMemory"),
            f"{machine.memory_free >> 20} MiB of memory are available",
        ),
        (
            "DiskPressure",
            machine.is_disk_low,
            ("KubeletHasDiskPressure", "KubeletHasNoDiskPressure"),
            f"{told.directory} has {machine.disk_free >> 20} MiB left",
        ),
        (
            "PIDPressure",
            machine.processes_free < _PROCESSES_LEAST,
            ("KubeletHasInsufficientPID", "KubeletHasSufficientPID"),
            f"{machine.processes_free} more processes can be started",
        ),
        (
            "Ready",
            not trouble,
            ("KubeletReady", "KubeletNotReady"),
            trouble or "kubelet is posting ready status",
        ),
    )
    for sort, holds, (reason, otherwise), message in rows:
        truth = conditions.TRUE if holds else conditions.FALSE
        # figures would change with every look, and every change is written to the store
        said = message if (sort == "Ready") or holds else ""
        text = said or "kubelet has enough of it"
        conditions.set_condition(found, sort, truth, reason if holds else otherwise, text, now)
    capacity = machine.capacity()
    return {
        **before,
        "capacity": capacity,
        "allocatable": capacity,
        "addresses": [
            {"type": "InternalIP", "address": str(told.address)},
            {"type": "Hostname", "address": told.name},
        ],
        "conditions": found,
    }


def open_files() -> int:
    """Return how many files a container's process may have open; a limit can only be lowered."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)


def oom_floor() -> int:
    """Return our own OOM score, below which we can set no other's."""
    return int(Path("/proc/self/oom_score_adj").read_text())
