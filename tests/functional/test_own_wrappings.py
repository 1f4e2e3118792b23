"""What a flow is counted under: tunnels, ICMP, IPv6, cut packets, and the block that wins."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, IPv6, IPv6ExtHdrHopByHop
from scapy.layers.l2 import GRE, Dot1AD, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from sensor.config import Config, DecodeSettings
from sensor.rules import load_plan
from tests.functional.built import (
    INSIDE,
    INSIDE_6,
    OUTSIDE,
    OUTSIDE_6,
    START_S,
    WATCHED,
    Bench,
    Talk,
    frame,
)  # fmt: skip
from tests.functional.replays import watching

NEAR, FAR = "203.0.113.1", "203.0.113.2"
INNER = IP(src=INSIDE, dst=OUTSIDE) / UDP(sport=40_000, dport=443) / Raw(bytes(100))
INNER_BYTES = 20 + 8 + 100


def outer() -> Packet:
    return IP(src=NEAR, dst=FAR)


def gtp(inner: Packet) -> Packet:
    data = bytes(inner)
    return UDP(sport=2152, dport=2152) / Raw(b"\x30\xff" + len(data).to_bytes(2) + bytes(4) + data)


WRAPPED = {
    "vxlan": outer() / UDP(sport=50_000, dport=4789) / VXLAN(vni=7, flags=8) / frame(INNER),
    "gre": outer() / GRE(proto=0x0800) / INNER,
    "gtp": outer() / gtp(INNER),
    "ipip": outer() / INNER,
    "6in4": outer() / IPv6(src=INSIDE_6, dst=OUTSIDE_6) / UDP(sport=40_000, dport=443) / Raw(bytes(80)),
}


class TestTunnels:
    @pytest.mark.parametrize("tunnel", sorted(WRAPPED))
    def test_flow_is_the_inner_one(self, bench: Bench, tunnel: str) -> None:
        plan = watching(WATCHED, "2001:db8:1::/48")
        row = bench.row([(0, frame(WRAPPED[tunnel]))], plan)
        assert row["tunnel"] == tunnel
        assert row["inside_ip"] in {INSIDE, INSIDE_6}
        assert (row["inside_port"], row["outside_port"], row["protocol"]) == (40_000, 443, 17)
        assert row["bytes_out"] == INNER_BYTES

    @pytest.mark.parametrize("tunnel", sorted(WRAPPED))
    def test_outer_addresses_watched_alone(self, bench: Bench, tunnel: str) -> None:
        row = bench.row([(0, frame(WRAPPED[tunnel]))], watching(f"{NEAR}/32"))
        assert (row["tunnel"], row["inside_ip"], row["outside_ip"]) == (None, NEAR, FAR)
        assert row["bytes_out"] == len(WRAPPED[tunnel])

    def test_innermost_watched_level_wins(self, bench: Bench) -> None:
        row = bench.row([(0, frame(WRAPPED["gre"]))], watching(f"{NEAR}/32", WATCHED))
        assert (row["block"], row["tunnel"]) == (WATCHED, "gre")

    def test_two_tunnels(self, bench: Bench) -> None:
        row = bench.row([(0, frame(outer() / GRE(proto=0x0800) / outer() / gtp(INNER)))])
        assert (row["tunnel"], row["bytes_out"]) == ("gtp", INNER_BYTES)

    def test_what_is_opened_is_a_setting(self, bench: Bench) -> None:
        config = Config(decode=DecodeSettings(tunnels=("vxlan",)))
        packets = [(0, frame(WRAPPED["gre"])), (1, frame(WRAPPED["vxlan"]))]
        replayed = bench.replay(packets, config=config)
        assert (replayed.result.matched, replayed.result.unmatched) == (1, 1)
        assert replayed.flows[0]["tunnel"] == "vxlan"

    def test_tunnelled_and_plain_packets_are_flows_apart(self, bench: Bench) -> None:
        rows = bench.rows([(0, frame(WRAPPED["gre"])), (1, frame(INNER))])
        assert sum(row["packets_out"] for row in rows) == 2
        assert [row["tunnel"] for row in rows] == ["gre", None]

    def test_tags_are_no_tunnel(self, bench: Bench) -> None:
        stacked = Ether() / Dot1AD(vlan=5) / Dot1Q(vlan=6) / INNER
        row = bench.row([(0, stacked), (1, Ether() / Dot1Q(vlan=6) / INNER), (2, frame(INNER))])
        assert (row["tunnel"], row["packets_out"], row["bytes_out"]) == (None, 3, 3 * INNER_BYTES)


class TestIcmp:
    def test_echo(self, bench: Bench) -> None:
        request = frame(IP(src=INSIDE, dst=OUTSIDE) / ICMP(type=8, id=9) / Raw(bytes(56)))
        reply = frame(IP(src=OUTSIDE, dst=INSIDE) / ICMP(type=0, id=9) / Raw(bytes(56)))
        row = bench.row([(0, request), (0.1, reply)])
        assert (row["protocol"], row["inside_port"], row["outside_port"]) == (1, 8, 0)
        assert (row["initiator"], row["answered"]) == ("inside", True)
        assert (row["bytes_out"], row["bytes_in"]) == (84, 84)

    def test_unreachable(self, bench: Bench) -> None:
        packet = frame(IP(src=OUTSIDE, dst=INSIDE) / ICMP(type=3, code=13) / INNER)
        row = bench.row([(0, packet)])
        assert (row["inside_port"], row["outside_port"]) == (3, 13)
        assert (row["initiator"], row["answered"], row["tunnel"]) == ("outside", False, None)

    def test_version_6(self, bench: Bench) -> None:
        request = frame(IPv6(src=INSIDE_6, dst=OUTSIDE_6) / ICMPv6EchoRequest(id=9))
        reply = frame(IPv6(src=OUTSIDE_6, dst=INSIDE_6) / ICMPv6EchoReply(id=9))
        row = bench.row([(0, request), (0.1, reply)], watching("2001:db8:1::/48"))
        assert (row["protocol"], row["inside_port"], row["outside_port"]) == (58, 128, 0)
        assert (row["answered"], row["bytes_out"]) == (True, 48)


class TestFragments:
    PACKET = IP(src=INSIDE, dst=OUTSIDE, id=77) / UDP(sport=40_000, dport=443) / Raw(bytes(3000))
    PIECES = fragment(PACKET, fragsize=1000)

    @pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 0, 3, 2)])
    def test_all_count_in_the_flow_of_the_first(self, bench: Bench, order: tuple[int, ...]) -> None:
        assert len(self.PIECES) == len(order)
        row = bench.row([(at_s, frame(self.PIECES[number])) for at_s, number in enumerate(order)])
        assert (row["inside_port"], row["outside_port"]) == (40_000, 443)
        assert (row["packets_out"], row["bytes_out"]) == (4, 4 * 20 + 8 + 3000)

    def test_without_the_first_they_have_no_ports(self, bench: Bench) -> None:
        row = bench.row([(0, frame(self.PIECES[1])), (1, frame(self.PIECES[2]))])
        assert (row["inside_port"], row["outside_port"], row["packets_out"]) == (0, 0, 2)

    def test_another_datagram_is_another_one(self, bench: Bench) -> None:
        query = IP(src=INSIDE, dst=OUTSIDE, id=78) / UDP(sport=40_000, dport=53) / Raw(bytes(3000))
        other = fragment(query, fragsize=1000)
        both = [piece for pair in zip(self.PIECES, other, strict=True) for piece in pair]
        rows = bench.rows([(at_s, frame(piece)) for at_s, piece in enumerate(both)])
        assert {row["outside_port"]: row["packets_out"] for row in rows} == {443: 4, 53: 4}


class TestVersion6:
    TALK = Talk(inside=INSIDE_6, outside=OUTSIDE_6)

    def test_tcp(self, bench: Bench) -> None:
        packets = [self.TALK.out(0, "S"), self.TALK.back(0.1, "SA"), self.TALK.out(0.2, "PA", 10)]
        row = bench.row(packets, watching("2001:db8:1::/48"))
        assert (row["inside_ip"], row["outside_ip"]) == (INSIDE_6, OUTSIDE_6)
        assert (row["block"], row["answered"]) == ("2001:db8:1::/48", True)
        assert (row["bytes_out"], row["bytes_in"]) == (60 + 70, 60)

    def test_extension_header(self, bench: Bench) -> None:
        packet = IPv6(src=INSIDE_6, dst=OUTSIDE_6) / IPv6ExtHdrHopByHop() / TCP(sport=40_000, dport=443)
        row = bench.row([(0, frame(packet))], watching("2001:db8:1::/48"))
        assert (row["protocol"], row["inside_port"], row["bytes_out"]) == (6, 40_000, 68)


class TestSnapLength:
    def test_real_length_counts(self, bench: Bench) -> None:
        replayed = bench.replay([Talk().out(0, "PA", 1400), Talk().back(1, "A")], snap_length=64)
        assert (replayed.result.truncated, replayed.result.matched) == (1, 2)
        assert replayed.result.bytes == 14 + 1440 + 14 + 40
        assert (replayed.flows[0]["bytes_out"], replayed.flows[0]["bytes_in"]) == (1440, 40)

    def test_cut_inside_the_headers_is_malformed(self, bench: Bench) -> None:
        result = bench.replay([Talk().out(0, "PA", 1400)], snap_length=20).result
        assert (result.malformed, result.matched, result.unmatched) == (1, 0, 0)


def block(name: str, prefix: str, *lines: str) -> str:
    words = ("holder", "claimed_country", "note", "source")
    described = [f'{word} = "{"ZZ" if word == "claimed_country" else "invented"}"' for word in words]
    own = [f'name = "{name}"', f'prefixes = ["{prefix}"]', 'confidence = "high"', *described, *lines]
    return "\n".join(["[[block]]", *own, ""])


class TestBlocks:
    def test_most_specific_wins(self, bench: Bench) -> None:
        plan = watching("192.0.0.0/16", "192.0.2.0/24", "192.0.2.8/29")
        hosts = ["192.0.3.1", "192.0.2.200", "192.0.2.10"]
        rows = bench.rows([Talk(inside=host).out(at_s) for at_s, host in enumerate(hosts)], plan)
        assert [row["block"] for row in rows] == ["192.0.0.0/16", "192.0.2.0/24", "192.0.2.8/29"]

    @pytest.fixture
    def dated(self, tmp_path: Path) -> Path:
        """A lent block inside a block of its holder, lent on 17 May alone."""
        rules = tmp_path / "rules.toml"
        dates = ("valid_from = 2017-05-17", "valid_to = 2017-05-17")
        rules.write_text(block("holder", "192.0.0.0/16") + block("lent", WATCHED, *dates))
        return rules

    @pytest.mark.parametrize(
        ("at", "expected"),
        [
            ("2017-05-16T23:59:59", "holder"),
            ("2017-05-17T00:00:00", "lent"),
            ("2017-05-17T23:59:59", "lent"),
            ("2017-05-18T00:00:00", "holder"),
        ],
    )
    def test_dates(self, bench: Bench, dated: Path, at: str, expected: str) -> None:
        at_s = datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() - START_S
        assert bench.row([Talk().out(at_s)], load_plan([dated], []))["block"] == expected

    def test_outside_its_dates_a_block_watches_nothing(self, bench: Bench, tmp_path: Path) -> None:
        rules = tmp_path / "rules.toml"
        rules.write_text(block("lent", WATCHED, "valid_from = 2017-05-18"))
        result = bench.replay([Talk().out(0)], load_plan([rules], [])).result
        assert (result.matched, result.unmatched) == (0, 1)

    def test_flow_is_cut_when_the_dates_change_its_block(self, bench: Bench, dated: Path) -> None:
        midnight_s = 86_400
        packets = [Talk().out(midnight_s + at_s) for at_s in (-40, -20, 0, 20, 40)]
        first, second = bench.rows(packets, load_plan([dated], []))
        assert (first["block"], first["packets_out"], first["end_reason"]) == ("lent", 2, "end")
        assert (second["block"], second["packets_out"], second["record"]) == ("holder", 3, 0)
        assert first["flow_id"] != second["flow_id"]
