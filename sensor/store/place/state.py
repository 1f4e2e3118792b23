"""What this machine remembers of stores that lie elsewhere: who it is, and the spools."""

from __future__ import annotations

import hashlib
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.store import durable
from sensor.store.lock import FileLock

if TYPE_CHECKING:
    from sensor.store.place.objects import ObjectPlace

VARIABLE = "BLOCKTAP_SPOOL"


def default_folder() -> Path:
    """Where a spool is when nobody says: the service's state folder, the system's for root, or the user's."""
    told = os.environ.get(VARIABLE)
    if told:
        return Path(told)
    service = os.environ.get("STATE_DIRECTORY")
    if service:
        return Path(service.split(":")[0]) / "spool"
    if os.geteuid() == 0:
        return Path("/var/lib/blocktap/spool")
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "blocktap" / "spool"


@dataclass(frozen=True)
class State:
    """A folder on this machine: ``<store>/<sensor>/`` are spools, ``<store>/.locks/`` keeps processes apart."""

    folder: Path

    @property
    def owner(self) -> str:
        """Who this machine is to others; a copy of the folder on another machine is somebody else."""
        path = self.folder / "owner"
        durable.make_folder(self.folder)
        with FileLock(self.folder / ".owner.lock"):
            if not path.exists():
                durable.write_text(path, os.urandom(16).hex() + "\n")
            secret = path.read_text(encoding="utf-8")
        host = socket.gethostname()
        digest = hashlib.sha256(f"{secret}{host}{_machine()}".encode()).hexdigest()[:16]
        return f"{re.sub(r'[^A-Za-z0-9-]', '-', host)[:40]}-{digest}"

    def store_folder(self, place: ObjectPlace) -> Path:
        """The folder of one store."""
        server = place.address.server
        readable = re.sub(r"[^A-Za-z0-9.-]+", "-", place.name.partition("://")[2])[:60].strip("-.")
        return self.folder / f"{readable}-{hashlib.sha256(f'{place.name} {server}'.encode()).hexdigest()[:8]}"

    def lock(self, place: ObjectPlace, name: str) -> FileLock:
        """The lock between processes that use this folder."""
        folder = self.store_folder(place) / ".locks"
        durable.make_folder(folder)
        return FileLock(folder / name)


def _machine() -> str:
    try:
        return Path("/etc/machine-id").read_text(encoding="utf-8")
    except OSError:
        return ""
