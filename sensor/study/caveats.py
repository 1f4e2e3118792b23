"""What the numbers cannot mean, written from the numbers themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sensor.study.bootstrap import FEWEST_DAYS
from sensor.study.context import Context
from sensor.study.onsets import FEWEST_DAYS as ONSET_DAYS

Found = dict[str, Any]

_SMALL = 0.001
"""Losses below this part are not worth a sentence."""


def caveats(context: Context, found: Found, simulated: str | None = None) -> list[str]:
    """Sentences for the reader, the gravest first.

    Parameters
    ----------
    context
        The study.
    found
        The report's other sections.
    simulated
        Name of the scenario the store was made from; None for traffic that was seen.
    """
    said: list[str] = []
    if simulated:
        said.append(f"This data is simulated (scenario {simulated}): it says nothing about anybody.")
    if not context.gathered.days:
        return [*said, "There is no use in the days asked for.", *_use(context, found)]
    for part in (_amount, _observation, _use, _names, _blocks, _countries, _people, _rest):
        said += part(context, found)
    return said


def _amount(_: Context, found: Found) -> Iterator[str]:
    days, seen = found["period"]["days"], found["period"]["days_with_data"]
    if days < FEWEST_DAYS:
        yield f"{_many(days, 'day')} are too few to say how sure a share is: no interval is given."
    if days < ONSET_DAYS:
        yield f"With {_many(days, 'day')}, fewer than {ONSET_DAYS}, nothing is tested for when it began."
    if seen < days:
        yield f"{_many(days - seen, 'day')} of {days} have no data; they are treated as missing, not as quiet."


def _observation(context: Context, found: Found) -> Iterator[str]:
    loss, accounted = found["loss"], context.gathered.accounting
    if not loss["packets_seen"]:
        yield "The store has no accounting for these days: what the capture lost is not known."
    if loss["ratio"] >= _SMALL:
        yield (
            f"{_percent(loss['ratio'])} of the packets were lost in capture. If the lost ones were unlike the "
            "others, intervals are too narrow by as much as that."
        )
    if loss["gaps"]:
        seconds = sum((end - start).total_seconds() for start, end in context.observation.gaps)
        yield (
            f"{_many(len(loss['gaps']), 'gap')}, {_length(seconds)} in all, hold no packet. They count as not "
            "observed: a silent hour and one that was not recorded look alike."
        )
    evicted = accounted["flows_evicted"]
    if evicted:
        yield f"{_many(evicted, 'flow')} ended early for want of memory and may be counted twice."
    if accounted["packets_truncated"]:
        yield "Some packets were cut short in capture: names behind the cut are missing."


def _use(context: Context, found: Found) -> Iterator[str]:
    apart, flows = found["volume"]["apart"], found["volume"]["flows"]
    if apart["one_way"]:
        yield (
            "The tap saw one direction only, so that answers could not be seen; "
            + (
                "flows that nobody was seen to answer count as use."
                if context.gathered.one_way
                else "hardly anything counts as use. Count unanswered flows with --one-way."
            )
        )
    outside = apart["begun_outside"] + apart["unanswered"]
    if outside > 0.1 * flows:
        yield (
            f"{apart['begun_outside']:,} flows begun outside (scans, visitors of servers inside) and "
            f"{apart['unanswered']:,} never answered are no use and stand apart; there were {flows:,} flows of use."
        )
    dns = context.gathered.dns_use["flows"]
    if dns:
        yield f"{dns:,} of the flows of use are DNS; they are in the volume and population, and in no share."
    if apart["tunnelled"]:
        yield f"{apart['tunnelled']:,} flows were inside tunnels and are left out."


def _names(_: Context, found: Found) -> Iterator[str]:
    named = found["coverage"]["named_share"]
    classified = found["coverage"]["classified_share"]
    if named is not None and named < 0.995:
        yield (
            f"{_percent(1 - named)} of the flows carried no name. They count in every share's whole, "
            "so a service's true share may be larger by up to that part."
        )
    if classified is not None and classified < 0.995:
        yield f"{_percent(1 - classified)} of the flows belong to no service that the rules know."
    yield "A name says whose server was asked, not what was done there, nor by whom."


def _blocks(context: Context, found: Found) -> Iterator[str]:
    for entry in found["blocks"]:
        rule = context.blocks.get(entry["block"])
        share = entry["share_flows"]["value"] or 0.0
        if rule is None:
            yield f"Nothing is known of block {entry['block']}: it stands in no rule file given."
        elif rule.confidence == "low":
            yield (
                f"Block {rule.name}, {_percent(share)} of the flows, is of doubtful attribution. "
                "Findings that do not hold without it rest on it; the sensitivity section names them."
            )
    failed = [one["finding"] for one in found["sensitivity"] if not one["holds"]]
    if failed:
        yield (
            "These findings change when a block or a week is left out: "
            + "; ".join(failed) + "."
        )  # fmt: skip
    if found["similarity"]:
        yield (
            "That blocks were not found to differ does not show that they are alike: a small block can hide "
            "a large difference."
        )


def _countries(_: Context, found: Found) -> Iterator[str]:
    if not found["countries"]:
        return
    yield (
        "A country is where a server's address is registered, which need not be where it stands; content "
        "networks answer from near the reader whatever a site's country is."
    )
    source = next((one["expected_source"] for one in found["countries"] if one["expected_source"]), None)
    if source:
        yield f"Expected shares of countries are {source}: a yardstick, not a forecast of anybody's traffic."


def _people(_: Context, found: Found) -> Iterator[str]:
    yield (
        "Foreigners and locals cannot be told apart by their traffic; only address ranges known to be one or "
        "the other's could do that."
    )
    yield (
        "Addresses are not people: several may share one, and one may have several. Estimates of devices "
        "count kinds of software."
    )
    if found["vpn"]["share_flows"]["value"]:
        yield "What went through a VPN is hidden: services and countries behind it are in no list here."


def _rest(_: Context, found: Found) -> Iterator[str]:
    near = [one for one in found["onsets"] if one["event"]]
    if near:
        least = min(near, key=lambda one: one["event"]["chance"])
        event = least["event"]
        yield (
            f"An onset after an event is not caused by it: {least['series']} began {_many(event['lag_days'], 'day')} "
            f"after {event['name']}, and a random day of this study lies as near with a chance of "
            f"{_percent(event['chance'])}."
        )


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _length(seconds: float) -> str:
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}s"
    return f"{seconds:.0f} seconds"


def _percent(part: float) -> str:
    return f"{100 * part:.2g} %" if part < 0.1 else f"{100 * part:.0f} %"
