"""What counts as use, in SQL: flows begun inside and answered, outside tunnels, with a foreign other end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo

from sensor.study.calendar import local_day_bounds, nanoseconds

DNS_APPLICATION = "dns"
"""Flows of this application ask for names; they stand outside shares."""

FLOWS = "count(*) FILTER (WHERE record = 0)"
"""A flow is counted once, by its record 0."""
# Whole numbers below 2 to the power of 53 add up exactly as DOUBLE, in any order, and much faster than wide ones.
BYTES = "sum(CAST(bytes_out AS DOUBLE) + CAST(bytes_in AS DOUBLE))"
PACKETS = "sum(CAST(packets_out AS DOUBLE) + CAST(packets_in AS DOUBLE))"


@dataclass(frozen=True)
class Window:
    """Which records a study reads.

    Attributes
    ----------
    zone
        In which days are told.
    first_day, last_day
        Days of that zone, both included; None where the store decides.
    relays
        Names of blocks that others use as a way out; they are a section of their own.
    one_way
        Unanswered flows count as use.
    """

    zone: tzinfo
    first_day: date | None = None
    last_day: date | None = None
    relays: tuple[str, ...] = ()
    one_way: bool = False

    def in_time(self, column: str = "start_time") -> str:
        """SQL: the record lies in the days asked for."""
        terms = []
        if self.first_day:
            begin, _ = local_day_bounds(self.zone, self.first_day)
            terms += [f"{column}_ns >= {nanoseconds(begin)}", f"day >= DATE '{begin.date()}'"]
        if self.last_day:
            _, end = local_day_bounds(self.zone, self.last_day)
            last = (end - timedelta(microseconds=1)).date()
            terms += [f"{column}_ns < {nanoseconds(end)}", f"day <= DATE '{last}'"]
        return " AND ".join(terms) or "TRUE"

    def in_days(self) -> str:
        """SQL: the row's UTC day is one of those asked for, of tables that know no more than a day."""
        terms = ["TRUE"]
        if self.first_day:
            terms.append(f"day >= DATE '{self.first_day}'")
        if self.last_day:
            terms.append(f"day <= DATE '{self.last_day}'")
        return " AND ".join(terms)

    def use(self, *, through_relays: bool = False) -> str:
        """SQL: the record is of a flow that counts as use, of the blocks or of the relays."""
        terms = ["scope = 'external'", "tunnel IS NULL", "initiator = 'inside'"]
        if not self.one_way:
            terms.append("answered")
        terms.append(self.relayed() if through_relays else self.not_relayed())
        return " AND ".join([*terms, self.in_time()])

    def shared(self, *, through_relays: bool = False) -> str:
        """SQL: the record is of use, and of no DNS flow."""
        return f"{self.use(through_relays=through_relays)} AND {self.no_dns()}"

    def no_dns(self) -> str:
        """SQL: the record is of no DNS flow."""
        return f"(application IS NULL OR application <> '{DNS_APPLICATION}')"

    def relayed(self) -> str:
        """SQL: the block is a relay."""
        return is_one_of("block", self.relays)

    def not_relayed(self) -> str:
        """SQL: the block is no relay."""
        return f"NOT {is_one_of('block', self.relays)}" if self.relays else "TRUE"


def is_one_of(column: str, values: Sequence[str]) -> str:
    """SQL: the column is one of the texts."""
    texts = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"{column} IN ({texts})" if texts else "FALSE"
