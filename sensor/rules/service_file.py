"""One file of service rules: parse, validate, and say exactly what is wrong with it."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import idna

from sensor.errors import RuleError
from sensor.rules.service_lines import RuleLines, line_of_toml_error
from sensor.rules.source import read_source

CATEGORIES = frozenset(
    [
        "social",
        "search",
        "mail",
        "video",
        "music",
        "news",
        "messaging",
        "games",
        "shopping",
        "store",
        "cloud",
        "cdn",
        "vpn",
        "anonymity",
        "mining",
        "cryptocurrency",
        "remote-access",
        "file-sharing",
        "education",
        "research",
        "government",
        "military",
        "adult",
        "gambling",
        "finance",
        "travel",
        "maps",
        "weather",
        "developer",
        "security",
        "advertising",
        "analytics",
        "update",
        "connectivity",
        "dns",
        "certificate",
        "productivity",
        "ai",
        "reference",
        "telecom",
        "web",
    ]
)
"""Every category a service may have; ``rules/services/README.md`` says what each means."""

_FILE_KEYS = frozenset({"source", "limits", "except", "service"})
_TEXT_KEYS = frozenset({"service", "organisation", "category", "country", "note"})
_LIST_KEYS = frozenset({"suffixes", "except", "examples", "not"})
_SERVICE_KEYS = _TEXT_KEYS | _LIST_KEYS | {"institution"}
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_COUNTRY = re.compile(r"[A-Z]{2}")
_NAME_LIMIT = 253


@dataclass(frozen=True, slots=True)
class ServiceRule:
    """One ``[[service]]`` table; ``line`` is where it stands."""

    service: str
    organisation: str
    category: str
    institution: bool
    country: str | None
    examples: tuple[str, ...]
    negatives: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class SuffixClaim:
    """A suffix and the service it is claimed for, None for an exception."""

    suffix: str
    service: str | None
    written: str
    line: int


@dataclass(frozen=True, slots=True)
class ServiceFile:
    """What one rule file says."""

    path: Path
    source: str
    rules: tuple[ServiceRule, ...]
    claims: tuple[SuffixClaim, ...]


def read_service_file(path: Path) -> ServiceFile:
    """Read and validate one file of service rules.

    Raises
    ------
    RuleError
        With file, line, offending text and mend.
    """
    text = read_source(path).toml_text()
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = line_of_toml_error(str(error), text)
        offending = (text.splitlines() or [""])[line - 1].strip()
        raise RuleError(f"{path}:{line}: {offending!r} is not TOML: {error}; mend the line") from error
    except (RecursionError, ValueError) as error:
        raise RuleError(f"{path}: not TOML: {error}; mend it or leave it out") from None
    return _Reader(path, RuleLines(text)).read(content)


def to_a_labels(domain: str) -> str:
    """Domain in lower case with international labels as A-labels.

    Raises
    ------
    ValueError
        The text is no host name.
    """
    bare = domain.strip().lower().removesuffix(".")
    encoded = bare if bare.isascii() else idna.encode(bare, uts46=True).decode("ascii")
    labels = encoded.split(".")
    # A last label of digits is an address; no name ends so.
    well_formed = all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
    if len(encoded) > _NAME_LIMIT or not well_formed:
        raise ValueError(f"{domain!r} is no domain name")
    return encoded


class _Reader:
    """The validation of one file; each method refuses what it finds wrong."""

    def __init__(self, path: Path, lines: RuleLines) -> None:
        self._path = path
        self._lines = lines

    def read(self, content: dict[str, Any]) -> ServiceFile:
        for key in content:
            if key not in _FILE_KEYS:
                self._refuse_key(None, key, _FILE_KEYS)
        for key in ("source", "limits"):
            if not isinstance(content.get(key, ""), str):
                raise self._error(self._lines.key(None, key), key, "is not text; put it in quotes")
        tables = content.get("service", [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            line = self._lines.key(None, "service")
            raise self._error(line, "service", "is no list of tables; write [[service]]")
        claims = self._claims(None, "except", self._strings(None, content, "except"), None)
        rules = []
        for number, table in enumerate(tables):
            rule = self._rule(number, table)
            rules.append(rule)
            suffixes = self._claims(
                number, "suffixes", self._strings(number, table, "suffixes"), rule.service
            )
            exceptions = self._claims(number, "except", self._strings(number, table, "except"), None)
            if not suffixes:
                raise self._error(rule.line, rule.service, "has no suffixes; give at least one domain")
            self._check_exceptions(suffixes, exceptions)
            claims += suffixes + exceptions
        return ServiceFile(self._path, content.get("source", ""), tuple(rules), tuple(claims))

    def _rule(self, number: int, table: dict[str, Any]) -> ServiceRule:
        for key in table:
            if key not in _SERVICE_KEYS:
                self._refuse_key(number, key, _SERVICE_KEYS)
        category = self._text(number, table, "category")
        if category not in CATEGORIES:
            line = self._lines.value(number, "category", category)
            raise self._error(line, category, f"is no category; {_nearest(category, CATEGORIES)}")
        country = self._text(number, table, "country") if "country" in table else None
        if country is not None and not _COUNTRY.fullmatch(country):
            line = self._lines.key(number, "country")
            raise self._error(line, country, 'is no country code; write two capital letters, such as "IN"')
        institution = table.get("institution", False)
        if not isinstance(institution, bool):
            line = self._lines.key(number, "institution")
            raise self._error(line, str(institution), "is neither true nor false; write institution = true")
        return ServiceRule(
            service=self._text(number, table, "service"),
            organisation=self._text(number, table, "organisation"),
            category=category,
            institution=institution,
            country=country,
            examples=tuple(self._strings(number, table, "examples")),
            negatives=tuple(self._strings(number, table, "not")),
            line=self._lines.header(number),
        )

    def _text(self, number: int, table: dict[str, Any], key: str) -> str:
        if key not in table:
            label = str(table.get("service", "[[service]]"))
            raise self._error(self._lines.header(number), label, f'has no {key}; add {key} = "..."')
        value = table[key]
        if not isinstance(value, str) or not value.strip():
            line = self._lines.key(number, key)
            raise self._error(line, f"{key} = {value!r}", "is no text; give a word in quotes")
        return value

    def _strings(self, number: int | None, table: dict[str, Any], key: str) -> list[str]:
        values = table.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            line = self._lines.key(number, key)
            raise self._error(line, f"{key} = {values!r}", f'is no list of texts; write {key} = ["a", "b"]')
        return values

    def _claims(
        self, number: int | None, key: str, domains: list[str], service: str | None
    ) -> list[SuffixClaim]:
        claims = []
        for written in domains:
            line = self._lines.value(number, key, written)
            try:
                suffix = to_a_labels(written)
            except ValueError as error:
                mend = "write a bare domain such as example.com (no scheme, port, path, star or leading dot)"
                raise self._error(line, written, f"is no domain name; {mend}") from error
            claims.append(SuffixClaim(suffix, service, written, line))
        return claims

    def _check_exceptions(self, suffixes: list[SuffixClaim], exceptions: list[SuffixClaim]) -> None:
        for exception in exceptions:
            if not any(exception.suffix.endswith("." + claim.suffix) for claim in suffixes):
                raise self._error(
                    exception.line,
                    exception.written,
                    "lies below none of this rule's suffixes, so it excepts nothing; remove it",
                )

    def _refuse_key(self, number: int | None, key: str, known: frozenset[str]) -> None:
        raise self._error(self._lines.key(number, key), key, f"is no key here; {_nearest(key, known)}")

    def _error(self, line: int, text: str, trouble_and_mend: str) -> RuleError:
        return RuleError(f"{self._path}:{line}: {text!r} {trouble_and_mend}")


def _nearest(word: str, known: frozenset[str]) -> str:
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known are {', '.join(sorted(known))}"
