"""Where two reports differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MISSING = object()
"""Stands for what is not there."""

_KEYS: dict[str, tuple[str, ...]] = {
    "blocks": ("block",),
    "services": ("service",),
    "categories": ("category",),
    "applications": ("application",),
    "sites": ("site",),
    "countries": ("country",),
    "institutions": ("country", "category"),
    "relays": ("block",),
    "daily": ("day",),
    "onsets": ("series", "kind"),
    "protocols": ("application",),
    "estimates": ("method", "what"),
    "similarity": ("a", "b", "measure"),
    "sensitivity": ("finding",),
}
"""What tells the rows of a report's lists apart."""


@dataclass(frozen=True)
class Difference:
    """A number that is one thing here and another there, by its JSON path; ``MISSING`` where it is not."""

    path: str
    one: Any
    other: Any


def differences(one: Any, other: Any, path: str = "$") -> Iterator[Difference]:
    """Every leaf in which two objects differ, lists by position, in the order of the first."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            yield from differences(one.get(key, MISSING), other.get(key, MISSING), step(path, key))
    elif isinstance(one, list) and isinstance(other, list):
        for place in range(max(len(one), len(other))):
            yield from differences(_at(one, place), _at(other, place), f"{path}[{place}]")
    elif type(one) is not type(other) or one != other:
        yield Difference(path, one, other)


def not_alike(store: Any, told: Any, path: str = "$", name: str = "") -> Iterator[Difference]:
    """The numbers of a store's report that another one, of less, does not have alike.

    Rows are found by what tells them apart. What the other report does not name at all is not named here
    either: its words are left out of the path, and it is told once.
    """
    if isinstance(store, dict) and isinstance(told, dict):
        if any(key not in told for key in store):
            yield Difference(f"{path}[*]", MISSING, MISSING)
        for key in store:
            if key in told:
                yield from not_alike(store[key], told[key], step(path, key), key)
    elif isinstance(store, list) and isinstance(told, list) and name in _KEYS and "[?" not in path:
        yield from _rows_not_alike(store, told, path, _KEYS[name])
    elif type(store) is not type(told) or store != told:
        yield Difference(path, store, told)


def _rows_not_alike(
    store: list[Any], told: list[Any], path: str, keys: tuple[str, ...]
) -> Iterator[Difference]:
    here = {tuple(row[key] for key in keys): row for row in told}
    there = {tuple(row[key] for key in keys): row for row in store}
    if any(key not in here for key in there):
        yield Difference(f"{path}[*]", MISSING, MISSING)
    for values, row in here.items():
        chosen = _chosen(row, keys)
        if values in there:
            yield from not_alike(there[values], row, f"{path}[?{chosen}]")
        else:
            yield Difference(f"{path}[?{chosen}]", MISSING, row)


def keyed_leaves(told: Any, path: str = "$", name: str = "") -> Iterator[tuple[str, Any]]:
    """Every path that `not_alike` may give, with what is there: leaves, and rows and lists as a whole."""
    if isinstance(told, dict):
        for key, value in told.items():
            yield from keyed_leaves(value, step(path, key), key)
        return
    yield path, told
    if isinstance(told, list) and name in _KEYS and "[?" not in path:
        for row in told:
            chosen = f"{path}[?{_chosen(row, _KEYS[name])}]"
            yield chosen, row
            yield from keyed_leaves(row, chosen)


def _chosen(row: dict[str, Any], keys: tuple[str, ...]) -> str:
    return " && ".join(f"@.{key}=={json.dumps(row[key])}" for key in keys)


def step(path: str, key: str) -> str:
    """The path of a member; RFC 9535 has it in brackets where it is no plain word."""
    return f"{path}.{key}" if key.isidentifier() and key.isascii() else f"{path}[{json.dumps(key)}]"


def _at(values: list[Any], place: int) -> Any:
    return values[place] if place < len(values) else MISSING


def shown(value: Any) -> str:
    """A value in a message, cut short."""
    text = "nothing" if value is MISSING else json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 60 else f"{text[:57]}..."
