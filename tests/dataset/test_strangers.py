"""Files of strangers: what is too large, too deep or no file is refused before it does harm."""

import json
import os
import resource
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sensor.dataset import limits
from sensor.dataset import parquet as parquet_module
from sensor.dataset.descriptor import read_package
from sensor.dataset.folder import list_folder
from sensor.dataset.limits import bounded_memory, is_plain_path, read_json
from sensor.dataset.opened import open_dataset
from sensor.dataset.parquet import read_table
from sensor.dataset.verify import verify_dataset
from sensor.errors import DatasetError
from tests.dataset.spoiling import mend
from tests.dataset.stores import PROGRAM

TEXT = pa.schema([pa.field("word", pa.utf8())])


def packed(table: pa.Table, **settings: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", store_schema=False, **settings)
    return bytes(sink.getvalue())


@pytest.mark.parametrize(
    "path",
    [
        "../a.parquet", "/a.parquet", "a/../../b", "./a", "a//b", "https://example.org/a", "file:///a", "a\\b", "C:a",
        "s3://a/b", "a\nb", "a\x00", "~/a", "", "a/b/c/d/e", "..", "a" * 300, ".a", "a/.b", None, 7, "a*", "a b",
    ],
)  # fmt: skip
def test_paths_that_lead_elsewhere_are_none(path: Any) -> None:
    assert not is_plain_path(path)


@pytest.mark.parametrize(
    "path", ["data/use.parquet", "flows/day=2017-04-01/flows-2017-04-01.parquet", "README.md"]
)
def test_paths_of_data_sets_are_plain(path: str) -> None:
    assert is_plain_path(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 100_000, "nested"),
        ('{"a":' * 40 + "1" + "}" * 40, "nested"),
        ('{"a": 1, "a": 2}', "twice"),
        ('{"a": NaN}', "no number"),
        ('{"a": 1e999999}' + "x", "JSON"),
        ("[" + "9" * 10_000 + "]", "JSON"),
        ('"\\"' * 200_000, "JSON"),
        ("", "JSON"),
    ],
)
def test_json_that_is_none_is_refused(text: str, says: str) -> None:
    with pytest.raises(DatasetError, match=says):
        read_json(text.encode(), "report.json")


def test_json_is_utf_8() -> None:
    with pytest.raises(DatasetError, match="JSON"):
        read_json(b'{"a": "\xff"}', "report.json")


def test_a_folder_with_a_pipe_in_it_is_refused(dataset: Path) -> None:
    os.mkfifo(dataset / "data" / "more.parquet")
    with pytest.raises(DatasetError, match="no plain file"):
        list_folder(dataset)


def test_too_many_files_are_refused(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensor.dataset.folder.MOST_FILES", 10)
    with pytest.raises(DatasetError, match="too large"):
        list_folder(dataset)


def test_a_file_that_is_large_and_empty_is_not_read(dataset: Path) -> None:
    with (dataset / "report.json").open("r+b") as file:
        file.truncate(limits.MOST_BYTES + 1)
    faults = verify_dataset(dataset, PROGRAM).faults
    assert "too large" in str(faults[0])


def test_a_text_that_is_large_is_not_read(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensor.dataset.verify.MOST_TEXT_BYTES", 100)
    assert any("larger than" in fault.says for fault in verify_dataset(dataset, PROGRAM).faults)


def test_a_table_of_a_few_bytes_and_many_rows_is_refused() -> None:
    """Twenty-one million times the same word."""
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), pa.array(["word"]))
    bomb = pa.table({"word": pa.chunked_array([words] * 21)})
    data = packed(bomb.cast(TEXT))
    assert len(data) < 100_000
    with pytest.raises(DatasetError, match="rows"):
        read_table(data, "data/use.parquet", TEXT)


def test_a_word_of_many_bytes_many_times_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dictionary has it once, and the footer counts it once."""
    monkeypatch.setattr(parquet_module, "MOST_LOADED_BYTES", 1 << 25)
    words = pa.table({"word": pa.array(["a" * (1 << 20)] * 64)})
    data = packed(words, dictionary_pagesize_limit=1 << 22)
    assert len(data) < 100_000
    with pytest.raises(DatasetError, match="unpacks to"):
        read_table(data, "data/use.parquet", TEXT)


def test_memory_is_bounded_while_a_table_is_read() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(MemoryError), bounded_memory():
        bytearray(limits.MOST_MEMORY_BYTES + (1 << 30))
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_other_columns_are_refused(dataset: Path) -> None:
    path = dataset / "data/totals.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column("more", pa.array([1] * table.num_rows)), path, store_schema=False)
    mend(dataset)
    with pytest.raises(DatasetError, match="columns are not"):
        open_dataset(dataset)


@pytest.mark.parametrize("size", [0, 4, 8, 100, 500])
def test_cut_parquet_is_refused(dataset: Path, size: int) -> None:
    path = dataset / "data/totals.parquet"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DatasetError, match="Parquet"):
        read_table(path.read_bytes(), "data/totals.parquet", TEXT)


@pytest.mark.parametrize(
    "change",
    [
        {"resamples": 10**9},
        {"timezone": "../../etc/passwd"},
        {"timezone": "Nowhere/Else"},
        {"first_day": "2017-13-01"},
        {"first_day": "0001-01-01"},
        {"first_day": None},
        {"seed": -1},
        {"k": True},
        {"more": 1},
        {"simulated": 7},
    ],
)
def test_settings_out_of_range_are_refused(exported: Path, change: dict[str, Any]) -> None:
    described = json.loads((exported / "datapackage.json").read_text())
    described["blocktap"] |= change
    with pytest.raises(DatasetError):
        read_package(described)


@pytest.mark.parametrize("value", [None, [], {}, "\x1b", {"resources": 1}, {"name": []}])
def test_a_descriptor_of_anything_is_refused(exported: Path, value: Any) -> None:
    described = json.loads((exported / "datapackage.json").read_text())
    with pytest.raises(DatasetError):
        read_package(value)
    for key in described:
        with pytest.raises(DatasetError):
            read_package(described | {key: value})
    for key in described["resources"][0]:
        resources = [described["resources"][0] | {key: value}, *described["resources"][1:]]
        with pytest.raises(DatasetError):
            read_package(described | {"resources": resources})
