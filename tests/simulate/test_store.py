"""Rows alone: the same flows as in packets, in the store's own form."""

from collections import Counter
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from sensor.errors import StoreError
from sensor.schema import TABLES, arrow_schema
from sensor.simulate import StoreResult, simulate_capture, simulate_store
from sensor.simulate import store as rows_module
from sensor.store import mark_simulated, read_manifest
from tests.simulate.scenes import is_use, replayed, scenario, stored

SAME_AS_IN_A_REPLAY = (
    "block", "scope", "tunnel", "outside_block", "inside_ip", "outside_ip", "outside_port", "protocol",
    "initiator", "answered", "application", "name", "name_source", "names", "ech", "ja4", "service",
    "organisation", "category", "country", "tcp_flags_out",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StoreResult]:
    root = tmp_path_factory.mktemp("store") / "small"
    return root, simulate_store(scenario(), root)


@pytest.fixture(scope="module")
def flows(made: tuple[Path, StoreResult]) -> list[dict[str, Any]]:
    return list(stored(made[0], "flows").to_pylist())


def test_sums_are_those_that_were_drawn(flows: list[dict[str, Any]], made: tuple[Path, StoreResult]) -> None:
    realised = made[1].realised.as_dict()
    assert len(flows) == realised["rows"] == made[1].rows["flows"]
    for column in ("packets_out", "packets_in", "bytes_out", "bytes_in"):
        assert sum(row[column] for row in flows) == realised[column]
    use = [row for row in flows if is_use(row)]
    assert Counter(row["block"] for row in use) == realised["blocks"]
    found = Counter(row["service"] for row in use if row["service"])
    assert found == realised["services"]


def test_rows_are_those_of_a_replay(flows: list[dict[str, Any]], tmp_path: Path) -> None:
    simulate_capture(scenario(), tmp_path / "small.pcapng")

    def known(rows: list[dict[str, Any]]) -> Counter[str]:
        return Counter(
            repr([row[name] for name in SAME_AS_IN_A_REPLAY])
            for row in rows
            # Scans and visitors come from chance ports; where blocks are registered is not in the scenario.
            if row["initiator"] != "outside" and row["scope"] == "external"
        )

    assert known(flows) == known(replayed(tmp_path / "small.pcapng")["flows"])


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_the_schema_s(table: str, made: tuple[Path, StoreResult]) -> None:
    wanted = arrow_schema(table)
    found = stored(made[0], table).schema
    assert found.names == list(TABLES[table].stored_columns)
    for field in found:
        plain = pa.list_(field.type.value_type) if pa.types.is_list(field.type) else field.type
        assert plain == wanted.field(field.name).type, field.name


def test_the_days_are_those_of_the_time_zone(flows: list[dict[str, Any]]) -> None:
    first, last = (f(row["start_time"] for row in flows) for f in (min, max))
    assert first >= datetime(2017, 5, 13, 15, 29, 59, tzinfo=UTC)
    assert last < datetime(2017, 5, 19, 15, 30, tzinfo=UTC)


def test_hosts_tell_what_devices_show(made: tuple[Path, StoreResult], flows: list[dict[str, Any]]) -> None:
    hosts = stored(made[0], "hosts").to_pylist()
    begun = Counter(
        (row["block"], row["inside_ip"], row["start_time"].date())
        for row in flows if row["packets_out"] and row["record"] == 0
    )  # fmt: skip
    assert sum(row["flows"] for row in hosts) == sum(begun.values())
    assert len(hosts) == len(begun)
    agents = {agent for row in hosts for agent in row["user_agents"]}
    assert len(agents) > 3
    assert {ttl for row in hosts for ttl in row["ttls"]} <= {61, 62, 63, 125, 126, 127}
    assert {text for row in hosts for text in row["ja4s"]} == {row["ja4"] for row in flows} - {None}


def test_dns_rows_belong_to_dns_flows(made: tuple[Path, StoreResult], flows: list[dict[str, Any]]) -> None:
    dns = stored(made[0], "dns").to_pylist()
    by_id = {row["flow_id"]: row for row in flows if row["application"] == "dns"}
    assert len(dns) == len(by_id)
    for row in dns:
        flow = by_id[row["flow_id"]]
        assert (row["qname"], row["inside_ip"], row["server_ip"]) == (
            flow["name"], flow["inside_ip"], flow["outside_ip"],
        )  # fmt: skip


