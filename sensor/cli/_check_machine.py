"""What is wrong with the machine for a capture: clock, privileges, memory, disk."""

import os
import platform
import re
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sensor.cli._check_finding import Finding, error, warning
from sensor.config import Config
from sensor.daemon import capabilities
from sensor.daemon.privileges import check_folder, identity_of, needed
from sensor.errors import ConfigError
from sensor.interface import Wishes, clock_state

# Before this kernel, BPF maps counted against the locked memory a process may have.
_MAPS_UNCOUNTED_SINCE: Final = (5, 11)
_MAP_BYTES: Final = 64 << 20
_LEAST_STORE_BYTES: Final = 1 << 20


def look_at_machine(config: Config, store: str | None) -> list[Finding]:
    """Say what is wrong with the machine, as far as this user can see it."""
    return [*_clock(), *_privileges(config), *_memory(config), *_prefilter(config), *_disk(config, store)]


def workers_of(config: Config) -> int:
    """Workers that a run would have."""
    return config.workers or len(os.sched_getaffinity(0))


def _clock() -> Iterator[Finding]:
    said = clock_state().warning
    if said:
        yield warning("clock", said, "timedatectl set-ntp true")


def _privileges(config: Config) -> Iterator[Finding]:
    capture = config.capture
    wishes = Wishes(gro=capture.gro, lro=capture.lro, ring_size=capture.ring_size, up=capture.up)
    missing = needed(interface_setup=wishes.any, prefilter=capture.prefilter) - capabilities.effective()
    if missing:
        names = " ".join(sorted(capability.name for capability in missing))
        yield warning(
            "privileges",
            f"this user has no {names}, which a sensor with these settings needs",
            "sudo blocktap run",
            f"AmbientCapabilities={names}",
        )
    if config.process.user is not None:
        try:
            identity_of(config.process.user)
        except ConfigError as failed:
            text, _, command = str(failed).partition("; make it with: ")
            yield error("process.user", text, command)


def _memory(config: Config) -> Iterator[Finding]:
    available = _available_memory_bytes()
    wanted = config.capture.memory_bytes
    if available is not None and wanted > available // 2:
        say = error if wanted > available else warning
        yield say(
            "memory",
            f"capture.memory_bytes takes {_size(wanted)} of the {_size(available)} that are free",
            f"capture.memory_bytes = {available // 4}",
        )


def _prefilter(config: Config) -> Iterator[Finding]:
    if config.capture.prefilter == "none":
        return
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    if _kernel() < _MAPS_UNCOUNTED_SINCE and limit != resource.RLIM_INFINITY and limit < _MAP_BYTES:
        yield warning(
            "locked memory",
            f"this kernel counts the prefilter's lists as locked memory, and {_size(limit)} are allowed",
            "ulimit -l unlimited",
            "LimitMEMLOCK=infinity",
        )
    if _text(Path("/proc/sys/net/core/bpf_jit_enable")) == "0":
        yield warning(
            "prefilter",
            "the kernel interprets programs, which is slow",
            "sysctl -w net.core.bpf_jit_enable=1",
        )


def _disk(config: Config, store: str | None) -> Iterator[Finding]:
    place = store or config.store.path
    if place is None or "://" in place:
        return
    folder = Path(place).absolute()
    try:
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        free = shutil.disk_usage(folder).free
        used = sum(path.stat().st_size for path in Path(place).rglob("*.parquet"))
    except OSError as failed:
        yield warning("store", f"{folder}: could not be looked at: {failed.strerror}")
        return
    yield from _budget(config, free, used)
    if config.process.user is not None:
        try:
            check_folder(folder, identity_of(config.process.user))
        except ConfigError as failed:
            text, parted, command = str(failed).rpartition("; ")
            if parted:
                yield error("store", text, command)


def _budget(config: Config, free: int, used: int) -> Iterator[Finding]:
    settings = config.store
    room = free + used - settings.min_free_bytes
    if free < settings.min_free_bytes:
        text = f"{_size(free)} are free, and store.min_free_bytes keeps {_size(settings.min_free_bytes)} free"
        yield error("store", text, f"store.min_free_bytes = {free // 4}")
    elif settings.max_bytes is not None and settings.max_bytes > room:
        yield warning(
            "store",
            f"store.max_bytes is {_size(settings.max_bytes)}, and the disk has room for {_size(room)}",
            f"store.max_bytes = {max(room, _LEAST_STORE_BYTES)}",
        )


def _available_memory_bytes() -> int | None:
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", _text(Path("/proc/meminfo")), re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _kernel() -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", platform.release())[:2])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _size(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.1f} MiB"
