"""The evidence for counting people: what each inside address showed of itself on each day."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.dataset
import pytest
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE

from sensor.config import Config, HostSettings
from sensor.schema import arrow_schema
from tests.functional.built import (
    INSIDE,
    INSIDE_6,
    OUTSIDE,
    OUTSIDE_6,
    START_S,
    WATCHED,
    Bench,
    Talk,
    Timed,
    frame,
    write_capture,
)
from tests.functional.replays import Replayed, replay, watching
from tests.functional.spoken import Ends, conversation, http_request, http_response, tls

DAY_S = 86_400
NANOSECONDS = 1_000_000_000
FIRST_DAY = date(2017, 5, 17)
BOTH = watching(WATCHED, "2001:db8:1::/48")


def hosts(bench: Bench, packets: Iterable[Timed], config: Config | None = None) -> list[dict[str, Any]]:
    """Rows of the table, times in seconds since the start."""
    found = bench.replay(packets, BOTH, config).rows.table("hosts")
    rows = found.set_column(0, "day", found["day"].cast("date32")).to_pylist()
    for row, first, last in zip(
        rows, found["first"].cast("int64").to_pylist(), found["last"].cast("int64").to_pylist(), strict=True
    ):
        row["first"], row["last"] = (time_ns / NANOSECONDS - START_S for time_ns in (first, last))
    return rows


def with_ttl(timed: Timed, ttl: int) -> Timed:
    """The same packet with another time to live in its innermost header."""
    at_s, packet = timed
    packet = packet.copy()
    if IPv6 in packet:
        packet[IPv6].hlim = ttl
    else:
        packet[IP].ttl = ttl
    return at_s, packet


def agent_request(agent: str) -> bytes:
    """A request by such a user agent."""
    return http_request("www.example").replace(b"test/1.0", agent.encode())


class TestOneDay:
    TALK = Talk()

    def test_times_flows_and_times_to_live(self, bench: Bench) -> None:
        other = Talk(inside_port=41_000)
        packets = [
            with_ttl(self.TALK.back(1), 50),
            with_ttl(self.TALK.out(2), 64),
            with_ttl(other.out(3), 128),
            with_ttl(other.back(9), 51),
        ]
        (row,) = hosts(bench, packets)
        assert row == {
            "day": FIRST_DAY,
            "block": WATCHED,
            "inside_ip": INSIDE,
            "sensor": "replay",
            "first": 1,
            "last": 9,
            "flows": 2,
            "ttls": [64, 128],
            "ja4s": [],
            "user_agents": [],
        }

    def test_many_times_to_live_within_one_flow(self, bench: Bench) -> None:
        sent = [63, 64, 63, 255, 1, 64]
        (row,) = hosts(bench, [with_ttl(self.TALK.out(at_s), ttl) for at_s, ttl in enumerate(sent)])
        assert (row["ttls"], row["flows"]) == ([1, 63, 64, 255], 1)

    def test_ipv6_has_hop_limits(self, bench: Bench) -> None:
        talk = Talk(INSIDE_6, OUTSIDE_6)
        (row,) = hosts(bench, [with_ttl(talk.out(0, "S"), 61), with_ttl(talk.back(1, "SA"), 40)])
        assert (row["inside_ip"], row["ttls"]) == (INSIDE_6, [61])

    def test_flows_in_tunnels_are_left_out(self, bench: Bench) -> None:
        _, inner = with_ttl(self.TALK.out(0), 33)
        outer = IP(src="203.0.113.1", dst="203.0.113.2", ttl=200) / GRE(proto=0x0800) / inner[IP]
        assert hosts(bench, [(0, frame(outer))]) == []
        (row,) = hosts(bench, [(0, frame(outer)), with_ttl(self.TALK.out(5), 64)])
        assert (row["ttls"], row["flows"]) == ([64], 1)

    def test_who_only_receives_is_no_host(self, bench: Bench) -> None:
        assert hosts(bench, [self.TALK.back(0, "S"), self.TALK.back(1, "S")]) == []

    def test_internal_flows_are_left_out(self, bench: Bench) -> None:
        internal = Talk(outside="192.0.2.99")
        assert hosts(bench, [internal.out(0), internal.back(1)]) == []
        (row,) = hosts(bench, [internal.out(0), self.TALK.out(5)])
        assert (row["inside_ip"], row["first"], row["flows"]) == (INSIDE, 5, 1)

    def test_can_be_turned_off(self, bench: Bench) -> None:
        assert hosts(bench, [self.TALK.out(0)], Config(hosts=HostSettings(enabled=False))) == []


class TestDays:
    def test_a_flow_over_midnight_is_a_host_of_both_days(self, bench: Bench) -> None:
        talk = Talk()
        packets = [
            with_ttl(talk.out(DAY_S - 2), 64),
            with_ttl(talk.back(DAY_S - 1), 50),
            with_ttl(talk.out(DAY_S + 1), 63),
            with_ttl(talk.back(DAY_S + 3), 50),
        ]
        first, second = hosts(bench, packets)
        assert (first["day"].day, first["first"], first["last"]) == (17, DAY_S - 2, DAY_S - 1)
        assert (second["day"].day, second["first"], second["last"]) == (18, DAY_S + 1, DAY_S + 3)
        assert [(row["flows"], row["ttls"]) for row in (first, second)] == [(1, [64]), (0, [63])]

    def test_a_day_without_packets_has_no_row(self, bench: Bench) -> None:
        rows = hosts(bench, [Talk().out(at_s) for at_s in (0, 5, 3 * DAY_S)])
        assert [(row["day"].day, row["flows"]) for row in rows] == [(17, 1), (20, 1)]


class TestClients:
    def test_fingerprints_and_user_agents_are_the_hosts_own(self, bench: Bench) -> None:
        web = Ends(inside_port=41_000, outside_port=80)
        messages = [
            (True, agent_request("beta/2")),
            (False, http_response()),
            (True, agent_request("alpha/1")),
        ]
        packets = tls(0, Ends(), "www.example") + conversation(5, web, messages)
        replayed = bench.replay(packets, BOTH)
        (row,) = replayed.rows.of("hosts")
        (fingerprint,) = {flow["ja4"] for flow in replayed.flows} - {None}
        assert row["ja4s"] == [fingerprint]
        assert row["user_agents"] == ["alpha/1", "beta/2"]

    def test_a_visitor_says_nothing_of_the_people_inside(self, bench: Bench) -> None:
        visit = Ends(inside=OUTSIDE, outside=INSIDE, outside_port=80)
        packets = conversation(0, visit, [(True, agent_request("visitor/1")), (False, http_response())])
        packets += tls(5, Ends(inside=OUTSIDE, outside=INSIDE), "www.example")
        (row,) = hosts(bench, packets)
        assert (row["flows"], row["ja4s"], row["user_agents"]) == (2, [], [])

    def test_lists_are_bounded(self, bench: Bench) -> None:
        packets: list[Timed] = []
        for number in reversed(range(100)):
            ends = Ends(inside_port=20_000 + number, outside_port=80)
            packets += conversation(100 - number, ends, [(True, agent_request(f"agent/{number:03}"))])
        (row,) = hosts(bench, packets)
        assert row["user_agents"] == [f"agent/{number:03}" for number in range(64)]


def crowd() -> list[Timed]:
    """Some hosts on three days, some of which change their time to live."""
    packets: list[Timed] = []
    for number in range(240):
        inside = f"192.0.2.{1 + number % 40}"
        at_s = number * 1_080
        ends = Ends(inside=inside, inside_port=30_000 + number)
        packets += [with_ttl(one, 60 + number % 3) for one in tls(at_s, ends, f"host{number % 7}.example")]
        packets.append(Talk(inside, f"192.0.2.{1 + number % 39}", 5_000, 6_000).out(at_s + 1))
    return packets


class TestManyHosts:
    @pytest.fixture(scope="class")
    def capture(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return write_capture(tmp_path_factory.mktemp("hosts") / "hosts.pcap", crowd())

    @pytest.fixture(scope="class")
    def alone(self, capture: Path) -> Replayed:
        return replay(capture, plan=BOTH)

    def test_one_row_a_day_and_host(self, alone: Replayed) -> None:
        rows = alone.rows.of("hosts")
        keys = {(row["day"], row["inside_ip"]) for row in rows}
        assert len(keys) == len(rows) == alone.result.rows["hosts"] == 120
        schema = arrow_schema("hosts", encoded=True)
        assert {tuple(batch.schema) for batch in alone.rows.tables["hosts"]} == {tuple(schema)}

    def test_it_is_what_the_flows_say(self, alone: Replayed) -> None:
        expected: dict[tuple[int, str], list[Any]] = defaultdict(lambda: [[], [], 0, set()])
        for flow in alone.flows:
            if flow["scope"] == "internal":
                continue
            one = expected[flow["start_time"] // (DAY_S * NANOSECONDS), flow["inside_ip"]]
            one[0].append(flow["start_time"])
            one[1].append(flow["end_time"])
            one[2] += flow["record"] == 0
            one[3].add(flow["ja4"])
        found = {
            ((row["day"] - date(1970, 1, 1)).days, row["inside_ip"]): (
                row["first"], row["last"], row["flows"], set(row["ja4s"]),
            )
            for row in alone.rows.of("hosts")
        }  # fmt: skip
        assert found == {
            key: (min(first), max(last), flows, ja4s) for key, (first, last, flows, ja4s) in expected.items()
        }

    @pytest.mark.parametrize("workers", [2, 4])
    def test_any_number_of_workers(self, capture: Path, alone: Replayed, workers: int) -> None:
        several = replay(capture, plan=BOTH, workers=workers)
        assert several.rows.table("hosts").equals(alone.rows.table("hosts"))

    def test_the_store_has_a_folder_for_each_day(
        self, capture: Path, alone: Replayed, tmp_path: Path
    ) -> None:
        command = [sys.executable, "-m", "sensor", "replay", str(capture), "--watch", WATCHED]
        store = tmp_path / "store"
        subprocess.run([*command, "--store", str(store)], check=True, capture_output=True, timeout=60)
        days = sorted(path.name for path in (store / "hosts").iterdir())
        assert days == [f"day=2017-05-{day}" for day in (17, 18, 19)]
        for day in days:
            stored = pyarrow.dataset.dataset(store / "hosts" / day).to_table()["inside_ip"].to_pylist()
            assert stored == sorted(stored)
            assert set(stored) == {
                row["inside_ip"] for row in alone.rows.of("hosts") if str(row["day"]) == day[4:]
            }
