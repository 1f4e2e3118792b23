"""``events.toml``: dated events outside, laid beside timelines; a coincidence proves nothing."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sensor.rules.dates import parse_day
from sensor.rules.location import shipped
from sensor.rules.mistake import TextError
from sensor.rules.source import read_source
from sensor.rules.table import Table, read_tables

KEYS = ("name", "date", "source", "about", "note")
REQUIRED_KEYS = ("name", "date", "source")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on a day, and who says so.

    ``about`` names the services, applications and categories it may have to do with; empty, any of them.
    """

    name: str
    date: date
    source: str
    note: str = ""
    about: tuple[str, ...] = ()


def load_events(path: Path | None = None) -> tuple[Event, ...]:
    """Load dated events, earliest first.

    Parameters
    ----------
    path : Path, optional
        A file of ``[[event]]`` tables; the shipped one if not given.

    Raises
    ------
    RuleError
        With file, line, the offending text and the mend.
    """
    source = read_source(path or shipped() / "events.toml")
    events = [_event(table) for table in read_tables(source, "event")]
    return tuple(sorted(events, key=lambda event: (event.date, event.name)))


def _event(table: Table) -> Event:
    table.check_keys(KEYS, REQUIRED_KEYS)
    for key in REQUIRED_KEYS:
        if key != "date" and not table.text(key).strip():
            raise table.error(TextError(f"{key} is empty", f"fill in {key}"), "", key)
    try:
        day = parse_day(table.values["date"])
        if isinstance(day, datetime):
            raise TextError("a time where a day belongs", "write a day such as 2017-05-12")
    except TextError as mistake:
        raise table.error(mistake, str(table.values["date"]), "date") from None
    about = tuple(table.texts("about")) if "about" in table.values else ()
    return Event(table.text("name"), day, table.text("source"), table.text("note"), about)
