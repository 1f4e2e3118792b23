"""What an export writes, and when it writes nothing."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sensor.dataset import export as export_module
from sensor.dataset.compare import differences
from sensor.dataset.export import ExportOptions, export_dataset
from sensor.dataset.folder import list_folder
from sensor.dataset.load import conclude_from
from sensor.dataset.opened import open_dataset
from sensor.dataset.second_look import addresses_in
from sensor.dataset.tables import TABLES
from sensor.errors import ConfigError, DatasetError
from sensor.store.engine.duckdb import connect
from sensor.study import study
from tests.dataset.stores import LONE_BLOCK, LONE_NAME, PROGRAM, STUDY, K, export
from tests.study.rows import flow, make_store


def numbers(dataset: Path, name: str = "report.json") -> Any:
    return json.loads((dataset / name).read_text())


def test_the_same_store_and_options_give_the_same_bytes(store: Path, exported: Path, tmp_path: Path) -> None:
    again = export(store, tmp_path / "again")
    files = list_folder(exported).sizes
    assert files == list_folder(again).sizes
    for path in files:
        assert (exported / path).read_bytes() == (again / path).read_bytes(), path


def test_the_report_follows_from_the_data_alone(exported: Path) -> None:
    opened = open_dataset(exported)
    assert conclude_from(opened.tables, opened.settings) == numbers(exported)


def test_totals_are_kept(store: Path, exported: Path) -> None:
    whole, told = study(store, STUDY), numbers(exported)
    assert LONE_BLOCK in {one["block"] for one in whole["blocks"]}, "there is something to hide"
    for key in ("flows", "bytes", "packets", "dns_transactions", "outside_addresses", "apart"):
        assert told["volume"][key] == whole["volume"][key]
    for key in ("period", "loss"):
        assert told[key] == whole[key]
    pairs = zip(told["timeline"]["daily"], whole["timeline"]["daily"], strict=True)
    assert all(one[key] == other[key] for one, other in pairs for key in ("day", "flows", "bytes", "packets"))


def test_what_is_not_alike_is_listed_without_the_stores_number(store: Path, exported: Path) -> None:
    whole, told = study(store, STUDY), numbers(exported)
    listed = numbers(exported, "not_reproducible.json")["numbers"]
    paths = {one["path"] for one in listed}
    assert "$.volume.inside_addresses" in paths
    assert "$.blocks[*]" in paths
    assert all(one["why"] for one in listed)
    for one in differences(whole["volume"], told["volume"], "$.volume"):
        assert one.path in paths
    entry = next(one for one in listed if one["path"] == "$.volume.inside_addresses")
    assert entry["dataset"] == told["volume"]["inside_addresses"] != whole["volume"]["inside_addresses"]
    text = json.dumps(listed)
    assert LONE_NAME not in text
    assert LONE_BLOCK not in text


def test_the_report_says_what_it_is_made_of(exported: Path) -> None:
    caveats = numbers(exported)["caveats"]
    assert caveats[0].startswith("This data is simulated")
    assert f"fewer than {K} inside addresses" in caveats[1]
    assert "without block" in caveats[1]
    estimates = [one for one in numbers(exported)["population"]["estimates"] if one["method"] == "Chao2"]
    assert [one["value"] for one in estimates] == [None, None]


def test_no_file_has_an_inside_address(store: Path, exported: Path) -> None:
    everybody = "SELECT inside_ip FROM flows UNION SELECT inside_ip FROM hosts"
    inside = [row[0] for row in connect(store).sql(everybody).fetchall()]
    known = {int.from_bytes(bytes(int(part) for part in address.split("."))) for address in inside}
    assert len(inside) > 30
    for path in sorted(exported.rglob("*")):
        if path.is_dir():
            continue
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            texts = sorted({str(word) for column in table.columns for word in column.to_pylist()})
        else:
            texts = [path.read_text()]
        for text in texts:
            assert not any(address in text for address in inside), path
            if path.suffix == ".parquet" and not text.isdigit():
                assert known.isdisjoint(addresses_in(text.lower())), (path, text)


def test_columns_are_described(exported: Path) -> None:
    described = numbers(exported, "datapackage.json")
    assert [one["name"] for one in described["resources"]] == [one.name for one in TABLES]
    for one in described["resources"]:
        table = pq.read_table(exported / one["path"])
        assert table.column_names == [field["name"] for field in one["schema"]["fields"]]
        assert table.num_rows == one["rows"]
        assert all(field["description"] for field in one["schema"]["fields"])
    assert described["licenses"][0]["name"] == "CC-BY-4.0"
    assert described["blocktap"]["k"] == K


@pytest.mark.parametrize("reader", ["duckdb", "pandas", "polars"])
def test_tables_are_read_by_others(exported: Path, reader: str) -> None:
    module = pytest.importorskip(reader)
    for one in TABLES:
        path = str(exported / one.path)
        frame = (
            module.sql(f"SELECT * FROM '{path}'").arrow().read_all()
            if reader == "duckdb"
            else module.read_parquet(path)
        )
        assert len(frame) == pq.read_metadata(path).num_rows


def test_a_folder_with_something_in_it_is_left_alone(store: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "thesis.txt").write_text("years of work")
    with pytest.raises(DatasetError, match="not empty"):
        export(store, tmp_path / "there")
    with pytest.raises(DatasetError, match="is no data set"):
        export(store, tmp_path / "there", replace=True)
    assert (tmp_path / "there" / "thesis.txt").read_text() == "years of work"
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match="there already"):
        export(store, tmp_path / "link")


@pytest.mark.usefixtures("no_pictures")
def test_a_data_set_is_replaced_if_said_so(store: Path, dataset: Path) -> None:
    (dataset / "data" / "use.parquet").write_bytes(b"old")
    export(store, dataset, replace=True)
    open_dataset(dataset)
    assert [path.name for path in dataset.parent.iterdir()] == [dataset.name]


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("step", ["write_table", "write_text", "make_tables", "privacy_report", "digest"])
def test_a_failure_leaves_nothing(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_module, step, fail)
    with pytest.raises((DatasetError, OSError)):
        export(store, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_a_store_of_too_few_is_not_told(tmp_path: Path) -> None:
    few = make_store(
        tmp_path / "few", flows=[flow(day, inside_ip=f"175.45.176.{day % 4}") for day in range(40)]
    )
    with pytest.raises(DatasetError, match="nothing to tell"):
        export(few, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_k_and_licence_are_checked() -> None:
    with pytest.raises(ConfigError, match="k is 1"):
        ExportOptions(k=1)
    with pytest.raises(ConfigError, match="no licence"):
        ExportOptions(licence="mine")


@pytest.mark.usefixtures("no_pictures")
def test_a_larger_k_tells_less(store: Path, exported: Path, tmp_path: Path) -> None:
    export_dataset(store, tmp_path / "new", PROGRAM, ExportOptions(study=STUDY, k=12))
    assert pq.read_metadata(tmp_path / "new/data/use.parquet").num_rows < (
        pq.read_metadata(exported / "data/use.parquet").num_rows / 2
    )
