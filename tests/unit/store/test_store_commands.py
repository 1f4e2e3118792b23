"""``blocktap query`` and ``blocktap store``."""

import csv
import io
import json

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from sensor.cli import query as query_command
from sensor.cli import store as store_commands
from sensor.cli._values import escape_controls
from sensor.store import StoreWriter


@pytest.fixture
def store(tmp_path, flows):
    with StoreWriter(tmp_path / "s", "tap") as writer:
        for number in range(3):
            writer.write("flows", flows([number]))
            writer.flush()
    return tmp_path / "s"


@pytest.fixture
def run():
    app = typer.Typer()
    app.command("query")(query_command.query)
    for command in (store_commands.compact, store_commands.prune, store_commands.upgrade):
        app.command(command.__name__)(command)

    def invoke(*words):
        return CliRunner().invoke(app, [str(word) for word in words])

    return invoke


class TestQuery:
    SQL = "SELECT flow_id, start_time, names, sum(bytes_out) total FROM flows GROUP BY ALL ORDER BY 1 LIMIT 2"

    def test_table(self, run, store):
        result = run(
            "query", "--store", store, "SELECT flow_id, chr(27) || '[31m[bold]' AS name, NULL AS n FROM flows"
        )
        assert result.exit_code == 0
        assert "\\x1b[31m[bold]" in result.stdout
        assert "\x1b" not in result.stdout

    def test_table_says_what_it_left_out(self, run, store):
        result = run("query", "--store", store, "SELECT * FROM range(1001)")
        assert "only the first 1000 rows" in result.stderr

    def test_csv(self, run, store):
        result = run("query", "--store", store, "--format", "csv", self.SQL)
        rows = list(csv.DictReader(io.StringIO(result.stdout)))
        assert rows[1] == {
            "flow_id": "1",
            "start_time": "2017-04-01 00:00:00.000000000",
            "names": '["a.example", "b.example"]',
            "total": "100",
        }

    def test_json(self, run, store):
        result = run("query", "--store", store, "--format", "json", self.SQL)
        assert json.loads(result.stdout)[0] == {
            "flow_id": 0,
            "start_time": "2017-04-01 00:00:00.000000000",
            "names": ["a.example", "b.example"],
            "total": 100,
        }

    def test_json_without_rows(self, run, store):
        assert (
            json.loads(run("query", "--store", store, "--format", "json", "FROM flows WHERE false").stdout)
            == []
        )

    def test_other_values(self, run, store):
        sql = "SELECT 'NaN'::DOUBLE a, INTERVAL 1 DAY b, {'x': 1.5} c, DATE '2017-04-01' d, true e, '\\x01'::BLOB f"
        (row,) = json.loads(run("query", "--store", store, "--format", "json", sql).stdout)
        assert row == {
            "a": None,
            "b": "0 months 1 days 0 s",
            "c": {"x": 1.5},
            "d": "2017-04-01",
            "e": True,
            "f": "01",
        }

    def test_parquet(self, run, store, tmp_path):
        result = run(
            "query", "--store", store, "--format", "parquet", "-o", tmp_path / "out.parquet", "FROM flows"
        )
        assert result.exit_code == 0
        assert pq.read_table(tmp_path / "out.parquet").num_rows == 3

    def test_parquet_needs_a_file(self, run, store):
        assert run("query", "--store", store, "--format", "parquet", "FROM flows").exit_code == 2

    def test_output_file(self, run, store, tmp_path):
        run("query", "--store", store, "--format", "csv", "-o", tmp_path / "out.csv", "SELECT 1 AS one")
        assert (tmp_path / "out.csv").read_text() == "one\n1\n"

    @pytest.mark.parametrize(
        ("sql", "message"),
        [
            ("SELECT nothing FROM flows", "nothing"),
            ("SELEC", "syntax error"),
            ("SELECT 1; SELECT 2", "one statement"),
            ("COPY flows TO 'x.csv'", "a query reads"),
            ("SELECT error('late')", "late"),
        ],
    )
    def test_errors(self, run, store, sql, message):
        result = run("query", "--store", store, sql)
        assert result.exit_code == 1
        assert message in result.stderr
        assert "Traceback" not in result.stderr

    def test_missing_store(self, run, tmp_path):
        result = run("query", "--store", tmp_path / "none", "SELECT 1")
        assert result.exit_code == 1
        assert "no store" in result.stderr


class TestStore:
    def test_compact(self, run, store):
        result = run("compact", "--store", store)
        assert (result.exit_code, result.stdout) == (0, "merged 3 segments into 1\n")

    def test_prune(self, run, store):
        assert run("prune", "--store", store, "--days", 1).stdout == "removed 0 days: 0 segments, 0 bytes\n"
        assert run("prune", "--store", store).exit_code == 2

    def test_upgrade(self, run, store):
        assert "nothing to do" in run("upgrade", "--store", store).stdout

    @pytest.mark.parametrize("words", [("compact",), ("prune", "--days", 1), ("upgrade",)])
    def test_missing_store(self, run, tmp_path, words):
        result = run(words[0], "--store", tmp_path, *words[1:])
        assert result.exit_code == 1
        assert "no store" in result.stderr


def test_escape_controls():
    assert escape_controls("a\x1b[2J\u202e\n\x9bé") == "a\\x1b[2J\\u202e\\n\\x9bé"
    assert escape_controls("a\nb\r", keep_lines=True) == "a\nb\\r"
