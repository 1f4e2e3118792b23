"""The tables of a data set: their columns, what they mean, and which of them tell a row from every other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

FOLDER = "data"

_TYPES: dict[str, pa.DataType] = {
    "string": pa.utf8(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "array": pa.list_(pa.utf8()),
}


@dataclass(frozen=True)
class Field:
    """A column; ``type`` is a type of Frictionless Table Schema."""

    name: str
    type: str
    description: str
    required: bool = True

    @property
    def arrow(self) -> pa.Field:
        """The column in Arrow and Parquet."""
        return pa.field(self.name, _TYPES[self.type], nullable=not self.required)

    def described(self) -> dict[str, Any]:
        """The column in a schema."""
        rest: dict[str, Any] = {"constraints": {"required": True}} if self.required else {}
        return {"name": self.name, "type": self.type, "description": self.description, **rest}


@dataclass(frozen=True)
class TableSpec:
    """A table; rows come in order of ``key``, the columns that tell them apart."""

    name: str
    title: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]

    @property
    def path(self) -> str:
        """Its file inside the data set."""
        return f"{FOLDER}/{self.name}.parquet"

    @property
    def arrow(self) -> pa.Schema:
        """Its columns."""
        return pa.schema([field.arrow for field in self.fields])

    @property
    def schema(self) -> dict[str, Any]:
        """Its Frictionless Table Schema."""
        found: dict[str, Any] = {"fields": [field.described() for field in self.fields]}
        # A primary key has no missing values.
        if all(field.required for field in self.fields if field.name in self.key):
            found["primaryKey"] = list(self.key)
        return found


def _text(name: str, description: str, *, required: bool = False) -> Field:
    return Field(name, "string", description, required)


def _count(name: str, description: str) -> Field:
    return Field(name, "integer", description)


_FIRST = Field("first_day", "date", "First day that the row covers, in the time zone of the data set.")
_LAST = Field("last_day", "date", "Last day that it covers: the same, or the end of a week or of the period.")
_DAY = Field("day", "date", "Day in the time zone of the data set.")
_BLOCK = _text("block", "Watched block; (any) where it is not told.")
_HOSTS = _count("inside_addresses", "Distinct inside addresses, rounded down to a multiple of k.")

USE = TableSpec(
    "use",
    "Flows begun inside and answered, DNS left out, as precisely as k inside addresses share them.",
    (
        _FIRST,
        _LAST,
        _BLOCK,
        _text(
            "service", "Service that was asked; (other) where one is not told, (any) where that is not told."
        ),
        _text("organisation", "Whose service it is."),
        _text("category", "Its kind."),
        _text("application", "Protocol seen."),
        _text("country", "ISO code of the country in which the outside address is registered."),
        _text("site", "Registrable domain of the name; (rare) where it is not told."),
        _text("name", "What the flow called the outside end; (rare) where it is not told."),
        _count("flows", "Flows that began in these days."),
        _count("bytes", "Inner IP bytes of these days, both ways."),
        _count("packets", "Packets of these days, both ways."),
    ),
    (
        "first_day",
        "last_day",
        "block",
        "service",
        "organisation",
        "category",
        "application",
        "country",
        "site",
        "name",
    ),
)
HOURS = TableSpec(
    "hours",
    "The flows of table use by hour: days covered and block together have the same flows here as there.",
    (
        _FIRST,
        _LAST,
        _BLOCK,
        Field("day", "date", "Day on which they began; empty for days of too few addresses.", required=False),
        Field("hour", "integer", "Hour of that day; empty for hours of too few addresses.", required=False),
        _count("flows", "Flows that began in it."),
    ),
    ("first_day", "last_day", "block", "day", "hour"),
)
HOSTS = TableSpec(
    "hosts",
    "Inside addresses with use, DNS included, of each day and block that has at least k.",
    (_DAY, _text("block", "Watched block.", required=True),
     _count("inside_addresses", "Distinct inside addresses.")),
    ("day", "block"),
)  # fmt: skip
REACH = TableSpec(
    "reach",
    "How many inside addresses used a service, an application or a site over the whole period.",
    (
        _text("kind", "service, application or site.", required=True),
        _text("word", "Which.", required=True),
        _HOSTS,
    ),
    ("kind", "word"),
)
DEVICES = TableSpec(
    "devices",
    "Devices told apart on each day with at least k inside addresses, summed over the addresses.",
    (_DAY, _text("method", "How they were told apart.", required=True), _count("devices", "How many.")),
    ("method", "day"),
)
APART = TableSpec(
    "apart",
    "Flows by what makes them count as use or not; kinds of fewer than k inside addresses are left out.",
    (
        _text("scope", "external, or internal where both ends are watched.", required=True),
        Field("tunnelled", "boolean", "Whether the flow was inside a tunnel."),
        _text("initiator", "inside, outside or unknown.", required=True),
        Field("answered", "boolean", "Whether an answer was seen."),
        _count("flows", "How many."),
    ),
    ("scope", "tunnelled", "initiator", "answered"),
)
RELAYS = TableSpec(
    "relays",
    "What went out of relays, and which devices were seen behind them.",
    (
        _text("block", "The relay.", required=True),
        _text("kind", "service, or device.", required=True),
        _text("word", "Which; empty for flows of no service, (any) for those that are not told."),
        Field("flows", "integer", "How many; empty for devices.", required=False),
    ),
    ("block", "kind", "word"),
)
TOTALS = TableSpec(
    "totals",
    "Single numbers: DNS, outside addresses, and the capture's accounting.",
    (_text("what", "Which number.", required=True), _count("value", "The number.")),
    ("what",),
)
OBSERVED = TableSpec(
    "observed",
    "When the sensor was watching: stretches that no gap of over an hour interrupts.",
    (
        _count("start_us", "Microseconds since 1970, UTC."),
        _count("end_us", "Microseconds since 1970, UTC."),
    ),
    ("start_us",),
)
BLOCKS = TableSpec(
    "blocks",
    "What is said of each block that is told.",
    (
        _text("block", "Its name.", required=True),
        _HOSTS,
        Field("known", "boolean", "Whether a rule file says anything about it."),
        _text("registered_country", "ISO code under which a registry has its addresses."),
        _text("holder", "Who is said to use it."),
        _text("claimed_country", "ISO code of where the holder is said to be."),
        _text("confidence", "How sure that is: high, medium or low."),
        _text("role", "holder, or relay where others use it as a way out."),
        _text("note", "The doubts."),
        _text("source", "Where the claim is from."),
    ),
    ("block",),
)
SERVICES = TableSpec(
    "services",
    "What the rules say of each service that is told.",
    (
        _text("service", "Its name.", required=True),
        _text("organisation", "Whose it is.", required=True),
        _text("category", "Its kind.", required=True),
        Field("institution", "boolean", "Whether it stands for many institutions, each site being one."),
        _text("country", "ISO code of the institutions' country."),
    ),
    ("service",),
)
PROTOCOLS = TableSpec(
    "protocols",
    "Category of each application that is told, as the rules have it.",
    (_text("application", "Its name.", required=True), _text("category", "Its kind.", required=True)),
    ("application",),
)
EXPECTED = TableSpec(
    "expected",
    "The share of flows that each country is held against.",
    (_text("country", "ISO code.", required=True), Field("share", "number", "Fraction of all.")),
    ("country",),
)
EVENTS = TableSpec(
    "events",
    "Dated events outside.",
    (
        Field("date", "date", "Its day."),
        _text("name", "What happened.", required=True),
        _text("source", "Who says so.", required=True),
        _text("note", "What else is to be known.", required=True),
        Field("about", "array", "Services, applications and categories it may have to do with."),
    ),
    ("date", "name"),
)

TABLES = (
    USE, HOURS, HOSTS, REACH, DEVICES, APART, RELAYS, TOTALS, OBSERVED, BLOCKS, SERVICES, PROTOCOLS, EXPECTED,
    EVENTS,
)  # fmt: skip
"""Every table that each data set has."""
