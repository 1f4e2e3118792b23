"""The columns and what derives from them."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from sensor.schema import TABLES, arrow_schema, empty_view_sql, markdown

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "columns.md"


def test_documentation_is_the_generated_one():
    assert DOCUMENTATION.read_text(encoding="utf-8") == markdown(), "run python -m sensor.schema"


@pytest.mark.parametrize("table", TABLES)
def test_sort_and_time_columns_exist(table):
    names = [column.name for column in TABLES[table].columns]
    assert len(names) == len(set(names))
    assert {TABLES[table].time_column, *TABLES[table].sort_by} <= set(names)


@pytest.mark.parametrize("table", TABLES)
def test_arrow_types(table):
    plain, encoded = arrow_schema(table), arrow_schema(table, encoded=True)
    assert plain.names == encoded.names
    assert plain.field(TABLES[table].time_column).type == pa.timestamp("ns", tz="UTC")
    assert any(pa.types.is_dictionary(field.type) for field in encoded)


@pytest.mark.parametrize("table", TABLES)
def test_empty_view_has_every_column_and_day(table):
    with duckdb.connect() as connection:
        connection.execute(empty_view_sql(table))
        described = connection.execute(f"DESCRIBE {table}").fetchall()
    found = {row[0]: row[1] for row in described}
    assert found == {column.name: column.sql for column in TABLES[table].columns} | {"day": "DATE"}
