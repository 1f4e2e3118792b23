"""The ``README.md`` of a data set, written from what ``datapackage.json`` says."""

from __future__ import annotations

from collections.abc import Sequence

from sensor.dataset.detail import ANY, LEVELS, OTHER, RARE
from sensor.dataset.package import Package, Resource
from sensor.dataset.settings import Settings
from sensor.dataset.tables import FOLDER

_RULE = """\
## What is told, and what is not

Every flow is told as precisely as at least {k} inside addresses share it, on its day. The levels, the most precise
first:

{levels}

On each level, flows that no level above took are grouped; groups of at least {k} addresses are cells of the table
`use`, the rest goes on. What is left of a day after the last level takes in the smallest cells of that day until it
has {k} addresses. A day with fewer addresses altogether is left out. Only addresses that began a flow in a cell are
counted.

So each flow is in one cell, sums over all cells are kept, and every number is a sum of whole cells: whatever is
subtracted from whatever else, what remains is whole cells again, each of at least {k} addresses. The table `hours`
divides the same flows: each day and block has the same sum in both, so their difference is nothing. Other tables have
no margin in common with these; in them, what fewer than {k} addresses did is left out with its part of every sum, and
addresses over the whole period are rounded down to a multiple of {k}, so that two such numbers differ by nothing or by
at least {k}.

No table has an inside address, a port, a time finer than an hour, or a name that fewer addresses than that asked for
on the same day. What this does not protect from: whoever knows what all others of a group did knows the last one's
part; and one address may have done most of what a cell of {k} tells.

What stands where something is not told:

| word | meaning |
| --- | --- |
| `{other}` | there is a value |
| `{rare}` | there is a name |
| `{any}` | whether there is a value is not told either |
| nothing (NULL) | there is no value: no name was seen, no rule knows a service |
"""
_FILES = """\
| `report.json`, `report.html` | | the report, computed from these tables alone |
| `not_reproducible.json` | | which numbers of the report of the original store differ, and why |
| `privacy.json` | | how many inside hosts flow records would tell apart, before and after they are made anonymous |
| `datapackage.json` | | the columns and settings, as a Frictionless Data Package |
| `SHA256SUMS` | | hashes of all of it; `sha256sum --check SHA256SUMS` |
"""
_RECORDS = """\
## Flow records

{files} files with {rows} rows hold single flows. In them an inside address is a pseudonym: what one host did hangs
together, and who knows a few of its flows from elsewhere knows all of them. The rule above holds for the tables, not
for the records. The key of the pseudonyms is not in the data set. The watched blocks are few and publicly known, so
that their names are kept and it is the host within the block that is hidden. Columns are in `datapackage.json`.
"""
_CHECK = """\
## Check it

```sh
pip install blocktap
blocktap dataset verify .
blocktap report --dataset . -o report.html
```

The first command compares all hashes and columns, computes the report from the tables and compares it with
`report.json`, number by number. The tables are Parquet: DuckDB, pandas, polars and others read them.
"""


def readme_text(package: Package, settings: Settings) -> str:
    """Write the page."""
    tables = [one for one in package.resources if one.path.startswith(f"{FOLDER}/")]
    records = [one for one in package.resources if one not in tables]
    levels = "\n".join(f"{number}. {level.says}" for number, level in enumerate(LEVELS, 1))
    parts = [
        _head(package, settings),
        _files(tables),
        _RULE.format(k=settings.k, levels=levels, other=OTHER, rare=RARE, any=ANY),
        _columns(tables),
        _records(records),
        _CHECK,
        f"## Licence\n\n[{package.licence.title}]({package.licence.path}) ({package.licence.name}).\n",
    ]
    return "\n".join(part for part in parts if part)


def _head(package: Package, settings: Settings) -> str:
    simulated = (
        f"**The data is simulated (scenario {settings.simulated}). It says nothing about anybody.**\n\n"
        if settings.simulated
        else ""
    )
    return (
        f"# {package.title}\n\n{simulated}"
        "The evidence of a study of who some watched address blocks talk to, as sums of which each is about at least "
        f"{settings.k} inside addresses. Written by Blocktap {settings.program}, method {settings.method}.\n\n"
        f"Period: {settings.first_day} to {settings.last_day}; days and hours in the time zone {settings.timezone}.\n"
    )


def _files(tables: Sequence[Resource]) -> str:
    listed = "".join(f"| `{one.path}` | {one.rows} | {one.title} |\n" for one in tables)
    head = "## Files\n\n| file | rows | what a row is, or what is in it |\n| --- | --- | --- |\n"
    return head + listed + _FILES


def _columns(tables: Sequence[Resource]) -> str:
    lists = [f"`{one.name}`:\n\n{_fields(one)}" for one in tables]
    return "\n".join(["## Columns\n", *lists])


def _fields(one: Resource) -> str:
    return "".join(
        f"- `{field['name']}` ({field['type']}): {field['description']}\n" for field in one.schema["fields"]
    )


def _records(records: Sequence[Resource]) -> str:
    if not records:
        return ""
    listed = "".join(f"- `{one.path}`: {one.title} {one.rows} rows.\n" for one in records)
    return _RECORDS.format(files=len(records), rows=sum(one.rows for one in records)) + "\n" + listed
