"""``blocktap explain``: each step is there, its evidence is right, and nothing hostile reaches the terminal."""

import json
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw
from typer.testing import CliRunner

from sensor.cli import make_app
from tests.cli.commands import DEMO, DEMO_PACKETS, blocktap
from tests.cli.test_replay_terminal import ended_on_terminal
from tests.functional.built import INSIDE, OUTSIDE, WATCHED, Timed, frame, write_capture
from tests.golden.demo_payloads import client_hello

RESOLVER = "198.51.100.53"
NAME = "www.facebook.com"
PORT, HTTPS = 40_000, 443
HELLO = client_hello(NAME, random.Random(1))


def in_process(*words: str | Path) -> dict[str, Any]:
    """What the command prints with ``--json``, without the start of another interpreter."""
    ended = CliRunner().invoke(make_app(["explain"]), ["explain", "--json", *map(str, words)])
    assert (ended.exit_code, ended.stderr) == (0, ""), ended.output
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


def explained(capture: Path, flow: str, *words: str | Path) -> dict[str, Any]:
    told = in_process(capture, "--flow", flow, *words)
    assert told["community_id"] == flow
    return told


def listed(capture: Path, *words: str | Path) -> list[dict[str, Any]]:
    flows: list[dict[str, Any]] = in_process(capture, "--list", *words)["flows"]
    return flows


def flow_to(capture: Path, outside: str, *words: str | Path) -> str:
    """The community id of the only flow with this outside end."""
    (found,) = [one["community_id"] for one in listed(capture, *words) if one["outside"] == outside]
    return str(found)


def findings(told: dict[str, Any], step: str) -> list[dict[str, Any]]:
    (found,) = [one["findings"] for one in told["steps"] if one["step"] == step]
    return list(found)


def finding(told: dict[str, Any], step: str, begins: str) -> dict[str, Any]:
    (found,) = [one for one in findings(told, step) if one["text"].startswith(begins)]
    return dict(found)


def said(told: dict[str, Any], step: str) -> str:
    """All that a step says, in one piece."""
    return "\n".join(line for one in findings(told, step) for line in (one["text"], *one["evidence"]))


def query_and_answer(at_s: float) -> list[Timed]:
    asked = DNS(id=7, rd=1, qd=DNSQR(qname=NAME))
    alias = DNSRR(rrname=NAME, type="CNAME", ttl=60, rdata="star.example.net")
    answers = [alias, DNSRR(rrname="star.example.net", ttl=60, rdata=OUTSIDE)]
    answer = DNS(id=7, qr=1, ra=1, qd=DNSQR(qname=NAME), an=answers)
    return [
        (at_s, frame(IP(src=INSIDE, dst=RESOLVER) / UDP(sport=5353 + 1, dport=53) / asked)),
        (at_s + 0.1, frame(IP(src=RESOLVER, dst=INSIDE) / UDP(sport=53, dport=5353 + 1) / answer)),
    ]


def connection(data: bytes = b"") -> list[Packet]:
    """SYN, SYN-ACK, then data from inside."""
    out, back = IP(src=INSIDE, dst=OUTSIDE), IP(src=OUTSIDE, dst=INSIDE)
    ports, turned = {"sport": PORT, "dport": HTTPS}, {"sport": HTTPS, "dport": PORT}
    packets = [
        out / TCP(**ports, flags="S", seq=100),
        back / TCP(**turned, flags="SA", seq=500, ack=101),
        out / TCP(**ports, flags="A", seq=101, ack=501),
    ]
    if data:
        packets.append(out / TCP(**ports, flags="PA", seq=101, ack=501) / Raw(data))
    return packets


def timed(at_s: float, packets: list[Packet]) -> list[Timed]:
    return [(at_s + number / 100, frame(packet)) for number, packet in enumerate(packets)]


