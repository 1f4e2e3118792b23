"""Ways to spoil a data set, those that mend the hashes afterwards among them."""

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sensor.dataset.package import digest, manifest_text

Spoil = Callable[[Path, random.Random], None]


def mend(dataset: Path) -> None:
    """Make every hash fit again, as somebody would who wants to be believed."""
    described = json.loads((dataset / "datapackage.json").read_text())
    for one in described["resources"]:
        path = dataset / one["path"]
        if path.is_file():
            one |= {"hash": f"sha256:{digest(path)}", "bytes": path.stat().st_size}
            one["rows"] = pq.read_metadata(path).num_rows
    write_json(dataset / "datapackage.json", described)
    mend_manifest(dataset)


def mend_manifest(dataset: Path) -> None:
    files = [path for path in dataset.rglob("*") if path.is_file() and path.name != "SHA256SUMS"]
    hashes = {path.relative_to(dataset).as_posix(): digest(path) for path in files}
    (dataset / "SHA256SUMS").write_text(manifest_text(hashes))


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=True, indent=1) + "\n")


def flip(name: str) -> Spoil:
    """One bit of a file."""

    def spoil(dataset: Path, seeded: random.Random) -> None:
        data = bytearray((dataset / name).read_bytes())
        data[seeded.randrange(len(data))] ^= 1 << seeded.randrange(8)
        (dataset / name).write_bytes(data)

    return spoil


def cut(name: str) -> Spoil:
    """The last byte of a file."""

    def spoil(dataset: Path, _: random.Random) -> None:
        (dataset / name).write_bytes((dataset / name).read_bytes()[:-1])

    return spoil


def remove(name: str, *, mended: bool = False) -> Spoil:
    """A whole file."""

    def spoil(dataset: Path, _: random.Random) -> None:
        (dataset / name).unlink()
        if mended:
            mend_manifest(dataset)

    return spoil


def add(name: str, *, mended: bool = False) -> Spoil:
    """A file that nobody asked for."""

    def spoil(dataset: Path, _: random.Random) -> None:
        (dataset / name).write_bytes(b"more")
        if mended:
            mend_manifest(dataset)

    return spoil


def change_number(*steps: str | int, by: float = 1) -> Spoil:
    """A number of the report, hashes mended."""

    def spoil(dataset: Path, _: random.Random) -> None:
        report = json.loads((dataset / "report.json").read_text())
        place = report
        for step in steps[:-1]:
            place = place[step]
        place[steps[-1]] += by
        write_json(dataset / "report.json", report)
        mend_manifest(dataset)

    return spoil


def change_cell(table: str, column: str, by: int = 1) -> Spoil:
    """A number of a table, hashes mended."""

    def spoil(dataset: Path, seeded: random.Random) -> None:
        path = dataset / f"data/{table}.parquet"
        rows = pq.read_table(path)
        values = rows[column].to_pylist()
        values[seeded.randrange(len(values))] += by
        field = rows.schema.field(column)
        write(path, rows.set_column(rows.schema.get_field_index(column), field, pa.array(values, field.type)))
        mend(dataset)

    return spoil


def swap_rows(table: str) -> Spoil:
    """Two rows of a table, hashes mended."""

    def spoil(dataset: Path, seeded: random.Random) -> None:
        path = dataset / f"data/{table}.parquet"
        rows = pq.read_table(path)
        one, other = seeded.sample(range(rows.num_rows), 2)
        order = list(range(rows.num_rows))
        order[one], order[other] = other, one
        write(path, rows.take(order))
        mend(dataset)

    return spoil


def swap_numbers(table: str, column: str) -> Spoil:
    """The numbers of two rows, which leaves every sum, hashes mended."""

    def spoil(dataset: Path, _: random.Random) -> None:
        path = dataset / f"data/{table}.parquet"
        rows = pq.read_table(path)
        values = rows[column].to_pylist()
        most, least = values.index(max(values)), values.index(min(values))
        values[most], values[least] = values[least], values[most]
        field = rows.schema.field(column)
        write(path, rows.set_column(rows.schema.get_field_index(column), field, pa.array(values, field.type)))
        mend(dataset)

    return spoil


def drop_row(table: str) -> Spoil:
    """One row, hashes mended."""

    def spoil(dataset: Path, seeded: random.Random) -> None:
        path = dataset / f"data/{table}.parquet"
        rows = pq.read_table(path)
        gone = seeded.randrange(rows.num_rows)
        write(path, rows.filter(pa.array([place != gone for place in range(rows.num_rows)])))
        mend(dataset)

    return spoil


def rename_word(table: str, column: str, word: str, other: str) -> Spoil:
    """A word wherever it stands, hashes mended and rows in order."""

    def spoil(dataset: Path, _: random.Random) -> None:
        path = dataset / f"data/{table}.parquet"
        rows = pq.read_table(path)
        field = rows.schema.field(column)
        changed = pc.if_else(pc.fill_null(pc.equal(rows[column], word), False), other, rows[column])
        write(path, rows.set_column(rows.schema.get_field_index(column), field, changed))
        mend(dataset)

    return spoil


def describe(change: Callable[[dict[str, Any]], Any]) -> Spoil:
    """The descriptor, hashes mended."""

    def spoil(dataset: Path, _: random.Random) -> None:
        described = json.loads((dataset / "datapackage.json").read_text())
        change(described)
        write_json(dataset / "datapackage.json", described)
        mend_manifest(dataset)

    return spoil


def edit(name: str, old: str, new: str) -> Spoil:
    """A text, hashes mended."""

    def spoil(dataset: Path, _: random.Random) -> None:
        text = (dataset / name).read_text()
        assert old in text
        (dataset / name).write_text(text.replace(old, new, 1))
        mend_manifest(dataset)

    return spoil


def link(name: str) -> Spoil:
    """A file, by a symbolic link to the same bytes elsewhere."""

    def spoil(dataset: Path, _: random.Random) -> None:
        elsewhere = dataset.with_name("elsewhere")
        (dataset / name).rename(elsewhere)
        (dataset / name).symlink_to(elsewhere)

    return spoil


def listed_as(path: str) -> Spoil:
    """The manifest names a file that is not in the folder."""

    def spoil(dataset: Path, _: random.Random) -> None:
        manifest = dataset / "SHA256SUMS"
        lines = [*manifest.read_text().splitlines(), f"{hashlib.sha256(b'').hexdigest()}  {path}"]
        manifest.write_text("".join(f"{line}\n" for line in sorted(lines, key=lambda line: line[66:])))

    return spoil


def write(path: Path, rows: pa.Table) -> None:
    pq.write_table(rows, path, compression="zstd", store_schema=False)
