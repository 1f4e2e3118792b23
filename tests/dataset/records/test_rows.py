"""What the records of a data set are, row by row."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sensor.dataset.records import RecordOptions, write_records
from sensor.errors import ConfigError, StoreError
from sensor.schema import arrow_schema
from sensor.study.use import Window
from tests.dataset.records.attack import addresses_found, read_everything
from tests.dataset.records.exported import Exported
from tests.dataset.records.world import INSIDE, Row, make_world, rows
from tests.study.rows import at, flow, make_store

COUNTS = ("packets_out", "packets_in", "bytes_out", "bytes_in")


def export(store: Path, folder: Path, options: RecordOptions) -> Exported:
    folder.mkdir()
    return Exported(folder, options, write_records(store, folder, options))


def hourly(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def test_no_row_and_no_byte_is_lost(exported: Exported) -> None:
    found, given = exported.rows(), rows()
    assert len(found) == len(given)
    for name in COUNTS:
        assert sum(row[name] for row in found) == sum(row[name] for row in given)
    for name in ("block", "scope", "initiator", "answered", "record", "end_reason", "protocol"):
        assert sorted(map(str, (row[name] for row in found))) == sorted(
            map(str, (row[name] for row in given))
        )


def test_files_are_as_described(exported: Exported) -> None:
    assert [resource.name for resource in exported.resources] == [
        f"flows-2017-04-0{day}" for day in (1, 2, 3)
    ]
    for resource in exported.resources:
        path = exported.folder / resource.path
        assert sha256(path.read_bytes()).hexdigest() == resource.sha256
        assert path.stat().st_size == resource.bytes
        file = pq.ParquetFile(path)
        assert file.metadata.num_rows == resource.rows
        assert [field["name"] for field in resource.schema["fields"]] == file.schema_arrow.names
        assert file.schema_arrow.names == arrow_schema("flows").names
    written = {path for path in exported.folder.rglob("*") if path.is_file()}
    assert written == {exported.folder / resource.path for resource in exported.resources}


def test_times_are_rounded_and_rows_stay_in_their_day(exported: Exported) -> None:
    for resource in exported.resources:
        for row in pq.ParquetFile(exported.folder / resource.path).read().to_pylist():
            start, end = row["start_time"], row["end_time"]
            assert start == hourly(start)
            assert end == hourly(end)
            assert start <= end
            assert resource.name == f"flows-{start.date()}"
    assert sorted(row["start_time"] for row in exported.rows()) == sorted(
        hourly(row["start_time"]) for row in rows()
    )


def test_ports_that_a_system_chose_are_not_told(exported: Exported) -> None:
    for row in exported.rows():
        inside, outside = row["inside_port"], row["outside_port"]
        assert inside is None or inside < 1024 or row["initiator"] == "outside"
        assert outside is None or outside < 1024 or row["initiator"] == "inside"
    assert {row["inside_port"] for row in exported.rows() if row["initiator"] == "outside"} & {443}


def test_outside_addresses(exported: Exported) -> None:
    choice = exported.options.outside
    for row in exported.rows():
        outside = row["outside_ip"]
        if row["scope"] == "internal":
            assert outside is None
        elif choice == "truncated" or (choice == "kept" and row["inside_ip"] is None and outside):
            assert outside is None or outside.endswith(("/24", "/48"))
        elif choice == "kept":
            assert outside is None or outside.startswith(("192.0.2.", "198.51.100.", "2a00::77"))
        else:
            assert outside is None or not outside.startswith(("192.0.2.", "198.51.100.", "2a00:"))
    hidden = [row for row in exported.rows() if row["outside_ip"] is None and row["scope"] == "external"]
    assert len(hidden) == 1, "it was an inside address elsewhere in the store"


def test_internal_flows_name_neither_end(exported: Exported) -> None:
    internal = [row for row in exported.rows() if row["scope"] == "internal"]
    assert len(internal) == len(INSIDE)
    for row in internal:
        assert {row[name] for name in ("inside_ip", "outside_ip", "name", "names", "ja4", "service")} == {
            None
        }


def test_numbers_of_flows_count_and_join_records(exported: Exported) -> None:
    found = exported.rows()
    chains: defaultdict[int, list[Row]] = defaultdict(list)
    for row in found:
        chains[row["flow_id"]].append(row)
    assert sorted(chains) == list(range(1, len({row["flow_id"] for row in rows()}) + 1))
    (long,) = [chain for chain in chains.values() if len(chain) > 2]
    assert [row["record"] for row in long] == list(range(24))
    assert len({row["start_time"].date() for row in long}) == 3
    firsts = [min(row["start_time"] for row in chains[number]).date() for number in sorted(chains)]
    assert firsts == sorted(firsts)


def test_the_order_within_an_hour_tells_nothing(exported: Exported) -> None:
    """Neither rows nor numbers follow the moments or the addresses that are hidden."""
    real = {(row["bytes_out"], row["bytes_in"], row["record"]): row for row in rows()}
    in_hours: defaultdict[tuple[datetime, str], list[Row]] = defaultdict(list)
    for row in exported.rows():
        in_hours[row["start_time"], row["initiator"]].append(row)
    agreeing = pairs = by_address = by_identifier = 0
    for those in in_hours.values():
        numbered = [
            real[row["bytes_out"], row["bytes_in"], row["record"]] for row in sorted(those, key=_number)
        ]
        for one, following in pairwise(numbered):
            pairs += 1
            agreeing += one["start_time"] < following["start_time"]
            by_identifier += one["flow_id"] < following["flow_id"]
            by_address += INSIDE.index(one["inside_ip"]) < INSIDE.index(following["inside_ip"])
    assert pairs > 1000
    assert 0.45 < agreeing / pairs < 0.55
    assert 0.45 < by_address / pairs < 0.55
    assert 0.45 < by_identifier / pairs < 0.55


def test_rows_are_in_the_order_of_what_they_show(exported: Exported) -> None:
    for resource in exported.resources:
        shown = [
            (row["start_time"], row["block"], *((row[name] is None, row[name] or "") for name in ordered),
             row["flow_id"], row["record"])
            for ordered in [("application", "service", "name")]
            for row in pq.ParquetFile(exported.folder / resource.path).read().to_pylist()
        ]  # fmt: skip
        assert shown == sorted(shown)


def _number(row: Row) -> int:
    return int(row["flow_id"])


def test_moments_within_an_hour_change_nothing_but_numbers(exported: Exported, tmp_path: Path) -> None:
    def moved(row: Row) -> Row:
        hour = hourly(row["start_time"])
        turned = hour + timedelta(hours=1) - timedelta(microseconds=1) - (row["start_time"] - hour)
        # A different moment has a different identifier in a store.
        return row | {"start_time": turned, "end_time": turned, "flow_id": row["flow_id"] ^ 0x5555}

    other = export(make_world(tmp_path / "store", moved), tmp_path / "other", exported.options)

    def without_numbers(rows: list[dict[str, Any]]) -> list[str]:
        return sorted(str({name: value for name, value in row.items() if name != "flow_id"}) for row in rows)

    assert without_numbers(other.rows()) == without_numbers(exported.rows())


def test_the_same_bytes_every_time(world: Path, exported: Exported, tmp_path: Path) -> None:
    again = export(world, tmp_path / "again", exported.options)
    assert [one.sha256 for one in again.resources] == [one.sha256 for one in exported.resources]


def test_days_are_chosen(world: Path, key_file: Path, tmp_path: Path) -> None:
    window = Window(UTC, first_day=date(2017, 4, 2), last_day=date(2017, 4, 2))
    chosen = export(world, tmp_path / "day", RecordOptions(key_file, window=window))
    assert [resource.name for resource in chosen.resources] == ["flows-2017-04-02"]
    # A flow that began before has its records from here on, and one number.
    going_on = {row["flow_id"] for row in chosen.rows() if row["record"] > 1}
    assert len(going_on) == 1


def test_k_of_one_hides_addresses_alone(world: Path, key_file: Path, tmp_path: Path) -> None:
    exported = export(world, tmp_path / "one", RecordOptions(key_file, k=1))
    assert "only3.unique3.example" in {row["name"] for row in exported.rows()}
    assert addresses_found(read_everything(exported.folder), INSIDE) == []


def test_a_value_of_fewer_hosts_than_k_is_rare_although_it_has_many_flows(tmp_path: Path) -> None:
    def used(host: int, **changes: Any) -> list[Row]:
        return [flow(0, hour, inside_ip=f"175.45.176.{host}", **changes) for hour in range(10)]

    flows = [
        *used(1, name="a.example", ja4="one", service="One"),
        *used(2, name="a.example", ja4="two", service="Two"),
        *used(3, name="b.example", ja4="two", service="Two"),
        # Unanswered, and from outside: that does not make three hosts of two.
        *used(4, name="a.example", ja4="two", service="Two", answered=False),
        *used(5, name="a.example", ja4="two", service="Two", initiator="outside"),
    ]
    store = make_store(tmp_path / "store", flows=flows)
    told = {
        k: {(row["name"], row["ja4"], row["service"]) for row in found.rows() if row["inside_ip"]}
        for k in (2, 3)
        for found in [export(store, tmp_path / str(k), RecordOptions(tmp_path / "key", k=k))]
    }
    assert told[2] == {("a.example", None, "(rare)"), ("a.example", "two", "Two"), ("(rare)", "two", "Two")}
    assert told[3] == {("(rare)", None, "(rare)")}


def test_a_site_is_told_only_if_enough_hosts_are_told_it(tmp_path: Path) -> None:
    """One host alone with a rare name in a site that is well known would be the only one called by the site."""
    flows = [flow(0, hour, inside_ip=f"175.45.176.{hour}", name="www.known.example") for hour in range(6)]
    flows.append(flow(0, 8, inside_ip="175.45.176.3", name="odd.known.example"))
    store = make_store(tmp_path / "store", flows=flows)
    found = export(store, tmp_path / "out", RecordOptions(tmp_path / "key")).rows()
    assert {row["name"] for row in found} == {"www.known.example", "(rare)"}


def test_blocks_of_few_hosts_are_left_out(tmp_path: Path) -> None:
    def of(block: str, hosts: int, **changes: Any) -> list[Row]:
        return [
            flow(0, hour, block=block, inside_ip=f"198.18.{len(block)}.{hour}", name="www.example", **changes)
            for hour in range(hosts)
        ]

    flows = [
        *of("enough", 5), *of("few", 4, service="Few"), *of("few", 9, initiator="outside"),
        *of("silent", 9, initiator="outside"), *of("unheard", 4, answered=False),
        *of("barely", 9, answered=False), *of("barely", 2),
        *of("enough", 1, scope="internal", outside_block="few", outside_ip="198.18.3.1"),
    ]  # fmt: skip
    store = make_store(tmp_path / "store", flows=flows)
    found = export(store, tmp_path / "out", RecordOptions(tmp_path / "key")).rows()
    assert Counter(row["block"] for row in found) == {"enough": 6, "silent": 9}
    assert {row["outside_block"] for row in found} == {None}
    one = export(store, tmp_path / "one", RecordOptions(tmp_path / "key", k=1)).rows()
    assert len(one) == len(flows)
    assert {row["outside_block"] for row in one} == {None, "few"}


def test_an_empty_store(tmp_path: Path) -> None:
    assert (
        export(make_store(tmp_path / "store"), tmp_path / "out", RecordOptions(tmp_path / "key")).resources
        == []
    )


def test_a_flow_whose_number_is_not_known_has_a_new_one(tmp_path: Path) -> None:
    """A flow is silent for a day only if somebody lost its end; the number of such flows does not grow on."""
    again = {"flow_id": 7, "end_reason": "active"}
    flows = [flow(day, 1, record=day, **again) for day in (0, 1, 3)]
    flows.append(flow(2, 1, flow_id=8))
    found = export(
        make_store(tmp_path / "store", flows=flows), tmp_path / "out", RecordOptions(tmp_path / "key", k=1)
    )
    assert [row["flow_id"] for row in found.rows()] == [1, 1, 2, 3]


def test_two_sensors_may_have_one_identifier(tmp_path: Path) -> None:
    flows = [flow(0, 1, flow_id=7, sensor="test"), flow(0, 1, flow_id=7, sensor="other")]
    found = export(
        make_store(tmp_path / "store", flows=flows), tmp_path / "out", RecordOptions(tmp_path / "key", k=1)
    )
    assert sorted(row["flow_id"] for row in found.rows()) == [1, 2]


@pytest.mark.parametrize("wrong", [{"k": 0}, {"outside": "all"}, {"round_time_s": 7}, {"round_time_s": 1}])
def test_choices_that_make_no_sense(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        replace(RecordOptions(tmp_path / "key"), **wrong)


def test_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        write_records(tmp_path / "nothing", tmp_path, RecordOptions(tmp_path.parent / "key-beside"))


def test_the_longest_flow_ends(exported: Exported) -> None:
    last = [row for row in exported.rows() if row["record"] == 23]
    assert [row["end_reason"] for row in last] == ["fin"]
    assert last[0]["start_time"] == at(0, 68)