@pytest.fixture
def joined(tmp_path: Path) -> Path:
    """A DNS answer, and a connection without a name to the address it gave."""
    packets = [*query_and_answer(0), *timed(1, connection(b"no protocol at all"))]
    return write_capture(tmp_path / "joined.pcap", packets)


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A TLS connection with a name in its hello."""
    return write_capture(tmp_path / "named.pcap", timed(0, connection(HELLO)))


class TestSteps:
    def test_tls_name(self, named: Path) -> None:
        told = explained(named, flow_to(named, f"{OUTSIDE}:{HTTPS}"), "--watch", WATCHED)
        assert told["watched"] is True
        assert finding(told, "flow", "begun by: inside")["evidence"] == ["a SYN from inside"]
        assert finding(told, "flow", "answered: yes")["packet"] == 2
        name = finding(told, "name", f"name {NAME}")
        assert name["packet"] == 4
        assert name["evidence"][0].startswith("tls_sni")
        application = finding(told, "classify", "application tls (sure)")
        assert (application["packet"], bool(application["evidence"])) == (4, True)
        assert "facebook.com" in finding(told, "classify", "service Facebook")["evidence"][0]
        assert [record["name"] for record in told["records"]] == [NAME]

    def test_joined_name_tells_of_the_answer(self, joined: Path) -> None:
        told = explained(joined, flow_to(joined, f"{OUTSIDE}:{HTTPS}"), "--watch", WATCHED)
        name = finding(told, "name", f"name {NAME}, joined from DNS")
        assert name["packet"] == 3
        assert name["evidence"][0] == (f"packet 2: {RESOLVER} answered {NAME} by star.example.net: {OUTSIDE}")
        assert "least TTL 60 s" in name["evidence"][1]
        assert told["records"][0]["name_source"] == "dns_answer"

    def test_unwatched_flow_is_explained_like_a_watched_one(self, joined: Path) -> None:
        told = explained(joined, flow_to(joined, f"{OUTSIDE}:{HTTPS}"))
        assert told["watched"] is False
        assert findings(told, "watch")[0]["text"].startswith(f"not watched: no block holds {INSIDE}")
        assert f"--watch {INSIDE}/32" in said(told, "watch")
        watched = explained(joined, flow_to(joined, f"{OUTSIDE}:{HTTPS}"), "--watch", f"{INSIDE}/32")
        for step in ("flow", "name", "classify"):
            assert findings(told, step) == findings(watched, step)
        assert told["records"] == watched["records"]

    def test_tunnel(self, tmp_path: Path) -> None:
        inner = [frame(packet) for packet in connection(HELLO)]
        outer = (
            IP(src="10.0.0.1", dst="10.0.0.2")
            / UDP(sport=50_000, dport=4789)
            / VXLAN(vni=9, flags="Instance")
        )
        capture = write_capture(tmp_path / "vxlan.pcap", timed(0, [outer / packet for packet in inner]))
        told = explained(capture, flow_to(capture, f"{OUTSIDE}:{HTTPS}"), "--watch", WATCHED)
        evidence = findings(told, "decode")[0]["evidence"]
        assert evidence[0].startswith("around: IPv4 at byte 14, 10.0.0.1:50000 > 10.0.0.2:4789 UDP")
        assert evidence[0].endswith("no watched address")
        assert evidence[1].startswith("counted: IPv4 in vxlan at byte 64")
        assert "innermost" in evidence[2]
        assert any("VXLAN" in line for line in told["packets"][0]["dissection"])

    def test_fragments_that_came_before_their_first(self, tmp_path: Path) -> None:
        whole = IP(src=INSIDE, dst=OUTSIDE, id=9) / UDP(sport=PORT, dport=9) / Raw(bytes(3000))
        pieces = fragment(whole, fragsize=1000)
        capture = write_capture(tmp_path / "late.pcap", timed(0, pieces[::-1]))
        told = explained(capture, flow_to(capture, f"{OUTSIDE}:9"), "--watch", WATCHED)
        assert finding(told, "decode", "1 first fragment:")["packet"] == len(pieces)
        assert said(told, "decode").count("later fragment") == 1
        assert sorted(one["number"] for one in told["packets"]) == list(range(1, len(pieces) + 1))

    def test_block_that_was_not_valid_yet(self, tmp_path: Path, named: Path) -> None:
        blocks = tmp_path / "blocks.toml"
        blocks.write_text(
            f'[[block]]\nname = "later"\nprefixes = ["{WATCHED}"]\nholder = "Somebody"\n'
            'claimed_country = "NL"\nconfidence = "high"\nvalid_from = 2018-01-01\n'
            'note = "n"\nsource = "s"\n'
        )
        told = explained(named, flow_to(named, f"{OUTSIDE}:{HTTPS}"), "--blocks", blocks)
        assert told["watched"] is False
        assert f"{WATCHED} of later (blocks.toml)" in said(told, "watch")
        assert "valid from 2018-01-01, not on 2017-05-17" in said(told, "watch")

    def test_ends_used_again_are_two_flows(self, tmp_path: Path) -> None:
        packets = [*timed(0, connection(HELLO)), *timed(1000, connection())]
        capture = write_capture(tmp_path / "again.pcap", packets)
        told = explained(capture, flow_to(capture, f"{OUTSIDE}:{HTTPS}"), "--watch", WATCHED)
        assert finding(told, "name 1 of 2", f"name {NAME}")["packet"] == 4
        assert findings(told, "name 2 of 2")[0]["text"] == "no name"

    def test_settings_without_naming(self, tmp_path: Path, named: Path) -> None:
        settings = tmp_path / "blocktap.toml"
        settings.write_text("[naming]\nenabled = false\n")
        told = explained(
            named, flow_to(named, f"{OUTSIDE}:{HTTPS}"), "--watch", WATCHED, "--config", settings
        )
        assert "naming is off" in said(told, "name")


class TestDemo:
    def test_every_kind_of_flow(self) -> None:
        kinds = {(one["protocol"], one["application"]): one["community_id"] for one in listed(DEMO)}
        assert len(kinds) > 5
        for flow in kinds.values():
            told = explained(DEMO, flow, "--packets", "3")
            assert told["packets_counted"] == sum(
                record["packets_out"] + record["packets_in"] for record in told["records"]
            )
            begun = finding(told, "flow", "begun by:")
            assert begun["text"] == f"begun by: {told['records'][0]['initiator']}"
            answered = finding(told, "flow", "answered:")["text"]
            assert answered == ("answered: yes" if told["records"][-1]["answered"] else "answered: no")
            application = told["records"][-1]["application"] or "no application"
            assert application in said(told, "classify")

    def test_several_captures_are_one(self, tmp_path: Path, named: Path, joined: Path) -> None:
        flow = flow_to(named, f"{OUTSIDE}:{HTTPS}")
        ended = blocktap("explain", named, joined, "--flow", flow, "--json", "--watch", WATCHED)
        told = json.loads(ended.stdout)
        numbers = [packet["number"] for packet in told["packets"]]
        assert numbers == sorted(numbers)
        assert "merged by time" in said(told, "source")
        assert f"{DEMO_PACKETS:,}" not in said(told, "source")


class TestNoSuchFlow:
    UNKNOWN = "1:" + "A" * 27 + "="

    def test_tells_what_there_is(self) -> None:
        ended = blocktap("explain", DEMO, "--flow", self.UNKNOWN)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.startswith("blocktap: no flow 1:AAAA")
        offered = [line for line in ended.stderr.splitlines() if line.startswith("1:")]
        assert len(offered) == 10
        told = explained(DEMO, offered[0].split()[0])
        assert told["steps"]

    def test_as_json(self) -> None:
        ended = blocktap("explain", DEMO, "--flow", self.UNKNOWN, "--json")
        assert ended.returncode == 1
        told = json.loads(ended.stdout)
        assert "no flow" in told["error"]
        assert len(told["flows"]) == 10

    @pytest.mark.parametrize(
        "words", [["--flow", "443"], ["--flow", UNKNOWN, "--list"], [], ["--flow", UNKNOWN, "--watch", "x"]]
    )
    def test_wrong_words(self, words: list[str]) -> None:
        assert blocktap("explain", DEMO, *words).returncode == 2

    def test_standard_input(self) -> None:
        ended = blocktap("explain", "-", "--list")
        assert ended.returncode == 2
        assert "more than once" in " ".join(ended.stderr.replace("\u2502", " ").split())

    def test_missing_capture(self, tmp_path: Path) -> None:
        ended = blocktap("explain", tmp_path / "missing.pcap", "--list")
        assert ended.returncode == 1
        assert "no such file" in ended.stderr


class TestHostile:
    def test_escapes_and_markup(self, tmp_path: Path) -> None:
        agent = b"\x1b[2J[bold red]x[/bold red]\x07\xff[/]"
        request = b"GET / HTTP/1.1\r\nHost: a.example\r\nUser-Agent: " + agent + b"\r\n\r\n"
        capture = write_capture(tmp_path / "evil[bold].pcap", timed(0, connection(request)))
        flow = flow_to(capture, f"{OUTSIDE}:{HTTPS}")
        ended = blocktap("explain", capture, "--flow", flow)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert all(one.isprintable() for one in ended.stdout.replace("\n", ""))
        assert "[bold red]x[/bold red]" in ended.stdout
        assert "evil[bold].pcap" in ended.stdout
        status, shown = ended_on_terminal("explain", capture, "--flow", TestNoSuchFlow.UNKNOWN)
        assert status == 1
        assert "\x1b[2J" not in shown

    def test_frames_of_noise(self, tmp_path: Path) -> None:
        """Whatever the bytes are, the flow is told; scapy's own troubles stay its own."""
        rng = random.Random(7)
        header = IP(src=INSIDE, dst=OUTSIDE)
        ports = (53, 67, 137, 161, 500)
        packets = [header / UDP(sport=PORT, dport=port) / Raw(rng.randbytes(300)) for port in ports]
        capture = write_capture(tmp_path / "noise.pcap", timed(0, packets))
        flows = [one["community_id"] for one in listed(capture)]
        assert len(flows) == len(ports)
        for flow in flows:
            told = explained(capture, flow, "--watch", WATCHED)
            assert len(told["packets"]) == 1
            assert told["packets"][0]["dissection"]

    def test_link_type_that_scapy_does_not_read(self, tmp_path: Path) -> None:
        data = b"\x0f\x00\x08\x00" + bytes(IP(src=INSIDE, dst=OUTSIDE) / UDP(sport=PORT, dport=9) / b"x")
        capture = tmp_path / "hdlc.pcap"
        capture.write_bytes(
            struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 104)
            + struct.pack("<IIII", 1_494_979_200, 0, len(data), len(data))
            + data
        )
        told = explained(capture, flow_to(capture, f"{OUTSIDE}:9"), "--watch", WATCHED)
        assert "Cisco HDLC" in said(told, "decode")
        lines = told["packets"][0]["dissection"]
        assert "scapy does not read link type 104" in lines[0]
        assert "###[ IP ]###" in lines[1]

    def test_output_is_bounded(self, tmp_path: Path) -> None:
        questions = [DNSQR(qname="a" * 60 + f".{number}.example") for number in range(100)]
        asked = IP(src=INSIDE, dst=RESOLVER) / UDP(sport=PORT, dport=53) / DNS(id=1, qd=questions)
        capture = write_capture(tmp_path / "many.pcap", timed(0, [asked]))
        told = explained(capture, flow_to(capture, f"{RESOLVER}:53"), "--watch", WATCHED)
        lines = told["packets"][0]["dissection"]
        assert len(lines) <= 152
        assert lines[-1].endswith("more lines")
