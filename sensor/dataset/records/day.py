"""The records of one UTC day as they are told, in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from sensor.dataset.records.addresses import networks, pseudonyms
from sensor.dataset.records.desk import Desk
from sensor.dataset.records.embedded import RARE
from sensor.dataset.records.key import Key
from sensor.dataset.records.options import RecordOptions
from sensor.dataset.records.shared import LEFT_OUT, NAMES, PROTECTED, SHARED_COLUMNS, VALUES
from sensor.dataset.records.told import TOLD
from sensor.schema import TABLES

_NANOSECONDS = 1_000_000_000
_OPEN = "open_flows"
_NUMBERED = "numbered_flows"
_LISTS = "shown_lists"
_OUTSIDE = "shown_outside"
_HOSTS = "shown_hosts"
_SECRET = "secret"  # noqa: S105 # the name of a table
_WELL_KNOWN_PORTS = 1024


@dataclass
class DayRecords:
    """Turns one day after the other into what is told of it, in the order of the days.

    Parameters
    ----------
    desk
        With what `sensor.dataset.records.shared` keeps.
    options
        The caller's choice.
    key
        Of the pseudonyms.
    asked_for
        SQL: the record is to be told.
    """

    desk: Desk
    options: RecordOptions
    key: Key
    asked_for: str

    def __post_init__(self) -> None:
        self._numbers = 0
        # Lent as a value: the text of a query may end in an error message or a log.
        shuffle = self.key.derived("order of flows").secret.hex()
        self.desk.lend(_SECRET, pa.table({"word": [shuffle]}))
        outside = self.key.derived("outside addresses")
        self.desk.function("pseudonym", lambda texts: pseudonyms(texts, self.key))
        self.desk.function("outside_pseudonym", lambda texts: pseudonyms(texts, outside))
        self.desk.function("network", networks)
        self.desk.keep(
            _OPEN, "SELECT sensor, flow_id, CAST(0 AS UBIGINT) AS number, '' AS last FROM flows WHERE false"
        )

    def days(self) -> list[date]:
        """UTC days with records, in order."""
        rows = self.desk.rows(f"SELECT DISTINCT day FROM flows WHERE {self.asked_for} ORDER BY day")
        return [day for row in rows if isinstance(day := row["day"], date)]

    def prepare(self, day: date) -> str:
        """Prepare a day, and return the query of its rows: the columns of the flows table, in their order.

        The order of the rows is that of what they show, then that of a keyed shuffle: neither it nor the
        numbers of the flows tell anything of inside addresses or of moments.
        """
        there = f"day = DATE '{day}' AND {self.asked_for}"
        self._number(there)
        self._keep_shown(there)
        shown = ", ".join(
            f"{self._shown(column.name)} AS {column.name}" for column in TABLES["flows"].columns
        )
        return (
            f"SELECT {shown} FROM (SELECT *, {TOLD} AS told FROM flows WHERE {there}) AS f "
            f"JOIN {_NUMBERED} AS n ON n.sensor = f.sensor AND n.flow_id = f.flow_id "
            f"LEFT JOIN {_HOSTS} AS h ON h.address = f.inside_ip "
            f"LEFT JOIN {_OUTSIDE} AS o ON o.address = f.outside_ip "
            f"LEFT JOIN {NAMES} AS m ON m.name = f.name "
            f"LEFT JOIN {_LISTS} AS l ON l.names = f.names "
            "ORDER BY start_time, block, application, service, name, flow_id, record, end_time, "
            "bytes_out, bytes_in, packets_out, packets_in"
        )

    def _number(self, there: str) -> None:
        """Number the day's flows; one that goes on since the day before keeps its number."""
        self.desk.keep(
            "flows_of_day",
            f"SELECT sensor, flow_id, min({self._rounded('start_time')}) AS first, "
            f"arg_max(end_reason, record) AS last FROM flows WHERE {there} GROUP BY 1, 2",
        )
        self.desk.keep(
            _NUMBERED,
            "SELECT sensor, flow_id, last, CASE WHEN known IS NOT NULL THEN known ELSE "
            f"CAST({self._numbers} + row_number() OVER (PARTITION BY known IS NULL ORDER BY first, shuffled) "
            "AS UBIGINT) END AS number FROM (SELECT d.sensor, d.flow_id, d.first, d.last, k.number AS known, "
            f"sha256(concat(s.word, ' ', d.flow_id, ' ', d.sensor)) AS shuffled FROM flows_of_day AS d "
            f"CROSS JOIN {_SECRET} AS s "
            f"LEFT JOIN {_OPEN} AS k ON k.sensor = d.sensor AND k.flow_id = d.flow_id) AS each",
        )
        # Timeouts are much shorter than a day: a flow without a record on a day has none later.
        self.desk.keep(_OPEN, f"SELECT sensor, flow_id, number, last FROM {_NUMBERED} WHERE last = 'active'")
        highest = self.desk.rows(f"SELECT max(number) AS number FROM {_NUMBERED}")[0]["number"]
        self._numbers = max(self._numbers, highest if isinstance(highest, int) else 0)

    def _keep_shown(self, there: str) -> None:
        """What is shown of the day's distinct addresses and lists of names, each found once."""
        self.desk.keep(
            _HOSTS,
            "SELECT address, pseudonym(address) AS shown FROM (SELECT DISTINCT inside_ip AS address FROM flows "
            f"WHERE {there} AND {TOLD}) AS each",
        )
        servers = {
            "kept": "address",
            "truncated": "network(address)",
            "encrypted": "outside_pseudonym(address)",
        }
        # Who comes from outside is a person as well: at most the network is told.
        visitors = {**servers, "kept": "network(address)"}
        choice = self.options.outside
        self.desk.keep(
            _OUTSIDE,
            f"SELECT address, {servers[choice]} AS server, {visitors[choice]} AS visitor FROM (SELECT DISTINCT "
            f"outside_ip AS address FROM flows WHERE {there}) AS each ANTI JOIN {PROTECTED} USING (address)",
        )
        self.desk.keep(
            _LISTS,
            "WITH lists AS (SELECT names, row_number() OVER () AS number FROM "
            f"(SELECT DISTINCT names FROM flows WHERE {there} AND {TOLD} AND len(names) > 0) AS each), "
            "parts AS (SELECT number, unnest(names) AS name, generate_subscripts(names, 1) AS place FROM lists), "
            f"told AS (SELECT number, shown, min(place) AS place FROM parts JOIN {NAMES} USING (name) "
            "GROUP BY 1, 2), joined AS (SELECT number, list(shown ORDER BY place) AS shown FROM told GROUP BY 1) "
            "SELECT lists.names, joined.shown FROM lists JOIN joined USING (number)",
        )

    def _shown(self, column: str) -> str:
        if column in SHARED_COLUMNS:
            rare = "NULL" if column == "ja4" else f"'{RARE}'"
            shared = f"f.{column} IN (SELECT value FROM {VALUES} WHERE kind = '{column}')"
            untold = (
                "f.initiator <> 'inside' THEN f." + column if column in _OF_ANY_FLOW else "NOT told THEN NULL"
            )
            return (
                f"CASE WHEN f.{column} IS NULL THEN NULL WHEN {untold} "
                f"WHEN {shared} THEN f.{column} ELSE {rare} END"
            )
        if column in ("start_time", "end_time"):
            return self._rounded(f"f.{column}")
        return _SHOWN.get(column, f"f.{column}")

    def _rounded(self, column: str) -> str:
        step = self.options.round_time_s * _NANOSECONDS
        return f"({column}_ns // {step}) * {step}"


# What a flow spoke and where its other end lies says nothing of a host that is not told, unless inside began it:
# a later record of the same flow may tell the host. Names, and what follows from them, may be of the inside end.
_OF_ANY_FLOW = ("application", "country")
# A port that a system chose for one flow is in the logs of who was talked to, and of who translated the address.
_EPHEMERAL = f">= {_WELL_KNOWN_PORTS}"
_SHOWN = {
    "outside_block": f"CASE WHEN f.outside_block NOT IN (SELECT block FROM {LEFT_OUT}) THEN f.outside_block END",
    "inside_ip": "CASE WHEN told THEN h.shown END",
    "outside_ip": "CASE WHEN told THEN o.server ELSE o.visitor END",
    "inside_port": (
        f"CASE WHEN f.initiator = 'outside' OR NOT f.inside_port {_EPHEMERAL} THEN f.inside_port END"
    ),
    "outside_port": (
        f"CASE WHEN f.initiator = 'inside' OR NOT f.outside_port {_EPHEMERAL} THEN f.outside_port END"
    ),
    "name": "CASE WHEN told THEN m.shown END",
    "name_source": "CASE WHEN told THEN f.name_source END",
    "names": "CASE WHEN told THEN l.shown END",
    "flow_id": "n.number",
}
