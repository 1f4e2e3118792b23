"""Countries of the outside ends: shares, and how far they exceed a stated expectation."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensor.study.bootstrap import Interval
from sensor.study.context import Context
from sensor.study.expectation import Expectation
from sensor.study.shares import Part, parts


def countries(context: Context, expectation: Expectation) -> list[dict[str, Any]]:
    """Each country's share and location quotient, most flows first.

    The quotient is share over expected share. An expectation from a file is taken as exact, so the
    quotient's interval is the share's; one that is a block of the same store is resampled with it, and then
    the quotient compares the other blocks with that one.
    """
    if expectation.block is not None:
        return _against_block(context, expectation)
    return [
        _entry(part, expectation.shares.get(part.word), expectation.source)
        for part in parts(context.facts, context.bootstrap, "country")
    ]


def _entry(part: Part, expected: float | None, source: str) -> dict[str, Any]:
    return {
        "country": part.word,
        "flows": part.flows,
        "bytes": part.bytes,
        "share_flows": part.share_flows,
        "expected": expected,
        "expected_source": source if expected is not None else None,
        "quotient": _scaled(part.share_flows, expected) if expected else None,
    }


def _scaled(interval: Interval, divisor: float) -> Interval:
    value, low, high = interval["value"], interval["low"], interval["high"]
    return {
        "value": None if value is None else value / divisor,
        "low": None if low is None else low / divisor,
        "high": None if high is None else high / divisor,
    }


def _against_block(context: Context, expectation: Expectation) -> list[dict[str, Any]]:
    facts = context.facts
    reference = facts.rows_of("block", [expectation.block or ""])
    total = facts.total_by_day(rows=reference)
    expected = facts.by_day("country", rows=reference).sum(axis=0) / max(total.sum(), 1.0)
    rest = facts.by_day("country", rows=~reference), facts.total_by_day(rows=~reference)
    quotients = context.bootstrap.ratios(rest, (facts.by_day("country", rows=reference), total))
    found = []
    for part in parts(facts, context.bootstrap, "country"):
        share = float(expected[part.column]) if total.sum() else None
        entry = _entry(part, share, expectation.source)
        quotient = quotients[part.column]
        entry["quotient"] = quotient if share and np.isfinite(quotient["value"] or 0.0) else None
        found.append(entry)
    return found
