"""A simulated capture, replayed, gives the planted flows to the last packet and byte."""

from collections import Counter
from pathlib import Path
from typing import Any

import dpkt
import pytest

from sensor.simulate import CaptureResult, simulate_capture, simulated_by
from sensor.simulate.places import prefixes_by_country
from sensor.simulate.stacks import STACKS
from tests.simulate.scenes import is_use, replayed, scenario

COLUMNS = {
    "services": "service", "categories": "category", "applications": "application",
    "countries": "country", "names": "name",
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CaptureResult]:
    path = tmp_path_factory.mktemp("capture") / "small.pcapng"
    return path, simulate_capture(scenario(), path)


@pytest.fixture(scope="module")
def rows(made: tuple[Path, CaptureResult]) -> dict[str, list[dict[str, Any]]]:
    return replayed(made[0])


@pytest.fixture(scope="module")
def realised(made: tuple[Path, CaptureResult]) -> dict[str, Any]:
    return made[1].realised.as_dict()


def test_sums_are_those_that_were_drawn(
    rows: dict[str, list[dict[str, Any]]], realised: dict[str, Any]
) -> None:
    flows = rows["flows"]
    assert len(flows) == realised["rows"]
    for column in ("packets_out", "packets_in", "bytes_out", "bytes_in"):
        assert sum(row[column] for row in flows) == realised[column], column


def test_every_packet_is_counted(
    made: tuple[Path, CaptureResult], rows: dict[str, list[dict[str, Any]]]
) -> None:
    assert sum(row["packets_matched"] for row in rows["accounting"]) == made[1].packets
    assert sum(row["packets_unmatched"] + row["packets_malformed"] for row in rows["accounting"]) == 0


@pytest.mark.parametrize("what", COLUMNS)
def test_use_is_named_as_planted(
    what: str, rows: dict[str, list[dict[str, Any]]], realised: dict[str, Any]
) -> None:
    found = Counter(row[COLUMNS[what]] for row in rows["flows"] if is_use(row))
    assert {key: count for key, count in found.items() if key is not None} == realised[what]


def test_use_lies_in_its_blocks(rows: dict[str, list[dict[str, Any]]], realised: dict[str, Any]) -> None:
    assert Counter(row["block"] for row in rows["flows"] if is_use(row)) == realised["blocks"]


def test_what_is_no_use_is_told_apart(
    rows: dict[str, list[dict[str, Any]]], realised: dict[str, Any]
) -> None:
    flows, kinds = rows["flows"], realised["flows_by_kind"]
    assert sum(row["application"] == "dns" for row in flows) == kinds["dns"] == len(rows["dns"])
    assert sum(row["scope"] == "internal" for row in flows) == kinds["internal"] > 0
    assert sum(row["tunnel"] == "gre" for row in flows) == kinds["tunnelled"] > 0
    assert sum(row["initiator"] == "unknown" for row in flows) == kinds["midway"] > 0
    outside = [row for row in flows if row["initiator"] == "outside"]
    assert sum(not row["answered"] for row in outside) == kinds["scan"] > 0
    assert sum(row["answered"] for row in outside) == kinds["visit"] > 0
    unanswered = [row for row in flows if row["initiator"] == "inside" and not row["answered"]]
    assert len(unanswered) == kinds["unanswered"] > 0


def test_dns_answers_are_the_addresses_that_are_visited(rows: dict[str, list[dict[str, Any]]]) -> None:
    visited = {(row["name"], row["outside_ip"]) for row in rows["flows"] if is_use(row) and row["name"]}
    assert {(row["qname"], row["answers"][0]) for row in rows["dns"]} <= visited
    assert {row["rcode"] for row in rows["dns"]} == {"NOERROR"}


def test_fingerprints_are_those_of_the_stacks(rows: dict[str, list[dict[str, Any]]]) -> None:
    own = {stack.ja4(named=named) for stack in STACKS.values() for named in (True, False)}
    found = {row["ja4"] for row in rows["flows"]} - {None}
    assert found <= own
    named = {row["ja4"] for row in rows["flows"] if row["name"]} - {None}
    assert named == {stack.ja4(named=True) for stack in STACKS.values()}


def test_stacks_differ() -> None:
    assert len({stack.ja4(named=True) for stack in STACKS.values()}) == len(STACKS)
    assert len({stack.user_agent for stack in STACKS.values()}) == len(STACKS)


def test_bitcoin_begins_on_its_day(rows: dict[str, list[dict[str, Any]]]) -> None:
    first = min(row["start_time"] for row in rows["flows"] if row["application"] == "bitcoin")
    assert "2017-05-17 00:30" <= str(first)[:16] < "2017-05-17 12:00"


def test_packets_are_in_order_of_time_and_checksums_right(made: tuple[Path, CaptureResult]) -> None:
    with made[0].open("rb") as file:
        packets = list(dpkt.pcapng.Reader(file))
    assert len(packets) == made[1].packets
    times = [time for time, _ in packets]
    assert times == sorted(times)
    for _, frame in packets[:500]:
        header = frame[14:34]
        assert dpkt.in_cksum(header) == 0


def test_same_bytes_for_the_same_seed_alone(made: tuple[Path, CaptureResult], tmp_path: Path) -> None:
    simulate_capture(scenario(), tmp_path / "again.pcapng")
    simulate_capture(scenario(seed=4), tmp_path / "other.pcapng")
    assert (tmp_path / "again.pcapng").read_bytes() == made[0].read_bytes()
    assert (tmp_path / "other.pcapng").read_bytes() != made[0].read_bytes()


def test_the_capture_says_that_it_is_simulated(made: tuple[Path, CaptureResult], own_captures: Path) -> None:
    assert simulated_by(made[0]) == "small"
    assert simulated_by(own_captures / "demo.pcap") is None
    assert simulated_by(made[0].parent / "missing") is None
    assert b"nothing in this capture happened" in made[0].read_bytes()[:400]


@pytest.mark.parametrize("length", [0, 3, 12, 30, 60, 100])
def test_a_cut_off_capture_has_no_mark_and_no_error(
    made: tuple[Path, CaptureResult], tmp_path: Path, length: int
) -> None:
    (tmp_path / "cut").write_bytes(made[0].read_bytes()[:length])
    assert simulated_by(tmp_path / "cut") is None


def test_every_place_is_registered_in_its_country(tmp_path: Path) -> None:
    kinds = "\n".join(
        f'[[traffic]]\nshare = 1\ncountries = {{ {country} = 1 }}\naddresses = 30\napplication = "ikev2"\n'
        for country in prefixes_by_country()
    )
    text = (
        'name = "places"\nstart = 2017-05-14\ndays = 1\nflows = 12000\n[[block]]\nname = "star-jv"\nshare = 1\n'
        '[[population]]\nname = "all"\naddresses = { star-jv = 5 }\nshare = 1\nstacks = { linux-curl = 1 }\n'
    )
    result = simulate_capture(scenario(text + kinds), tmp_path / "places.pcapng")
    found = Counter(row["country"] for row in replayed(tmp_path / "places.pcapng")["flows"])
    assert found == result.realised.as_dict()["countries"]
    assert len(found) == len(prefixes_by_country())
