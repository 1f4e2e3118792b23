"""Sites: registrable domains, found once for each distinct name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from sensor.study.facts import numbers
from sensor.study.gather import Gathered

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

SHOWN = 500
_LABELS = 4
"""No public suffix with its registrable label is longer, so names that end alike are looked up once."""


@dataclass
class Site:
    """One registrable domain and what came to it."""

    site: str
    flows: float = 0.0
    services: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    countries: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def service(self) -> str | None:
        """The service most of its flows belong to."""
        return commonest(self.services)

    @property
    def country(self) -> str | None:
        """The country most of its flows went to."""
        return commonest(self.countries)


def commonest(weights: dict[str, float]) -> str | None:
    """Return the heaviest word, the first of the alphabet where several are; None of nothing."""
    return min(weights, key=lambda word: (-weights[word], word)) if weights else None


class SiteFinder:
    """Registrable domains of names, remembered by how names end."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        """Return the registrable domain; the name itself where it is a public suffix or no domain at all."""
        end = ".".join(name.rsplit(".", _LABELS)[-_LABELS:])
        found = self._known.get(end)
        if found is None:
            found = self._known[end] = _registrable(end)
        # A name that is a public suffix itself is its own site.
        return found or name


def _registrable(end: str) -> str:
    if end.replace(".", "").isdigit() or ":" in end:
        return ""
    return _suffixes().privatesuffix(end) or ""


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def find_sites(
    gathered: Gathered, finder: Callable[[str], str] | None = None
) -> tuple[dict[str, Site], dict[str, str]]:
    """Gather the names by site.

    Parameters
    ----------
    gathered
        What was read.
    finder
        Tells the site of a name; a `SiteFinder` if not given.

    Returns
    -------
    sites : dict of str to Site
        By registrable domain.
    site_of : dict of str to str
        The site of each distinct name.
    """
    finder = finder or SiteFinder()
    site_of: dict[str, str] = {}
    sites: dict[str, Site] = {}
    table = gathered.names
    columns = (table[key].to_pylist() for key in ("name", "service", "country"))
    for name, service, country, flows in zip(*columns, numbers(table["flows"]).tolist(), strict=True):
        key = site_of.get(name)
        if key is None:
            key = site_of[name] = finder(name)
        site = sites.get(key)
        if site is None:
            site = sites[key] = Site(key)
        site.flows += flows
        for weights, word in (
            (site.services, service),
            (site.countries, country),
        ):
            if word is not None:
                weights[word] += flows
    return sites, site_of


def list_sites(sites: Iterable[Site], inside_addresses: dict[str, int]) -> list[dict[str, Any]]:
    """The first sites by flows."""
    ordered = sorted(sites, key=lambda site: (-site.flows, site.site))[:SHOWN]
    return [
        {
            "site": shown_name(site.site),
            "service": site.service,
            "country": site.country,
            "flows": int(site.flows),
            "inside_addresses": inside_addresses.get(site.site, 0),
        }
        for site in ordered
    ]


def shown_name(name: str) -> str:
    """Return a name as a reader may safely see it.

    International labels are shown as they are spoken only where the whole name is valid by IDNA 2008 and
    each label keeps to one script beside digits and hyphens, and the A-labels always stand beside them, since
    whole words can be imitated in another script. What is no printable ASCII is escaped.
    """
    if "xn--" in name:
        spoken = _spoken(name)
        if spoken is not None and spoken != name:
            return f"{spoken} ({name})"
    return "".join(letter if " " <= letter <= "~" else _escaped(letter) for letter in name)


def _escaped(letter: str) -> str:
    return (
        letter.encode("unicode_escape").decode("ascii") if not letter.isascii() else f"\\x{ord(letter):02x}"
    )


def _spoken(name: str) -> str | None:
    import idna

    try:
        spoken = idna.decode(name)
    except (idna.IDNAError, UnicodeError, ValueError, IndexError):
        return None
    return spoken if all(_one_script(label) for label in spoken.split(".")) else None


def _one_script(label: str) -> bool:
    """Whether a label's letters are of one script: look-alikes from another one betray a false name."""
    import unicodedata

    scripts = set()
    for letter in label:
        if letter.isascii() and not letter.isalpha():
            continue
        if not (letter.isprintable() and unicodedata.category(letter)[0] in "LMN"):
            return False
        scripts.add(_SCRIPT_FAMILY.get(first := unicodedata.name(letter, "?").split(" ")[0], first))
    return len(scripts) <= 1


# Scripts that one language mixes.
_SCRIPT_FAMILY = {
    "CJK": "EAST ASIAN", "HIRAGANA": "EAST ASIAN", "KATAKANA": "EAST ASIAN", "HANGUL": "EAST ASIAN",
    "KATAKANA-HIRAGANA": "EAST ASIAN", "COMBINING": "LATIN",
}  # fmt: skip
