"""What a decoder that is not ours reads in our messages is what the rows say."""

import ipaddress
from typing import Any

import pytest

from sensor.community_id import community_id
from sensor.export.elements import TEMPLATES
from sensor.export.messages import Messages
from sensor.export.records import encode
from tests.export.collectors import decode
from tests.export.rows import batch, row

ROWS = [row(number) for number in range(400)]
REASON_CODES = {"idle": 1, "active": 2, "fin": 3, "rst": 3, "end": 4, "evicted": 5}


def messages_of(rows: list[dict[str, Any]], *, most_bytes: int = 1452, encoded: bool = True) -> list[bytes]:
    messages = Messages(7, 32473, most_bytes)
    made = messages.templates(1_700_000_000)
    for records in encode(batch(rows, encoded=encoded)):
        made += [message for message, _ in messages.data(records, 1_700_000_000)]
    return made


def decoded(rows: list[dict[str, Any]], **options: Any) -> dict[int, dict[str, Any]]:
    return {record["flowId"]: record for record in decode(b"".join(messages_of(rows, **options)))}


def nanoseconds(ntp: int) -> int:
    return ((ntp >> 32) - 2_208_988_800) * 10**9 + ((ntp & 0xFFFF_FFFF) * 10**9 >> 32)


def turned(one: dict[str, Any]) -> tuple[str, str]:
    return ("out", "in") if one["initiator"] != "outside" else ("in", "out")


@pytest.fixture(scope="module")
def records() -> dict[int, dict[str, Any]]:
    return decoded(ROWS)


def test_every_row_is_a_record(records: dict[int, dict[str, Any]]) -> None:
    assert sorted(records) == sorted(one["flow_id"] for one in ROWS)


@pytest.mark.parametrize("what", ["octet", "packet"])
def test_counts_follow_the_initiator(records: dict[int, dict[str, Any]], what: str) -> None:
    column = {"octet": "bytes", "packet": "packets"}[what]
    for one in ROWS:
        forward, back = turned(one)
        record = records[one["flow_id"]]
        assert record[f"{what}DeltaCount"] == one[f"{column}_{forward}"]
        assert record[f"reverse{what.capitalize()}DeltaCount"] == one[f"{column}_{back}"]


def test_addresses_and_ports_follow_the_initiator(records: dict[int, dict[str, Any]]) -> None:
    for one in ROWS:
        source, target = ("inside", "outside") if one["initiator"] != "outside" else ("outside", "inside")
        record = records[one["flow_id"]]
        version = ipaddress.ip_address(one["inside_ip"]).version
        assert record[f"sourceIPv{version}Address"] == ipaddress.ip_address(one[f"{source}_ip"])
        assert record[f"destinationIPv{version}Address"] == ipaddress.ip_address(one[f"{target}_ip"])
        if one["protocol"] in {1, 58}:
            assert record[f"icmpTypeCodeIPv{version}"] == one["inside_port"] * 256 + one["outside_port"]
        else:
            assert record["sourceTransportPort"] == one[f"{source}_port"]
            assert record["destinationTransportPort"] == one[f"{target}_port"]


def test_times_keep_their_nanoseconds(records: dict[int, dict[str, Any]]) -> None:
    for one in ROWS:
        record = records[one["flow_id"]]
        assert nanoseconds(record["flowStartNanoseconds"]) == one["start_time"]
        assert nanoseconds(record["flowEndNanoseconds"]) == one["end_time"]
        assert int(record["flowStartMilliseconds"].timestamp()) >= 0


def test_flags_reasons_and_directions(records: dict[int, dict[str, Any]]) -> None:
    for one in ROWS:
        record = records[one["flow_id"]]
        forward, back = turned(one)
        assert record["tcpControlBits"] == one[f"tcp_flags_{forward}"]
        assert record["reverseTcpControlBits"] == one[f"tcp_flags_{back}"]
        assert record["flowEndReason"] == REASON_CODES[one["end_reason"]]
        assert record["biflowDirection"] == (0 if one["initiator"] == "unknown" else 1)
        assert record["answered"] == (2 if one["answered"] else 1)
        assert record["record"] == one["record"]


@pytest.mark.parametrize("column", ["service", "country", "block", "name_source", "initiator", "sensor"])
def test_texts(records: dict[int, dict[str, Any]], column: str) -> None:
    assert all(records[one["flow_id"]][column] == (one[column] or "") for one in ROWS)


def test_names_are_cut_at_a_character(records: dict[int, dict[str, Any]]) -> None:
    for one in ROWS:
        name = records[one["flow_id"]]["name"]
        assert (one["name"] or "").startswith(name)
        assert len(name.encode()) >= min(253, len((one["name"] or "").encode()))


def test_community_ids_are_those_of_the_store(records: dict[int, dict[str, Any]]) -> None:
    rows = batch(ROWS)
    names = ("inside_ip", "outside_ip", "inside_port", "outside_port", "protocol", "initiator")
    expected = community_id(*(rows.column(name) for name in names)).to_pylist()
    assert [records[one["flow_id"]]["community_id"] for one in ROWS] == expected


def test_plain_and_encoded_columns_give_the_same_bytes() -> None:
    assert messages_of(ROWS) == messages_of(ROWS, encoded=False)


def test_a_slice_is_its_rows() -> None:
    whole = batch(ROWS)
    part = [bytes(one.data[: int(one.offsets[-1])]) for one in encode(whole.slice(100, 50))]
    assert part == [bytes(one.data[: int(one.offsets[-1])]) for one in encode(batch(ROWS[100:150]))]


@pytest.mark.parametrize("most_bytes", [528, 1452, 16_384])
def test_messages_keep_within_their_length(most_bytes: int) -> None:
    for message in messages_of(ROWS, most_bytes=most_bytes):
        assert int.from_bytes(message[2:4], "big") == len(message)
        # A record longer than that has a message to itself, and a record is no longer than its texts allow.
        assert len(message) <= max(most_bytes, 1452)


def test_sequence_counts_records() -> None:
    messages = Messages(7, 32473, 1452)
    expected = 0
    for records in encode(batch(ROWS)):
        for message, count in messages.data(records, 0):
            assert int.from_bytes(message[8:12], "big") == expected
            assert int.from_bytes(message[12:16], "big") == 7
            expected += count
    assert expected == len(ROWS)


def test_sequence_wraps() -> None:
    messages = Messages(7, 32473, 1452)
    messages.sequence = (1 << 32) - 1
    for records in encode(batch(ROWS[:3])):
        list(messages.data(records, 0))
    assert messages.sequence == 2


def test_enterprise_is_a_setting() -> None:
    stream = b"".join(Messages(1, 12345, 1452).templates(0))
    assert (12345).to_bytes(4, "big") in stream
    assert (32473).to_bytes(4, "big") not in stream


def test_rows_without_addresses_are_left_out() -> None:
    odd = [
        row(1, inside_ip=None),
        row(2, inside_ip="nonsense"),
        row(3, inside_ip="1.2.3.4", outside_ip="::1"),
    ]
    assert encode(batch(odd)) == []


def test_elements_have_numbers_of_their_own() -> None:
    for template in TEMPLATES:
        keys = [(one.owner, one.number) for one in template.elements]
        assert len(keys) == len(set(keys))
