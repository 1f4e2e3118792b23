"""Nothing in a data set leads back to an inside address."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import sensor
from sensor.community_id import community_id
from sensor.dataset.records import Key, RecordOptions, read_or_make_key, write_records
from sensor.dataset.records.addresses import real_addresses
from tests.cli.commands import blocktap
from tests.dataset.records.attack import (
    addresses_found,
    hashes_found,
    identifiers_found,
    key_found,
    read_everything,
)
from tests.dataset.records.conftest import SECRET
from tests.dataset.records.exported import Exported
from tests.dataset.records.flow_ids import nanoseconds, tuple_id
from tests.dataset.records.world import INSIDE, OWN_SITE, SCANNER, leaky_names, rows

ROWS_TRIED = 150


def _known_rows() -> list[dict[str, Any]]:
    known = rows()
    step = max(1, len(known) // ROWS_TRIED)
    return [row | {"first_ns": nanoseconds(row["start_time"])} for row in known[::step]]


def test_no_inside_address_in_any_writing(exported: Exported) -> None:
    assert addresses_found(read_everything(exported.folder), INSIDE) == []


def test_no_key(exported: Exported) -> None:
    everything = read_everything(exported.folder)
    assert not key_found(everything, SECRET)
    for purpose in ("order of flows", "outside addresses"):
        assert not key_found(everything, Key(SECRET).derived(purpose).secret)


def test_no_identifier_that_trying_every_address_finds(exported: Exported) -> None:
    assert identifiers_found(read_everything(exported.folder), _known_rows(), INSIDE) == []


def test_no_hash_of_an_address(exported: Exported) -> None:
    assert hashes_found(read_everything(exported.folder), INSIDE) == []


def test_no_identifier_of_the_store(exported: Exported) -> None:
    assert not read_everything(exported.folder).numbers & {row["flow_id"] for row in rows()}


def test_packets_of_an_attackers_own_making_give_nothing_away(exported: Exported) -> None:
    """A scanner that marks each address by a port, and who visits a site inside, meet no pseudonym."""
    marked = {port: row for row in exported.rows() if (port := row["outside_port"] or 0) >= 20_000}
    assert all(row["inside_ip"] is None for row in marked.values())
    told = [row for row in exported.rows() if row["inside_ip"] is not None]
    scanned = [row for row in told if row["outside_ip"] == SCANNER]
    # Inside pinged the scanner by its own will.
    assert all(row["protocol"] == 1 and row["inside_port"] == 8 for row in scanned)
    assert OWN_SITE not in read_everything(exported.folder).text
    assert all(row["initiator"] == "inside" and row["answered"] for row in told)


def test_what_is_told_beside_a_pseudonym_is_shared(exported: Exported) -> None:
    hosts: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    columns = ("service", "organisation", "category", "application", "country", "ja4")
    # Who is told in one record of a flow is known in all of them.
    host_of = {row["flow_id"]: row["inside_ip"] for row in exported.rows() if row["inside_ip"]}
    for row in exported.rows():
        host = host_of.get(row["flow_id"])
        if host is None:
            continue
        for name in {row["name"], *(row["names"] or [])} - {None}:
            hosts["name", name].add(host)
        for column in columns:
            if row[column] is not None:
                hosts[column, row[column]].add(host)
    few = {key: len(those) for key, those in hosts.items() if len(those) < exported.options.k}
    assert {value for _, value in few} <= {"(rare)"}
    assert len(hosts["name", "cdn.example"]) == len(INSIDE)
    assert len(hosts["name", "half.example"]) == len(INSIDE)
    assert ("ja4", "t13d_all") in hosts


def test_who_holds_the_key_finds_every_address_and_nobody_else_does(exported: Exported) -> None:
    told = sorted({row["inside_ip"] for row in exported.rows()} - {None})
    assert len(told) == len(INSIDE), "no two hosts have become one"
    assert set(real_addresses(told, Key(SECRET))) == set(INSIDE)
    for wrong in (bytes([1]) + SECRET[1:], SECRET[:-1] + bytes([0]), SECRET[::-1]):
        assert not set(real_addresses(told, Key(wrong))) & set(INSIDE)


PLANTED: dict[str, Callable[[dict[str, Any]], str]] = {
    **{f"writing {number}": lambda row, n=number: leaky_names(INSIDE[17])[n] for number in range(10)},
    **{f"writing {number} of IPv6": lambda row, n=number: leaky_names(INSIDE[260])[n] for number in range(7)},
    "address": lambda row: f"see {INSIDE[200]}!",
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_attack_finds_addresses(tmp_path: Path, planted: str) -> None:
    _write(tmp_path, pa.table({"names": [["a.example", PLANTED[planted]({})]]}))
    assert addresses_found(read_everything(tmp_path), INSIDE)


def test_the_attack_finds_numbers_hashes_identifiers_and_keys(tmp_path: Path) -> None:
    row = _known_rows()[0]
    cases: list[tuple[pa.Table, Callable[[Any], Any]]] = [
        (pa.table({"n": pa.array([0xAF2DB011], pa.uint64())}), lambda all_: addresses_found(all_, INSIDE)),
        (
            pa.table({"n": pa.array([tuple_id(row, row["first_ns"])], pa.uint64())}),
            lambda all_: identifiers_found(all_, [row], INSIDE),
        ),
        (
            pa.table({"t": community_id(*(pa.chunked_array([[row[c]]]) for c in _TUPLE))}),
            lambda all_: identifiers_found(all_, [row], INSIDE),
        ),
        (pa.table({"t": ["4fb1b2ad6e4b3fa0"]}), lambda all_: key_found(all_, bytes.fromhex("4fb1b2ad6e4b3fa0") * 4)),
        (pa.table({"t": [SECRET[:16].hex()]}), lambda all_: key_found(all_, SECRET)),
        (pa.table({"t": [_md5(INSIDE[30])]}), lambda all_: hashes_found(all_, INSIDE)),
        (pa.table({"n": pa.array([_crc(INSIDE[31])], pa.uint64())}), lambda all_: hashes_found(all_, INSIDE)),
    ]  # fmt: skip
    for number, (table, attack) in enumerate(cases):
        folder = tmp_path / str(number)
        _write(folder, table)
        assert attack(read_everything(folder)), number


_TUPLE = ("inside_ip", "outside_ip", "inside_port", "outside_port", "protocol", "initiator")


def _md5(address: str) -> str:
    import hashlib

    return hashlib.md5(address.encode()).hexdigest()


def _crc(address: str) -> int:
    import ipaddress
    import zlib

    return zlib.crc32(ipaddress.ip_address(address).packed)


def _write(folder: Path, table: pa.Table) -> None:
    folder.mkdir(exist_ok=True)
    pq.write_table(table, folder / "planted.parquet")


def test_the_rule_of_identifiers_is_the_cores(own_captures: Path) -> None:
    """The attack would find nothing if it computed something else."""
    flows = sensor.replay(own_captures / "demo.pcap", watch=["0.0.0.0/0", "::/0"], workers=1).flows
    place = flows.schema.get_field_index("start_time")
    flows = flows.set_column(place, "start_time", flows["start_time"].cast(pa.int64())).drop_columns(
        "end_time"
    )
    tried = [row for row in flows.to_pylist() if row["record"] == 0 and row["tunnel"] is None]
    assert tried
    assert [tuple_id(row, row["start_time"]) for row in tried] == [row["flow_id"] for row in tried]


def test_a_real_capture(own_captures: Path, tmp_path: Path) -> None:
    """The demo capture replayed: what it has of the watched block is not in the data set."""
    block = [f"175.45.{176 + number // 256}.{number % 256}" for number in range(1024)]
    done = blocktap("replay", own_captures / "demo.pcap", "--store", tmp_path / "store")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "data-set"
    folder.mkdir()
    resources = write_records(tmp_path / "store", folder, RecordOptions(tmp_path / "key", k=2))
    assert sum(resource.rows for resource in resources)
    everything = read_everything(folder)
    assert addresses_found(everything, block) == []
    assert hashes_found(everything, block) == []
    assert not key_found(everything, read_or_make_key(tmp_path / "key", folder).secret)
