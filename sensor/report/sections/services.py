"""What is used: services, kinds of service, protocols, sites."""

from __future__ import annotations

from sensor.report import words
from sensor.report.changes import SERVICES, changes
from sensor.report.model import Found, Kind, Section
from sensor.report.sections.parts import filled, no_data, share_bar, share_chart, some, table

_FIRST = 8
_SHARES = (("flows", Kind.COUNT), ("bytes", Kind.BYTES), ("share of flows", Kind.SHARE))


def services(found: Found) -> Section:
    """The section on services."""
    key, title, question = "services", "What is used", "Which services, and for what?"
    listed = found["services"]
    if not listed and not found["sites"] and not found["applications"]:
        return no_data(key, title, question)
    return Section(
        key, title, question,
        means=tuple(_means(found)),
        cannot=(
            ("A name says whose server was asked. It does not say what was read or written there, nor who did it. "
            "Many pages fetch pieces from services that their reader never opened."),
            "A share counts conversations, not time: a film can be one flow and a page of news fifty.",
        ),
        changes=changes(found, lambda finding: finding.startswith(SERVICES)),
        charts=(
            *share_chart("services", "Share of flows by service",
                         some(share_bar(one["service"], one["share_flows"]) for one in listed)),
            *share_chart("categories", "Share of flows by kind of service",
                         some(share_bar(one["category"], one["share_flows"]) for one in found["categories"])),
        ),
        tables=filled(
            table("services", "Services",
                  [("rank", Kind.COUNT), ("service", Kind.TEXT), ("organisation", Kind.TEXT), ("kind", Kind.TEXT),
                   *_SHARES, ("addresses inside", Kind.COUNT), ("days", Kind.COUNT), ("flows by block", Kind.TEXT)],
                  ((one["rank"], one["service"], one["organisation"], one["category"], one["flows"], one["bytes"],
                    one["share_flows"], one["inside_addresses"], one["days"], _by_block(one["by_block"]))
                   for one in listed)),
            table("categories", "Kinds of service", [("kind", Kind.TEXT), *_SHARES],
                  ((one["category"], one["flows"], one["bytes"], one["share_flows"]) for one in found["categories"])),
            table("applications", "Protocols", [("protocol", Kind.TEXT), *_SHARES],
                  ((one["application"], one["flows"], one["bytes"], one["share_flows"])
                   for one in found["applications"])),
            table("sites", "Sites (registrable domains), the first 500",
                  [("site", Kind.TEXT), ("service", Kind.TEXT), ("country", Kind.TEXT), ("flows", Kind.COUNT),
                   ("addresses inside", Kind.COUNT)],
                  ((one["site"], one["service"], one["country"] and words.country(one["country"]), one["flows"],
                    one["inside_addresses"]) for one in found["sites"])),
        ),
    )  # fmt: skip


def _means(found: Found) -> list[str]:
    listed, kinds = found["services"], found["categories"]
    if not listed:
        return ["No flow belongs to a service that the rules know."]
    first = listed[0]
    said = [
        (
            f"Most used was {first['service']}, with {words.percent(first['share_flows']['value'])} of all flows"
            f"{words.surely(first['share_flows'])}."
        )
    ]
    if len(listed) > 1:
        said.append(f"In order: {words.listed([one['service'] for one in listed[:_FIRST]])}.")
    if kinds:
        largest = kinds[0]
        said.append(
            f"By kind, {largest['category']} comes first with {words.percent(largest['share_flows']['value'])}"
            f"{words.surely(largest['share_flows'])}."
        )
    return said


def _by_block(flows: dict[str, int]) -> str:
    return "; ".join(f"{block} {words.count(number)}" for block, number in sorted(flows.items()))
