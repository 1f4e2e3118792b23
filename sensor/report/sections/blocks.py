"""What each watched block of addresses contributed."""

from __future__ import annotations

from typing import Any

from sensor.report import words
from sensor.report.model import Found, Kind, Section
from sensor.report.sections.parts import filled, no_data, share_bar, share_chart, some, table

_COLUMNS = (
    ("block", Kind.TEXT), ("flows", Kind.COUNT), ("share of flows", Kind.SHARE), ("bytes", Kind.BYTES),
    ("share of bytes", Kind.SHARE), ("addresses inside", Kind.COUNT), ("days active", Kind.COUNT),
    ("said to belong to", Kind.TEXT), ("registered in", Kind.TEXT), ("how sure", Kind.TEXT),
    ("share toward that country", Kind.SHARE), ("expected toward it", Kind.PART),
)  # fmt: skip


def blocks(found: Found) -> Section:
    """The section on the blocks."""
    key, title, question = (
        "blocks",
        "The networks",
        "Which of the watched networks does the traffic come from?",
    )
    listed = found["blocks"]
    if not listed:
        return no_data(key, title, question)
    return Section(
        key, title, question,
        means=(_largest(listed), *(_tie(one) for one in listed if _is_foreign(one))),
        cannot=(
                ("That an address belongs to a block is certain; that the block belongs to those it is said to "
                "belong to is not. A registry prints what holders tell it."),
                *(_doubt(one) for one in listed if one["confidence"] == "low"),
            ),
        charts=share_chart(
            "blocks", "Share of flows by block", some(share_bar(one["block"], one["share_flows"]) for one in listed)
        ),
        tables=filled(
            table(
                "blocks", "The blocks", _COLUMNS,
                (
                    (
                        one["block"], one["flows"], one["share_flows"], one["bytes"], one["share_bytes"],
                        one["inside_addresses"], one["days_active"], _country(one["claimed_country"]),
                        _country(one["registered_country"]), one["confidence"] or "not known",
                        one["registered_country_share"], one["registered_country_expected"],
                    )
                    for one in listed
                ),
            )
        ),
    )  # fmt: skip


def _country(code: str | None) -> str | None:
    return None if code is None else words.country(code)


def _largest(listed: list[dict[str, Any]]) -> str:
    told = [
        f"{one['block']} {words.percent(one['share_flows']['value'])}{words.surely(one['share_flows'])}"
        for one in listed[:4]
    ]
    more = f" and {words.many(len(listed) - 4, 'more block')}" if len(listed) > 4 else ""
    return f"Of all flows: {'; '.join(told)}{more}."


def _is_foreign(one: dict[str, Any]) -> bool:
    registered, claimed = one["registered_country"], one["claimed_country"]
    return bool(registered and claimed and registered != claimed)


def _tie(one: dict[str, Any]) -> str:
    """What a block's traffic says of users who live where the block is registered."""
    share, where = one["registered_country_share"], words.country(one["registered_country"])
    if share["value"] is None:
        return f"{one['block']} is registered in {where}; whether its users go there cannot be said."
    expected = one["registered_country_expected"]
    against = f", against {words.percent(expected)} expected" if expected is not None else ""
    return (
        f"{one['block']} is registered in {where}. {words.percent(share['value'])}{words.surely(share)} of its flows "
        f"went there{against}."
    )


def _doubt(one: dict[str, Any]) -> str:
    return (
        f"Whose block {one['block']} is has not been proven. What rests on it alone is as doubtful as that; "
        "the section on what the findings rest on tells which findings do."
    )
