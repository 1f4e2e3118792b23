"""The service catalogue: which service a host name belongs to.

The rules are ``*.toml`` files with one ``[[service]]`` table a service (see
``rules/services/README.md``). They are compiled into a flat list of suffixes, which the core
walks for each name it sees; :meth:`Catalogue.match` says in Python what the core must answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.errors import RuleError

if TYPE_CHECKING:
    from sensor.rules.service_file import ServiceFile

EXCEPTION = -1
"""Index that stands for *no service* in a compiled suffix list."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service of the catalogue.

    Attributes
    ----------
    service, organisation, category : str
        What goes into the columns of the same names.
    institution : bool
        The rule stands for every institution below its suffixes (universities, ministries), so
        a study counts distinct registrable domains instead of the service.
    country : str or None
        ISO 3166-1 alpha-2 code of the institutions' country.
    """

    service: str
    organisation: str
    category: str
    institution: bool = False
    country: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """What one directory says: its services by name, and the service of each suffix, None for an exception."""

    services: dict[str, Service]
    owners: dict[str, str | None]


@dataclass(frozen=True)
class Catalogue:
    """Compiled rules.

    Attributes
    ----------
    services : tuple of Service
        Ordered by name of service.
    suffixes : tuple of (str, int)
        Suffix as A-labels, lower case, without a leading dot, and the index of its service, or
        -1 where the name belongs to no service; ordered by suffix, each suffix once.
    """

    services: tuple[Service, ...]
    suffixes: tuple[tuple[str, int], ...]
    _index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", dict(self.suffixes))

    def match(self, name: str) -> Service | None:
        """Service of a host name: the longest suffix on label boundaries decides.

        Parameters
        ----------
        name : str
            Host name as the wire has it (A-labels); case and one trailing dot do not matter.
        """
        suffix = self.suffix(name)
        found = EXCEPTION if suffix is None else self._index[suffix]
        return None if found == EXCEPTION else self.services[found]

    def suffix(self, name: str) -> str | None:
        """The suffix that decides about a host name, an exception's included; None where there is none."""
        rest = name.lower().removesuffix(".")
        while rest and rest not in self._index:
            _, _, rest = rest.partition(".")
        return rest or None

    @property
    def digest(self) -> str:
        """SHA-256 of the compiled rules in hexadecimal: equal rules, equal digest."""
        rows = [[s.service, s.organisation, s.category, s.institution, s.country] for s in self.services]
        canonical = json.dumps([rows, self.suffixes], ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def load_services(directories: Sequence[Path]) -> Catalogue:
    """Read every ``*.toml`` of the directories into one catalogue.

    A later directory adds to the earlier ones and wins where both name a suffix or a service.

    Parameters
    ----------
    directories : sequence of Path
        The shipped directory first, own rules after it.

    Raises
    ------
    RuleError
        With file, line, offending text and mend.
    """
    return join(read_directory(directory) for directory in directories)


def join(parts: Iterable[ServiceRules]) -> Catalogue:
    """Make one catalogue of the rules of several directories; the later ones win."""
    services: dict[str, Service] = {}
    owners: dict[str, str | None] = {}
    for part in parts:
        services |= part.services
        owners |= part.owners
    names = sorted(services)
    index = {name: number for number, name in enumerate(names)}
    suffixes = tuple(
        (suffix, EXCEPTION if owner is None else index[owner]) for suffix, owner in sorted(owners.items())
    )
    return Catalogue(tuple(services[name] for name in names), suffixes)


def failed_examples(directory: Path) -> list[str]:
    """Check the rules of one directory against their own examples.

    Returns
    -------
    list of str
        One sentence for each example that its rule does not match and each negative example
        that it does; empty when all hold.
    """
    catalogue = load_services([directory])
    failures = []
    for file in _read_files(directory):
        for rule in file.rules:
            for name in rule.examples:
                found = catalogue.match(name)
                if found is None or found.service != rule.service:
                    is_now = "nothing" if found is None else repr(found.service)
                    failures.append(
                        f"{file.path}:{rule.line}: {name!r} must be {rule.service!r}, is {is_now}"
                    )
            for name in rule.negatives:
                found = catalogue.match(name)
                if found is not None and found.service == rule.service:
                    failures.append(f"{file.path}:{rule.line}: {name!r} must not be {rule.service!r}, but is")
    return failures


def _read_files(directory: Path) -> Iterator[ServiceFile]:
    # Where the rules come compiled, nothing of this is needed.
    from sensor.rules.service_file import read_service_file

    if not directory.is_dir():
        raise RuleError(f"{directory}: no such directory; name one that holds service rules (*.toml)")
    for path in sorted(directory.glob("*.toml")):
        yield read_service_file(path)


def read_directory(directory: Path) -> ServiceRules:
    """Read every ``*.toml`` of one directory.

    Raises
    ------
    RuleError
        With file, line, offending text and mend.
    """
    services: dict[str, Service] = {}
    owners: dict[str, str | None] = {}
    places: dict[str, str] = {}
    for file in _read_files(directory):
        for rule in file.rules:
            place = f"{file.path}:{rule.line}"
            if rule.service in services:
                first = places[f"service {rule.service}"]
                raise RuleError(
                    f"{place}: service {rule.service!r} has a rule already ({first}); "
                    "put its suffixes together or name one of them otherwise"
                )
            places[f"service {rule.service}"] = place
            services[rule.service] = Service(
                rule.service, rule.organisation, rule.category, rule.institution, rule.country
            )
        for claim in file.claims:
            place = f"{file.path}:{claim.line}"
            if claim.suffix in owners:
                raise RuleError(
                    f"{place}: {claim.written!r} stands in a rule already ({places[claim.suffix]}); "
                    "remove one of the two"
                )
            owners[claim.suffix] = claim.service
            places[claim.suffix] = place
    return ServiceRules(services, owners)
