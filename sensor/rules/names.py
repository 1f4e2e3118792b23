"""What names and protocols are called: the catalogue of services and the words for applications."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sensor.rules.compiled import PROTOCOLS_FILE, SERVICES_FOLDER, CompiledRules, read_compiled
from sensor.rules.location import shipped
from sensor.rules.services import Catalogue, join, read_directory

__all__ = ["NameRules", "load_names"]

RESOLVER_CATEGORY = "dns"


@dataclass(frozen=True)
class NameRules:
    """The catalogue of services, and the category of each application where no service gives one."""

    catalogue: Catalogue
    application_categories: dict[str, str]

    @cached_property
    def resolvers(self) -> list[str]:
        """Names of resolvers, which tell DNS over HTTPS from other HTTPS."""
        services = self.catalogue.services
        return [
            suffix
            for suffix, number in self.catalogue.suffixes
            if number >= 0 and services[number].category == RESOLVER_CATEGORY
        ]


def load_names(own: Sequence[Path] = ()) -> NameRules:
    """Load the shipped catalogue with folders of one's own, which add to it and override it.

    Parameters
    ----------
    own
        Folders like the shipped ``rules``: with ``services/*.toml`` or ``*.toml`` of services, and
        ``protocols.toml``; each is optional.

    Raises
    ------
    RuleError
        A rule is refused; the message names file, line, the offending text and the mend.
    """
    rules = read_compiled() or read_shipped()
    folders = [services for folder in own for services in _services_of(folder)]
    categories = dict(rules.application_categories)
    for folder in own:
        if (folder / PROTOCOLS_FILE).exists():
            categories |= _categories(folder / PROTOCOLS_FILE)
    return NameRules(join([rules.services, *map(read_directory, folders)]), categories)


def read_shipped() -> CompiledRules:
    """Read the shipped rules from their files.

    Raises
    ------
    RuleError
        A rule is refused.
    """
    folder = shipped()
    return CompiledRules(read_directory(folder / SERVICES_FOLDER), _categories(folder / PROTOCOLS_FILE))


def _services_of(folder: Path) -> list[Path]:
    """Find the services of a folder: below it, or in it where it is a folder of services alone."""
    below = folder / SERVICES_FOLDER
    if below.is_dir():
        return [below]
    return [] if (folder / PROTOCOLS_FILE).exists() else [folder]


def _categories(path: Path) -> dict[str, str]:
    from sensor.rules.source import read_source
    from sensor.rules.table import read_tables

    found = {}
    for table in read_tables(read_source(path), "protocol"):
        table.check_keys(("application", "name", "category", "description"), ("application",))
        category = table.text("category")
        if category:
            found[table.text("application")] = category
    return found
