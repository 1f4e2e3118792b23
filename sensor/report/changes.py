"""Claims that do not hold when a block or a week is left out or bytes are counted, said beside the claim."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sensor.report import words
from sensor.report.model import Found

_WEEK = "week of "
_BYTES = "counted in bytes instead of flows"
_UNLIKE = 0.2
"""A share of the bytes is told as another one where it differs by more than this part of the share of the flows."""
SERVICES = "the 8 most used services"
SHARE = "share of "
ONSET = "onset of "
OBFUSCATION = "share of VPN and other obfuscation"
ADDRESSES = "inside addresses a day"


def changes(found: Found, about: Callable[[str], bool]) -> tuple[str, ...]:
    """A sentence for each finding that does not hold, or is another one in bytes.

    Parameters
    ----------
    found
        The study.
    about
        Whether a finding belongs here, by its text.
    """
    changed = [
        one
        for one in found["sensitivity"]
        if about(one["finding"]) and not (one["holds"] and alike_in_bytes(one))
    ]
    in_bytes = [one for one in changed if is_share(one) and (furthest(one) or ("", 0))[0] == _BYTES]
    if len(in_bytes) < 3:
        return tuple(_sentence(one) for one in changed)
    told = [
        f"{_name(one)} {words.percent(one['by_bytes'])} instead of {words.percent(one['all'])}"
        for one in in_bytes
    ]
    rest = tuple(_sentence(one) for one in changed if one not in in_bytes)
    return (f"{words.capital(_BYTES)}, these shares are others: {words.listed(told)}.", *rest)


def alike_in_bytes(one: dict[str, Any]) -> bool:
    """Whether a finding is much the same when bytes are counted; addresses have no bytes, and are."""
    value, by_bytes = one["all"], one["by_bytes"]
    if by_bytes is None:
        # An onset that is not found in bytes is not the same.
        return not str(one["finding"]).startswith(ONSET)
    if isinstance(by_bytes, int | float):
        return bool(abs(by_bytes - value) <= _UNLIKE * value)
    return bool(by_bytes == value)


def _name(one: dict[str, Any]) -> str:
    return subject(one["finding"]).removeprefix("The share of ")


def subject(finding: str) -> str:
    """A finding as a sentence begins with it, with a country's name for its code."""
    code = finding.removeprefix(SHARE)
    if finding.startswith(SHARE) and len(code) == 2:
        return f"The share of {words.country(code)}"
    if finding.startswith(ADDRESSES):
        return "The number of addresses in use on a middling day"
    return words.capital(finding if finding.startswith(SERVICES) else f"the {finding}")


def way(label: str) -> str:
    """What was left out, in words."""
    if label.startswith(_WEEK):
        return f"without the week of {words.long_day(label.removeprefix(_WEEK))}"
    return f"without block {label}"


def ways(one: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each way of computing a finding anew, with what came out."""
    if one["by_bytes"] is not None or not alike_in_bytes(one):
        yield _BYTES, one["by_bytes"]
    for label, value in one["without"].items():
        yield way(label), value


def is_share(one: dict[str, Any]) -> bool:
    """Whether a finding is a fraction."""
    return str(one["finding"]).startswith(SHARE)


def in_words(one: dict[str, Any], value: Any) -> str:
    """A finding's value as people read it."""
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return ", ".join(value) if value else "none"
    if isinstance(value, str):
        return words.long_day(value)
    return words.percent(value) if is_share(one) else words.decimal(value)


def furthest(one: dict[str, Any]) -> tuple[str, Any] | None:
    """The way in which a number differs most from the finding, by ratio."""
    numbers = [(label, value) for label, value in ways(one) if isinstance(value, int | float)]
    if not numbers or not isinstance(one["all"], int | float):
        return None
    return max(numbers, key=lambda pair: abs(pair[1] - one["all"]))


def _sentence(one: dict[str, Any]) -> str:
    name = subject(one["finding"])
    if isinstance(one["all"], list):
        differing = [label for label, value in ways(one) if value != one["all"]]
        more = (
            f", and in {words.many(len(differing) - 2, 'other way', 'other ways')}"
            if len(differing) > 2
            else ""
        )
        return f"{name} are not the same {words.listed(differing[:2])}{more}."
    most = furthest(one)
    if most is not None:
        return f"{name} is {in_words(one, one['all'])}, but {in_words(one, most[1])} {most[0]}."
    for label, value in ways(one):
        if value is None:
            return f"{name} is {in_words(one, one['all'])}, but is not found {label}."
        if value != one["all"]:
            return f"{name} is {in_words(one, one['all'])}, but {in_words(one, value)} {label}."
    return f"{name} does not hold in every way of counting."
