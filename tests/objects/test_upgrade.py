"""Stores of earlier schemas, in a folder and on object storage, upgraded while they are read.

There has been one schema so far. The steps here are made up: version 2 adds a column, version 3 another one and
corrects a value; that every real version has its step is tested, too.
"""

import threading
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from sensor import schema
from sensor.errors import StoreError
from sensor.schema import TABLES, Column, arrow_schema
from sensor.store import StoreWriter, WriterOptions, compact, read_manifest
from sensor.store import upgrade as module
from sensor.store.engine.duckdb import connect
from sensor.store.place import objects, place_of
from sensor.store.upgrade import STEPS, upgrade
from tests.objects.conftest import make_flows

ADDED = {2: Column("colour", "VARCHAR", "made up"), 3: Column("weight", "UBIGINT", "made up")}
FIRST_FLOWS = TABLES["flows"]


def add_colour(table, rows):
    return rows if table != "flows" else rows.append_column("colour", pa.array(["red"] * rows.num_rows))


def add_weight(table, rows):
    if table != "flows":
        return rows
    weight = pa.array([7] * rows.num_rows, pa.uint64())
    doubled = pc.multiply(rows["bytes_out"], 2)
    rows = rows.set_column(rows.schema.get_field_index("bytes_out"), "bytes_out", doubled)
    return rows.append_column("weight", weight)


def use_version(monkeypatch, version):
    """Be the program of a version."""
    columns = FIRST_FLOWS.columns + tuple(column for number, column in ADDED.items() if number <= version)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", version)
    monkeypatch.setitem(TABLES, "flows", replace(FIRST_FLOWS, columns=columns))
    monkeypatch.setattr(module, "STEPS", {1: add_colour, 2: add_weight})


def rows_of(flow_ids, day):
    """Flow records as the current program has them."""
    given = make_flows(flow_ids, day)
    wanted = arrow_schema("flows", encoded=True)
    added = {"colour": pa.array(["blue"] * len(given)), "weight": pa.array([1] * len(given), pa.uint64())}
    columns = [added.get(one.name, given.column(one.name)) for one in wanted]
    return pa.record_batch(columns, schema=wanted)


def write(store, first, count):
    with StoreWriter(store, "tap", options=WriterOptions(compact_on_close=False)) as writer:
        for number in range(first, first + count):
            writer.write("flows", rows_of([number], number % 2))
            writer.flush()


@pytest.fixture(params=["folder", "objects"])
def store(request, monkeypatch):
    if request.param == "folder":
        return request.getfixturevalue("local")
    monkeypatch.setattr(objects, "GRACE_S", 1e6)
    return request.getfixturevalue("url")


def asked(store, sql):
    with connect(store) as connection:
        return connection.execute(sql).fetchall()


def test_every_version_has_its_step():
    assert set(STEPS) == set(range(1, schema.SCHEMA_VERSION))


@pytest.mark.parametrize("version", [1, 2])
def test_upgrade_with_readers(store, version, monkeypatch):
    for number in range(1, version + 1):
        use_version(monkeypatch, number)
        write(store, 10 * number, 6)
    use_version(monkeypatch, 1)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", version)
    rows = 6 * version
    use_version(monkeypatch, 3)
    assert asked(store, "SELECT count(*), count(weight) FROM flows") == [(rows, 0)]
    stop, wrong, polls = threading.Event(), [], []

    def poll():
        while not stop.is_set():
            seen = asked(
                store, "SELECT count(*), count(DISTINCT flow_id), min(bytes_out), max(bytes_out) FROM flows"
            )
            polls.append(1)
            if seen[0][:2] != (rows, rows) or not 100 <= seen[0][2] <= seen[0][3] <= 200:
                wrong.append(seen)

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        done = upgrade(store)
    finally:
        stop.set()
        thread.join()
    assert (done.earlier, done.version, done.segments) == (1, 3, rows)
    assert wrong == []
    assert polls
    assert read_manifest(store).schema_version == 3
    assert asked(store, "SELECT count(*), min(bytes_out), max(weight) FROM flows") == [(rows, 200, 7)]
    colours = {row[0]: row[1] for row in asked(store, "SELECT colour, count(*) FROM flows GROUP BY ALL")}
    assert colours == ({"red": 6} if version == 1 else {"red": 6, "blue": 6})
    assert upgrade(store).segments == 0
    write(store, 100, 2)
    compact(store)
    assert asked(store, "SELECT count(*) FROM flows") == [(rows + 2,)]


def test_an_earlier_program_goes_on_reading_until_it_is_done(store, monkeypatch):
    use_version(monkeypatch, 1)
    write(store, 0, 4)
    use_version(monkeypatch, 2)
    place = place_of(store)
    with place.maintenance_lock():
        module._rewrite_all(place)
    use_version(monkeypatch, 1)
    assert asked(store, "SELECT count(*), sum(bytes_out) FROM flows") == [(4, 400)]
    use_version(monkeypatch, 2)
    assert upgrade(store).segments == 0
    use_version(monkeypatch, 1)
    with pytest.raises(StoreError, match="update Blocktap"):
        connect(store)


def test_a_writer_is_not_overtaken(store, monkeypatch):
    use_version(monkeypatch, 1)
    write(store, 0, 1)
    with StoreWriter(store, "tap"):
        use_version(monkeypatch, 2)
        with pytest.raises(StoreError, match="'tap' is being written by"):
            upgrade(store)
    assert upgrade(store).segments == 1


def test_interrupted_it_goes_on_where_it_was(store, monkeypatch):
    use_version(monkeypatch, 1)
    write(store, 0, 4)
    use_version(monkeypatch, 2)
    real, calls = module._rewrite, iter(range(100))

    def dying(*arguments):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "_rewrite", dying)
        upgrade(store)
    assert asked(store, "SELECT count(*) FROM flows") == [(4,)]
    upgrade(store)
    assert asked(store, "SELECT count(*), count(colour) FROM flows") == [(4, 4)]


def test_what_waits_in_a_spool_is_upgraded_before_it_is_shipped(server, url, monkeypatch):
    monkeypatch.setattr("sensor.store.spool.landing.LAST_WORDS_S", 0.1)
    use_version(monkeypatch, 1)
    write(url, 0, 1)
    server.kill()
    with StoreWriter(url, "tap") as writer:
        writer.write("flows", rows_of([1], 0))
    server.start()
    use_version(monkeypatch, 2)
    assert upgrade(url).segments == 1
    write(url, 2, 1)
    assert asked(url, "SELECT flow_id, colour FROM flows ORDER BY 1") == [(0, "red"), (1, "red"), (2, "blue")]
