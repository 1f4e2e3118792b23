"""Names that DNS answers give to flows: to whom, for how long, and the same for any number of workers."""

import gzip
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.dataset
import pytest

from sensor.config import Config, NamingSettings
from sensor.rules import load_plan
from sensor.schema import arrow_schema
from tests.functional.built import INSIDE, OUTSIDE, Bench, Talk, Timed, write_capture
from tests.functional.replays import Replayed, in_order, replay
from tests.functional.spoken import Answer, Ends, resolving, tls, unnamed

NAME = "www.kinozal.example"
TTL_S, SLACK_S = 60, 300
OTHER_INSIDE = "192.0.2.99"
SHORT = Config(naming=NamingSettings(answer_slack_s=5))


def named(rows: list[dict[str, Any]]) -> list[tuple[str | None, str | None]]:
    """Name and its source of each flow that is not DNS."""
    return [(row["name"], row["name_source"]) for row in rows if row["application"] != "dns"]


def answer(*, name: str = NAME, ttl_s: int = TTL_S, cnames: tuple[str, ...] = ()) -> Answer:
    return Answer(name, [OUTSIDE], ttl_s, cnames)


class TestJoin:
    JOINED = (NAME, "dns_answer")
    NOTHING = (None, None)

    @pytest.mark.parametrize(
        ("later_s", "expected"),
        [
            (1, JOINED),
            (TTL_S + 1, JOINED),
            (TTL_S + SLACK_S - 1, JOINED),
            (TTL_S + SLACK_S + 1, NOTHING),
        ],
    )
    def test_for_as_long_as_the_answer_holds(
        self, bench: Bench, later_s: float, expected: tuple[str | None, str | None]
    ) -> None:
        assert named(bench.rows(resolving(0, INSIDE, answer()) + unnamed(later_s, Ends()))) == [expected]

    @pytest.mark.parametrize(("later_s", "expected"), [(64, JOINED), (66, NOTHING)])
    def test_for_as_long_as_the_settings_say(
        self, bench: Bench, later_s: float, expected: tuple[str | None, str | None]
    ) -> None:
        packets = resolving(0, INSIDE, answer()) + unnamed(later_s, Ends())
        assert named(bench.rows(packets, config=SHORT)) == [expected]

    def test_row(self, bench: Bench) -> None:
        (row,) = [
            row for row in bench.rows(resolving(0, INSIDE, answer()) + unnamed(1, Ends()))
            if row["application"] != "dns"
        ]  # fmt: skip
        assert (row["name"], row["name_source"], row["names"]) == (NAME, "dns_answer", None)

    def test_a_flow_begun_before_the_answer_has_none(self, bench: Bench) -> None:
        packets = unnamed(0, Ends()) + resolving(1, INSIDE, answer())
        packets += unnamed(2, Ends(inside_port=40_001))
        assert named(bench.rows(packets)) == [self.NOTHING, self.JOINED]

    def test_the_newest_counts(self, bench: Bench) -> None:
        packets = resolving(0, INSIDE, answer(name="old.example", ttl_s=3600))
        packets += resolving(1, INSIDE, answer(name="new.example", ttl_s=10), port=50_001)
        packets += unnamed(2, Ends()) + unnamed(20, Ends(inside_port=40_001))
        newest, older = named(bench.rows(packets, config=SHORT))
        assert newest == ("new.example", "dns_answer")
        assert older == ("old.example", "dns_answer")

    def test_aliases_lead_to_the_name_asked_for(self, bench: Bench) -> None:
        aliases = ("www.kinozal.cdn.example", "e1.edge.example")
        packets = resolving(0, INSIDE, answer(cnames=aliases)) + unnamed(1, Ends())
        replayed = bench.replay(packets)
        assert named(replayed.flows)[-1:] == [self.JOINED]
        (row,) = replayed.rows.of("dns")
        assert (row["qname"], row["cnames"], row["answers"]) == (NAME, list(aliases), [OUTSIDE])

    def test_another_hosts_answer_is_not_used(self, bench: Bench) -> None:
        packets = resolving(0, OTHER_INSIDE, answer()) + unnamed(1, Ends())
        packets += unnamed(2, Ends(inside=OTHER_INSIDE))
        assert named(bench.rows(packets)) == [self.NOTHING, self.JOINED]

    def test_an_own_name_goes_before(self, bench: Bench) -> None:
        packets = resolving(0, INSIDE, answer()) + tls(1, Ends(), "own.example")
        assert named(bench.rows(packets)) == [("own.example", "tls_sni")]

    @pytest.mark.parametrize("flags", ["S", None])
    def test_any_protocol(self, bench: Bench, flags: str | None) -> None:
        first = Talk(outside_port=7).out(1, flags, size=0 if flags else 20)
        packets = [*resolving(0, INSIDE, answer()), first]
        assert named(bench.rows(packets)) == [self.JOINED]


class TestHellos:
    """A client hello names its flow, never an address."""

    @pytest.mark.parametrize("answered", [True, False])
    def test_names_its_flow_only(self, bench: Bench, answered: bool) -> None:
        packets = tls(0, Ends(), NAME, answered=answered) + unnamed(1, Ends(inside_port=40_001))
        assert named(bench.rows(packets)) == [(NAME, "tls_sni"), (None, None)]

    def test_unanswered(self, bench: Bench) -> None:
        row = bench.row(tls(0, Ends(), NAME, answered=False))
        assert (row["answered"], row["name"], row["application"]) == (False, NAME, "tls")


