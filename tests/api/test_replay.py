"""``sensor.replay``: rows of a capture as tables."""

import subprocess
import sys
from pathlib import Path

import pytest

import sensor
from sensor.config import Config
from sensor.errors import CaptureError, RuleError
from sensor.schema import TABLES, arrow_schema

CHEAP = "import sys, sensor; sys.exit(any(part in sys.modules for part in ('pyarrow', 'numpy', 'duckdb', 'pydantic')))"


def test_importing_the_package_is_cheap() -> None:
    assert subprocess.run([sys.executable, "-c", CHEAP], check=False).returncode == 0


def test_the_package_lists_its_names() -> None:
    assert set(sensor.__all__) <= set(dir(sensor))
    with pytest.raises(AttributeError, match="no_such_name"):
        sensor.no_such_name  # type: ignore[attr-defined]  # noqa: B018


def test_tables_have_the_columns_of_the_store(demo: Path) -> None:
    rows = sensor.replay(demo)
    for name in TABLES:
        assert getattr(rows, name).schema == arrow_schema(name, encoded=True)
    assert rows.flows.num_rows == rows.summary.rows["flows"] > 0
    seen = sum(rows.accounting["packets_seen"].to_pylist())
    assert seen == rows.summary.packets


def test_rows_are_the_store_s(demo: Path, store: Path) -> None:
    rows = sensor.replay(demo)
    with sensor.open_store(store) as opened:
        stored = opened.sql(
            "SELECT flow_id, name, bytes_out FROM flows ORDER BY start_time, flow_id, record"
        ).fetchall()
    columns = rows.flows.select(["flow_id", "name", "bytes_out"]).to_pydict()
    assert list(zip(*columns.values(), strict=True)) == stored


def test_rows_do_not_depend_on_workers(demo: Path) -> None:
    one, three = (sensor.replay(demo, workers=workers) for workers in (1, 3))
    assert one.flows.to_pylist() == three.flows.to_pylist()
    assert one.dns.to_pylist() == three.dns.to_pylist()


def test_blocks_and_watch_choose(demo: Path, tmp_path: Path) -> None:
    listed = tmp_path / "mine.txt"
    listed.write_text("77.94.35.0/24\n")
    rows = sensor.replay([demo], blocks=[listed], watch=["210.52.109.0/24"])
    assert set(rows.flows["block"].to_pylist()) == {"mine", "210.52.109.0/24"}


def test_settings_are_taken(demo: Path, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[rules]\nwatch = ["77.94.35.0/24"]\n[store]\nsensor = "mine"\n')
    rows = sensor.replay(demo, config=file)
    assert set(rows.flows["block"].to_pylist()) == {"77.94.35.0/24"}
    assert set(rows.flows["sensor"].to_pylist()) == {"mine"}
    assert sensor.replay(demo, config=Config()).flows.num_rows > rows.flows.num_rows


def test_a_capture_without_watched_packets_gives_empty_tables(demo: Path) -> None:
    rows = sensor.replay(demo, watch=["203.0.113.99"])
    assert rows.flows.num_rows == 0
    assert rows.flows.schema == arrow_schema("flows", encoded=True)
    assert len(rows.community_ids()) == 0


def test_community_ids_are_those_of_sql(demo: Path, store: Path) -> None:
    rows = sensor.replay(demo)
    with sensor.open_store(store) as opened:
        asked = opened.sql(
            "SELECT community_id(inside_ip, outside_ip, inside_port, outside_port, protocol, initiator) "
            "FROM flows ORDER BY start_time, flow_id, record"
        ).fetchall()
    assert rows.community_ids().to_pylist() == [one for (one,) in asked]


def test_a_cut_capture_warns(demo: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(demo.read_bytes()[:50_001])
    with pytest.warns(UserWarning, match=r"cut\.pcap"):
        assert sensor.replay(cut).flows.num_rows > 0


def test_failures_have_their_exception(tmp_path: Path, demo: Path) -> None:
    with pytest.raises(CaptureError, match="missing"):
        sensor.replay(tmp_path / "missing.pcap")
    with pytest.raises(RuleError):
        sensor.replay(demo, watch=["nonsense"])


def test_data_frames(demo: Path) -> None:
    polars = pytest.importorskip("polars")
    rows = sensor.replay(demo)
    pandas = rows.flows.to_pandas()
    assert int(pandas["bytes_out"].sum()) == polars.DataFrame(rows.flows)["bytes_out"].sum()
    assert str(pandas["start_time"].dtype) == "datetime64[ns, UTC]"
