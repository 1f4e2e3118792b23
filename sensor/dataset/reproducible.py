"""Which numbers of the store's report the data set's own report does not have, and why."""

from __future__ import annotations

from typing import Any

from sensor.dataset.compare import MISSING, keyed_leaves, not_alike

Found = dict[str, Any]

_TELLS_NO_VALUE = (
    "The store's value is not given: the difference would be the flows of fewer inside addresses than k."
)
_ABSENT = "Told of too few inside addresses to be named here."
_COARSE = "Part of it was done by fewer inside addresses than k, and is told with less detail."
_WHY = (
    ("inside_addresses_per_day", "Blocks with fewer than k inside addresses on a day do not count on it."),
    ("inside_addresses", "Addresses over the whole period are rounded down to a multiple of k."),
    (
        "population.estimates",
        "How often each address was met is told of nobody; addresses are counted as told.",
    ),
    ("hour_of_week", "Hours with fewer than k inside addresses are told without the hour."),
    ("names", "Names of fewer than k inside addresses are not told."),
    ("sites", "Sites of fewer than k inside addresses are not told."),
    ("institutions", "Sites of fewer than k inside addresses are not told."),
    ("relays", "Relays, services and devices of fewer than k inside addresses are not told."),
    ("apart", "Kinds of flows of fewer than k inside addresses are not told."),
    ("onsets", "Daily flows of fewer than k inside addresses are told with less detail."),
    ("similarity", "Computed from flows of which a part is told with less detail."),
    ("sensitivity", "Computed from flows of which a part is told with less detail."),
)


def not_reproducible(store: Found, told: Found) -> dict[str, Any]:
    """List the numbers, by JSON path (RFC 9535).

    Parameters
    ----------
    store
        The store's report.
    told
        The data set's.

    Returns
    -------
    dict
        ``about``, and ``numbers``: each with ``path``, ``dataset`` (the data set's own value, left out where it has
        none) and ``why``.
    """
    listed = []
    for one in not_alike(_numbers(store), _numbers(told)):
        entry: dict[str, Any] = {"path": one.path}
        if one.other is not MISSING and not isinstance(one.other, list | dict):
            entry["dataset"] = one.other
        entry["why"] = _ABSENT if one.path.endswith("[*]") else _why(one.path)
        listed.append(entry)
    return {"about": _TELLS_NO_VALUE, "numbers": listed}


def told_numbers(told: Found) -> dict[str, Any]:
    """Every number that the list may name, by path; MISSING for one whose value it leaves out."""
    return {
        path: MISSING if isinstance(value, list | dict) else value
        for path, value in keyed_leaves(_numbers(told))
    }


def _numbers(found: Found) -> Found:
    """Caveats are sentences, written from the numbers."""
    return {key: value for key, value in found.items() if key != "caveats"}


def _why(path: str) -> str:
    return next((why for part, why in _WHY if part in path), _COARSE)