BLOCKS = ["175.45.176.", "175.45.178.", "210.52.109.", "77.94.35."]
"""Networks of the three shipped blocks."""


def many_hosts(hosts: int = 60, rounds: int = 6) -> list[Timed]:
    """Inside hosts of all blocks that resolve names of shared addresses and connect, some with names of their own."""
    rng = Random(11)
    packets: list[Timed] = []
    for turn in range(rounds):
        for host in range(hosts):
            inside = f"{BLOCKS[host % len(BLOCKS)]}{10 + host}"
            at_s = 120.0 * turn + rng.uniform(0, 100)
            outside = f"93.184.{rng.randrange(4)}.{rng.randrange(1, 9)}"
            said = Answer(
                f"site-{rng.randrange(40)}.example", [outside, f"93.184.9.{host + 1}"],
                rng.choice([1, 30, 300]), ("edge.example",) if rng.random() < 0.3 else (),
            )  # fmt: skip
            ports = 50_000 + rng.randrange(5), 40_000 + turn
            packets += resolving(at_s, inside, said, port=ports[0])
            ends = Ends(inside, outside, ports[1], rng.choice([80, 443, 8333]))
            later_s = at_s + rng.choice([0.5, 20, 200, 700])
            if rng.random() < 0.3:
                packets += tls(later_s, ends, f"own-{host}.example", answered=rng.random() < 0.8)
            else:
                packets += unnamed(later_s, ends)
    # Hosts of two blocks talk to each other, too.
    packets += tls(1.0, replace(Ends(), inside="175.45.176.10", outside="210.52.109.12"), "inner.example")
    return sorted(packets, key=lambda timed: timed[0])


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_capture(tmp_path_factory.mktemp("hosts") / "hosts.pcap", many_hosts())


@pytest.fixture(scope="module")
def alone(traffic: Path) -> Replayed:
    return replay(traffic, plan=load_plan([], []))


class TestSameRows:
    """Every column of flows and DNS transactions."""

    def test_there_is_something_to_compare(self, alone: Replayed) -> None:
        rows = alone.flows
        sources = {row["name_source"] for row in rows}
        assert sources == {None, "tls_sni", "dns_query", "dns_answer"}
        assert {row["block"] for row in rows} == {"star-jv", "china-netcom-kptc", "satnet"}
        assert len({row["inside_ip"] for row in rows}) == 60
        assert alone.result.rows["dns"] == 360
        assert sum(row["name_source"] == "dns_answer" for row in rows) > 100

    @pytest.mark.parametrize(
        "table",
        [
            "flows",
            "dns",
            "hosts",
        ],
    )
    def test_batches_have_the_types_of_the_schema(self, alone: Replayed, table: str) -> None:
        schema = arrow_schema(table, encoded=True)
        assert {tuple(batch.schema) for batch in alone.rows.tables[table]} == {tuple(schema)}

    @pytest.mark.parametrize("workers", [2, 4])
    def test_any_number_of_workers(self, traffic: Path, alone: Replayed, workers: int) -> None:
        several = replay(traffic, plan=load_plan([], []), workers=workers)
        for table in ("flows", "dns", "hosts"):
            assert several.rows.table(table).equals(alone.rows.table(table))
        assert several.result.named == alone.result.named

    def test_packed(self, traffic: Path, alone: Replayed, tmp_path: Path) -> None:
        packed = tmp_path / "hosts.pcap.gz"
        packed.write_bytes(gzip.compress(traffic.read_bytes()))
        unpacked = replay(packed, plan=load_plan([], []))
        for table in ("flows", "dns", "hosts"):
            assert unpacked.rows.table(table).equals(alone.rows.table(table))

    def test_standard_input(self, traffic: Path, alone: Replayed, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "sensor", "replay", "-", "--store", str(tmp_path / "store")]
        subprocess.run(command, input=traffic.read_bytes(), check=True, capture_output=True, timeout=60)
        for table in ("flows", "dns", "hosts"):
            expected = alone.rows.table(table)
            day = pyarrow.dataset.partitioning(pa.schema([("day", pa.date32())]), flavor="hive")
            stored = pyarrow.dataset.dataset(tmp_path / "store" / table, partitioning=day).to_table()
            assert in_order(stored.select(expected.column_names)).equals(expected)

    @pytest.mark.parametrize(
        "name",
        [
            "ndpi--netflix.pcap",
            "ndpi--reddit.pcap",
            "ndpi--android.pcap",
            "ndpi--googledns_android10.pcap",
            "ndpi--KakaoTalk_chat.pcap",
            "mercury--dns_packet.capture2.pcap",
            "mercury--geneve.pcap",
            "zeek--dns-edns-ecs.pcap",
        ],
    )
    def test_real(self, shared_captures: Path, name: str) -> None:
        whole = replay(shared_captures / name)
        for workers in (2, 4):
            several = replay(shared_captures / name, workers=workers)
            for table in ("flows", "dns", "hosts"):
                assert several.rows.table(table).equals(whole.rows.table(table))
