"""Segments that were found broken: rows that were counted once and are no more."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sensor.store.integrity import Fault
from sensor.study.options import StudyOptions

_NAMED = 5
"""Segments that the caveat names; of more it says how many."""


def name_broken(found: dict[str, Any], faults: list[Fault], options: StudyOptions) -> dict[str, Any]:
    """Say in a study's caveats and gaps what of its days is missing because segments are broken.

    Parameters
    ----------
    found
        The study.
    faults
        The store's broken segments.
    options
        Of the study: its days and time zone.
    """
    faults = [fault for fault in faults if _is_studied(fault, options)]
    if not faults:
        return found
    one = len(faults) == 1
    named = "; ".join(str(fault) for fault in faults[:_NAMED])
    more = f"; and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
    caveat = (
        f"{len(faults)} {'segment' if one else 'segments'} of the store {'is' if one else 'are'} broken and left "
        f"out, with all {'its' if one else 'their'} rows: {named}{more}."
    )
    flows = [_span(fault) for fault in faults if fault.segment.table == "flows"]
    gaps = [*found["loss"]["gaps"], *({"start": _text(start), "end": _text(end)} for start, end in flows)]
    loss = found["loss"] | {"gaps": sorted(gaps, key=lambda gap: (gap["start"], gap["end"]))}
    return found | {"loss": loss, "caveats": [caveat, *found["caveats"]]}


def _is_studied(fault: Fault, options: StudyOptions) -> bool:
    first, last = options.asked_days
    start, end = _span(fault)
    # A day that is not known better ends where the next begins.
    end = max(start, end - timedelta.resolution)
    seen = start.astimezone(options.zone).date(), end.astimezone(options.zone).date()
    return (first or date.min) <= seen[1] and seen[0] <= (last or date.max)


def _span(fault: Fault) -> tuple[datetime, datetime]:
    """From the first to the last of its rows; where that is not known, its day."""
    if fault.first is not None and fault.last is not None:
        return fault.first, fault.last
    midnight = datetime.combine(fault.segment.day, time(), UTC)
    return midnight, midnight + timedelta(days=1)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
