"""Institutions reached: universities, research bodies, governments and news outlets of each country.

Where a rule stands for every institution below a suffix, each registrable domain is one; otherwise the service
is. A name shows whose server was asked, not why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sensor.rules.services import Catalogue
from sensor.study.sites import Site, shown_name

CATEGORIES = ("education", "research", "government", "military", "news")
LOCAL = "local site"
"""Category of sites under a country's own domain that are hosted there and belong to no known service."""
_MOST_LOCAL = 100
# Country domains that are sold to anybody: they say nothing about a country.
_GENERIC = frozenset(
    [
        "ac",
        "ai",
        "cc",
        "co",
        "fm",
        "gg",
        "io",
        "la",
        "ly",
        "me",
        "nu",
        "sh",
        "so",
        "st",
        "tk",
        "to",
        "tv",
        "ws",
    ]
)
_DOMAIN_COUNTRY = {"uk": "GB", "su": "RU", "eu": None}


class _Found(NamedTuple):
    country: str
    category: str
    institution: str
    flows: float


def institutions(sites: Iterable[Site], catalogue: Catalogue) -> list[dict[str, Any]]:
    """Institutions by country and category, countries and categories in order of the alphabet.

    Parameters
    ----------
    sites
        Registrable domains with what came to them.
    catalogue
        The service rules, which say what stands for many institutions and of which country.
    """
    groups: defaultdict[tuple[str, str], defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for found in _all(sites, catalogue):
        groups[found.country, found.category][found.institution] += found.flows
    listed = []
    for (country, category), flows in sorted(groups.items()):
        names = sorted(flows, key=lambda name: (-flows[name], name))
        if category == LOCAL:
            names = names[:_MOST_LOCAL]
        listed.append(
            {
                "country": country,
                "category": category,
                "institutions": names,
                "flows": int(sum(flows.values())),
            }
        )
    return listed


def _all(sites: Iterable[Site], catalogue: Catalogue) -> Iterator[_Found]:
    rules = {service.service: service for service in catalogue.services}
    for site in sites:
        domain = country_of_domain(site.site)
        if site.service is None:
            if domain is not None and domain == site.country:
                yield _Found(domain, LOCAL, shown_name(site.site), site.flows)
            continue
        for service, flows in site.services.items():
            rule = rules.get(service)
            if rule is None or rule.category not in CATEGORIES:
                continue
            country = rule.country or domain
            if country is not None:
                name = shown_name(site.site) if rule.institution else service
                yield _Found(country, rule.category, name, flows)


def country_of_domain(site: str) -> str | None:
    """Return the ISO code of a country's top-level domain, or None where the domain is open to anybody."""
    last = site.rpartition(".")[2]
    if len(last) != 2 or not last.isascii() or not last.isalpha() or last in _GENERIC:
        return None
    return _DOMAIN_COUNTRY.get(last, last.upper())
