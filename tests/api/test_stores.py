"""``sensor.open_store`` and ``sensor.Study``."""

import copy
import json
import subprocess
import sys
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

import sensor
from sensor.api.studies import StudyWords
from sensor.errors import ConfigError, StoreError
from sensor.schema import TABLES
from sensor.study import StudyOptions, study


@pytest.fixture(scope="module")
def studied(store: Path) -> sensor.Study:
    return sensor.Study(store, resamples=200)


def test_tables_are_relations(store: Path) -> None:
    with sensor.open_store(store) as opened:
        for name, table in TABLES.items():
            assert set(getattr(opened, name).columns) >= {column.name for column in table.columns}
        assert opened.flows.to_arrow_table().num_rows == opened.flows.df().shape[0] > 0


def test_days_and_runs(store: Path, demo: Path) -> None:
    with sensor.open_store(store) as opened:
        assert opened.days == [date(2017, 5, 17), date(2017, 5, 18)]
        assert [Path(one.path).name for run in opened.runs for one in run.inputs] == [demo.name]
        assert opened.simulated is None


def test_sql_takes_parameters(store: Path) -> None:
    with sensor.open_store(store) as opened:
        by_place = opened.sql("SELECT count(*) FROM flows WHERE block = ?", ["satnet"]).fetchall()
        by_name = opened.sql(
            "SELECT count(*) FROM flows WHERE block = $block", {"block": "satnet"}
        ).fetchall()
        assert by_place == by_name
        assert by_place != [(0,)]


@pytest.mark.parametrize("query", ["SELECT nothing FROM nowhere", "SELECT * FROM '/etc/passwd'", "SELEC"])
def test_wrong_sql_is_told(store: Path, query: str) -> None:
    with sensor.open_store(store) as opened, pytest.raises(StoreError):
        opened.sql(query).fetchall()


def test_no_store_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is no store"):
        sensor.open_store(tmp_path)


def test_refresh_shows_what_came_later(tmp_path: Path) -> None:
    from tests.export.rows import row, store_of

    path = store_of(tmp_path / "store", [row(1)])
    with sensor.open_store(path) as opened:
        store_of(path, [row(2)])
        assert opened.flows.to_arrow_table().num_rows == 1
        opened.refresh()
        assert opened.flows.to_arrow_table().num_rows == 2


def test_a_study_has_the_report_s_numbers(store: Path, studied: sensor.Study) -> None:
    assert studied.numbers == study(store, StudyOptions(resamples=200))
    assert dict(studied) == studied.numbers
    assert studied["services"] == studied.services
    assert json.loads(studied.to_json()) == studied.numbers


def test_a_study_writes_what_the_command_writes(store: Path) -> None:
    command = [sys.executable, "-m", "sensor", "report", "--store", str(store), "--json", "-"]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    assert ended.stdout == sensor.Study(store).to_json()


def test_numbers_are_the_caller_s(studied: sensor.Study) -> None:
    studied.numbers["volume"].clear()
    assert studied.volume
    assert copy.copy(studied).volume == studied.volume


def test_an_attribute_that_is_none_is_told(studied: sensor.Study) -> None:
    with pytest.raises(AttributeError, match="no 'servces'; it has period"):
        studied.servces  # noqa: B018


def test_options(store: Path) -> None:
    with sensor.open_store(store) as opened:
        assert sensor.Study(opened, day="2017-05-18").period["days"] == 1
    with pytest.raises(ConfigError, match="no option colour"):
        sensor.Study(store, colour="red")  # type: ignore[call-arg]
    with pytest.raises(ConfigError, match="is no day"):
        sensor.Study(store, day="May")


def test_the_words_are_the_options() -> None:
    assert set(StudyWords.__annotations__) == {field.name for field in fields(StudyOptions)}
