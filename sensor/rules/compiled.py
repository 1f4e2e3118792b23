"""The shipped rules for names as they were when the package was built: the same in a hundredth of the time.

``make build`` writes the file beside the rules, ``python -m sensor.rules.compile`` does it by hand. It holds the
digest of the files it came from. Where it is missing, or any of them has changed since, it is not used, and the
rules are read; it is never written while the sensor works.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sensor.rules.location import shipped
from sensor.rules.services import Service, ServiceRules

COMPILED_FILE = "compiled.json"
FORM = 1
"""Raised when the same files come to other rules, or the file's form changes."""


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """What the shipped files come to."""

    services: ServiceRules
    application_categories: dict[str, str]


PROTOCOLS_FILE = "protocols.toml"
SERVICES_FOLDER = "services"


def digest_of(folder: Path) -> str:
    """SHA-256, in hexadecimal, of all files the rules for names come from, and of their names."""
    whole = hashlib.sha256(f"form {FORM}".encode())
    for path in (folder / PROTOCOLS_FILE, *sorted((folder / SERVICES_FOLDER).glob("*.toml"))):
        content = path.read_bytes()
        whole.update(f"\0{path.name}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()


def read_compiled(folder: Path | None = None, of: Path | None = None) -> CompiledRules | None:
    """Read the compiled rules in a folder; None where they are missing, damaged or not those of the files.

    Parameters
    ----------
    folder
        Where the compiled file lies; beside the shipped rules by default.
    of
        The folder of the rules; the same one by default.
    """
    place = folder or shipped()
    try:
        document: dict[str, Any] = json.loads((place / COMPILED_FILE).read_bytes())
        if document["digest"] != digest_of(of or place):
            return None
        services = {row[0]: Service(*row) for row in document["services"]}
        return CompiledRules(ServiceRules(services, document["owners"]), document["categories"])
    except (OSError, ValueError, TypeError, LookupError):
        return None