def test_accounting_adds_up(made: tuple[Path, StoreResult], flows: list[dict[str, Any]]) -> None:
    rows = stored(made[0], "accounting").to_pylist()
    for row in rows:
        parts = row["packets_matched"] + row["packets_unmatched"] + row["packets_malformed"]
        assert parts == row["packets_seen"]
        assert row["packets_dropped_kernel"] == 0
    assert len(rows) == 6 * 288
    packets = sum(row["packets_out"] + row["packets_in"] for row in flows)
    assert sum(row["packets_matched"] for row in rows) == packets


def test_gaps_and_loss_are_in_the_accounting_and_in_the_flows(tmp_path: Path) -> None:
    spans: dict[str, Any] = {
        "gap": [{"start": date(2017, 5, 16), "end": date(2017, 5, 17)}],
        "loss": [{"start": date(2017, 5, 18), "end": date(2017, 5, 19), "ratio": 0.5}],
    }
    simulate_store(scenario(**spans), tmp_path / "gap")
    rows = stored(tmp_path / "gap", "accounting").to_pylist()
    assert len(rows) == 5 * 288
    lost = sum(row["packets_dropped_kernel"] for row in rows)
    thursday = [row for row in rows if row["packets_dropped_kernel"]]
    assert len(thursday) == 288
    assert lost == pytest.approx(sum(row["packets_seen"] for row in thursday), rel=0.01)
    days = stored(tmp_path / "gap", "flows").column("start_time").to_pylist()
    off = [
        day
        for day in days
        if datetime(2017, 5, 15, 15, 30, tzinfo=UTC) <= day < datetime(2017, 5, 16, 15, 29, tzinfo=UTC)
    ]
    assert off == []


def test_same_rows_for_the_same_seed_alone(made: tuple[Path, StoreResult], tmp_path: Path) -> None:
    simulate_store(scenario(), tmp_path / "again")
    simulate_store(scenario(seed=4), tmp_path / "other")
    for table in TABLES:
        assert stored(tmp_path / "again", table).equals(stored(made[0], table)), table
    assert not stored(tmp_path / "other", "flows").equals(stored(made[0], "flows"))


def test_portions_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "MOST_ROWS_AT_ONCE", 100)
    result = simulate_store(scenario(), tmp_path / "store")
    start = stored(tmp_path / "store", "flows").column("start_time")
    assert len(start) == result.rows["flows"]
    assert result.rows["hosts"] == stored(tmp_path / "store", "hosts").num_rows


def test_long_flows_have_records_that_follow(tmp_path: Path) -> None:
    besides = scenario().besides.model_dump() | {"long": 0.5}
    simulate_store(scenario(besides=besides), tmp_path / "long")
    table = stored(tmp_path / "long", "flows")
    by_flow: dict[int, list[dict[str, Any]]] = {}
    for row in table.select(["flow_id", "record", "start_time", "end_time", "end_reason"]).to_pylist():
        by_flow.setdefault(row["flow_id"], []).append(row)
    assert max(len(rows) for rows in by_flow.values()) == 4
    for rows in by_flow.values():
        ordered = sorted(rows, key=lambda row: row["record"])
        assert [row["record"] for row in ordered] == list(range(len(rows)))
        assert all(row["end_reason"] == "active" for row in ordered[:-1])
        assert ordered[-1]["end_reason"] != "active"
        for one, following in pairwise(ordered):
            assert one["end_time"] < following["start_time"]
    assert pc.count_distinct(table.column("flow_id")).as_py() == len(by_flow)


def test_the_store_says_that_it_is_simulated(made: tuple[Path, StoreResult]) -> None:
    assert read_manifest(made[0]).simulated == "small"


def test_marks_add_up_and_stay(tmp_path: Path) -> None:
    simulate_store(scenario(flows=10), tmp_path / "store")
    created = read_manifest(tmp_path / "store").created
    for name in ("null", "small", "null"):
        mark_simulated(tmp_path / "store", name)
    manifest = read_manifest(tmp_path / "store")
    assert (manifest.simulated, manifest.created) == ("small, null", created)


def test_rows_that_are_there_are_not_mixed_with(made: tuple[Path, StoreResult]) -> None:
    with pytest.raises(StoreError, match="has rows already"):
        simulate_store(scenario(), made[0])
