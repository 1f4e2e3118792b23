"""What a flow is called and what it was, from packets built here to the columns of its row."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.dataset
import pytest
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, TCP, UDP
from scapy.packet import Raw

from sensor.config import Config, CountrySettings, NamingSettings
from tests.functional.built import INSIDE, OUTSIDE, WATCHED, Bench, Timed, frame, ip, write_capture
from tests.functional.spoken import (
    Answer,
    Ends,
    Message,
    client_hello,
    conversation,
    http_request,
    http_response,
    resolving,
    server_hello,
    tls,
    unnamed,
)
from tests.rules.mmdb import write_mmdb

SERVICE_COLUMNS = ("service", "organisation", "category")


def of(row: dict[str, Any], *columns: str) -> tuple[Any, ...]:
    return tuple(row[column] for column in columns)


class TestServices:
    @pytest.mark.parametrize(
        ("name", "service", "organisation", "category"),
        [
            ("www.facebook.com", "Facebook", "Meta", "social"),
            ("scontent.cdninstagram.com", "Instagram", "Meta", "social"),
            ("g.whatsapp.net", "WhatsApp", "Meta", "messaging"),
            ("www.google.com", "Google", "Google", "search"),
            ("rr3.sn-4g5.googlevideo.com", "YouTube", "Google", "video"),
            ("www.amazon.co.jp", "Amazon", "Amazon", "shopping"),
            ("s3.eu-west-1.amazonaws.com", "Amazon Web Services", "Amazon", "cloud"),
            ("notfacebook.com", None, None, None),
            ("facebook.com.example", None, None, None),
        ],
    )
    def test_by_name(
        self, bench: Bench, name: str, service: str | None, organisation: str | None, category: str | None
    ) -> None:
        row = bench.row(tls(0, Ends(), name))
        assert of(row, *SERVICE_COLUMNS) == (service, organisation, category)

    def test_by_a_dns_answer(self, bench: Bench) -> None:
        packets = resolving(0, INSIDE, Answer("www.baidu.com", [OUTSIDE])) + unnamed(1, Ends())
        row = bench.rows(packets)[-1]
        assert of(row, "service", "name_source") == ("Baidu", "dns_answer")

    def test_by_an_http_host(self, bench: Bench) -> None:
        packets = conversation(0, Ends(outside_port=80), [(True, http_request("www.163.com"))])
        assert of(bench.row(packets), "application", "name") == ("http", "www.163.com")
        assert bench.row(packets)["service"] is not None

    def test_dns_flows_have_none(self, bench: Bench) -> None:
        (row,) = bench.rows(resolving(0, INSIDE, Answer("www.facebook.com", [OUTSIDE])))
        assert of(row, "application", "name", "name_source") == ("dns", "www.facebook.com", "dns_query")
        assert of(row, *SERVICE_COLUMNS) == (None, None, None)

    def test_the_longest_suffix_of_a_name_decides(self, bench: Bench) -> None:
        assert bench.row(tls(0, Ends(), "mail.google.com"))["service"] == "Gmail"


OWN_RULES = """
source = "Tests."
limits = "None."

[[service]]
service = "Red Star Shop"
organisation = "Nobody"
category = "shopping"
suffixes = ["redstar.example"]
examples = ["www.redstar.example"]
not = ["star.example"]

[[service]]
service = "Our Facebook"
organisation = "Us"
category = "research"
suffixes = ["facebook.com"]
examples = ["www.facebook.com"]
not = ["www.instagram.com"]
"""


class TestOwnRules:
    """``--rules DIR`` adds to the shipped rules and wins over them."""

    NAMES = ("www.redstar.example", "www.facebook.com", "www.instagram.com")

    def replay(self, folder: Path, *options: str) -> dict[str, tuple[Any, ...]]:
        packets: list[Timed] = []
        for place, name in enumerate(self.NAMES):
            packets += tls(place, Ends(inside_port=40_000 + place), name)
        packets += conversation(9, Ends(inside_port=41_000, outside_port=22), [(True, b"SSH-2.0-test\r\n")])
        capture = write_capture(folder / "own.pcap", packets)
        store = str(folder / "store")
        command = [sys.executable, "-m", "sensor", "replay", str(capture), "--store", store, "--json"]
        run = subprocess.run(
            [*command, "--watch", WATCHED, *options], check=True, capture_output=True, timeout=60, text=True
        )
        assert json.loads(run.stdout)["flows"] == 4
        rows = pyarrow.dataset.dataset(Path(store) / "flows").to_table().to_pylist()
        return {row["name"] or row["application"]: of(row, *SERVICE_COLUMNS) for row in rows}

    @pytest.mark.parametrize("below", [".", "services"])
    def test_add_and_override(self, tmp_path: Path, below: str) -> None:
        rules = tmp_path / "rules" / below
        rules.mkdir(parents=True)
        (rules / "own.toml").write_text(OWN_RULES, encoding="utf-8")
        found = self.replay(tmp_path, "--rules", str(tmp_path / "rules"))
        assert found == {
            "www.redstar.example": ("Red Star Shop", "Nobody", "shopping"),
            "www.facebook.com": ("Our Facebook", "Us", "research"),
            "www.instagram.com": ("Instagram", "Meta", "social"),
            "ssh": (None, None, "remote-access"),
        }

    def test_own_words_for_protocols(self, tmp_path: Path) -> None:
        rules = tmp_path / "rules"
        rules.mkdir()
        own = '[[protocol]]\napplication = "ssh"\nname = "SSH"\ncategory = "administration"\n'
        (rules / "protocols.toml").write_text(own, encoding="utf-8")
        found = self.replay(tmp_path, "--rules", str(rules))
        assert found["ssh"] == (None, None, "administration")
        assert found["www.facebook.com"] == ("Facebook", "Meta", "social")

    def test_without(self, tmp_path: Path) -> None:
        assert self.replay(tmp_path)["www.redstar.example"] == (None, None, None)


class TestCountries:
    TALK = Ends(outside="8.8.8.8")

    def row(
        self, bench: Bench, settings: CountrySettings, ends: Ends = TALK
    ) -> tuple[str | None, str | None]:
        country, source = of(
            bench.row(tls(0, ends, "one.example"), config=Config(country=settings)),
            "country",
            "country_source",
        )
        return country, source

    def test_by_registration(self, bench: Bench) -> None:
        country, source = self.row(bench, CountrySettings())
        assert country == "US"
        assert source is not None
        assert source.startswith("rir 20")

    def test_addresses_of_nobody_have_none(self, bench: Bench) -> None:
        assert self.row(bench, CountrySettings(), Ends(outside="10.1.2.3")) == (None, None)

    def test_by_a_database(self, bench: Bench, tmp_path: Path) -> None:
        database = tmp_path / "places.mmdb"
        write_mmdb(database, {"8.8.8.0/24": {"country": {"iso_code": "KP"}}}, "Test-Country", 1_500_000_000)
        settings = CountrySettings(database=database)
        assert self.row(bench, settings) == ("KP", "Test-Country 2017-07-14")
        assert self.row(bench, settings, Ends(outside="9.9.9.9")) == (None, None)

    def test_turned_off(self, bench: Bench) -> None:
        assert self.row(bench, CountrySettings(enabled=False)) == (None, None)


class TestHello:
    def test_ja4_and_ech(self, bench: Bench) -> None:
        plain = bench.row(tls(0, Ends(), "one.example"))
        assert of(plain, "application", "ech") == ("tls", False)
        assert plain["ja4"].startswith("t12d0302h2_")
        hidden = bench.row(tls(0, Ends(), "outer.example", ech=True))
        assert of(hidden, "name", "ech") == ("outer.example", True)
        assert hidden["ja4"].startswith("t12d0303h2_")

    def test_flows_without_hello_have_neither(self, bench: Bench) -> None:
        assert of(bench.row(unnamed(0, Ends())), "ech", "ja4", "application") == (None, None, None)

    def test_any_port(self, bench: Bench) -> None:
        row = bench.row(tls(0, Ends(outside_port=8443), "one.example"))
        assert of(row, "application", "name", "name_source") == ("tls", "one.example", "tls_sni")

    @pytest.mark.parametrize(
        ("application", "plain"),
        [
            ("smtp", [(False, b"220 mx ESMTP\r\n"), (True, b"EHLO me\r\n"), (False, b"250 STARTTLS\r\n"),
                      (True, b"STARTTLS\r\n"), (False, b"220 go\r\n")]),
            ("imap", [(False, b"* OK IMAP4rev1 ready\r\n"), (True, b"a1 STARTTLS\r\n"), (False, b"a1 OK go\r\n")]),
            ("pop3", [(False, b"+OK POP3 ready\r\n"), (True, b"STLS\r\n"), (False, b"+OK go\r\n")]),
            ("ftp", [(False, b"220 FTP ready\r\n"), (True, b"AUTH TLS\r\n"), (False, b"234 go\r\n")]),
        ],
    )  # fmt: skip
    def test_after_plain_text(self, bench: Bench, application: str, plain: list[Message]) -> None:
        name = f"{application}.example"
        messages = [*plain, (True, client_hello(name)), (False, server_hello())]
        row = bench.row(conversation(0, Ends(outside_port=2525), messages))
        assert of(row, "application", "name", "name_source") == (application, name, "tls_sni")
        assert row["ja4"] is not None


class TestHttp:
    def test_several_hosts_in_one_connection(self, bench: Bench) -> None:
        messages: list[Message] = []
        for host in ("one.example", "Two.Example:8080", "one.example", "three.example"):
            messages += [(True, http_request(host)), (False, http_response())]
        row = bench.row(conversation(0, Ends(outside_port=8080), messages))
        assert of(row, "application", "name", "name_source") == ("http", "one.example", "http_host")
        assert row["names"] == ["one.example", "two.example", "three.example"]
        assert of(row, "category") == ("web",)

    def test_through_a_proxy(self, bench: Bench) -> None:
        connect = b"CONNECT www.youtube.com:443 HTTP/1.1\r\nHost: www.youtube.com:443\r\n\r\n"
        messages = [(True, connect), (False, b"HTTP/1.1 200 Connection established\r\n\r\n")]
        row = bench.row(conversation(0, Ends(outside_port=3128), messages))
        assert of(row, "name", "service") == ("www.youtube.com", "YouTube")


WIREGUARD_INITIATION = b"\x01\0\0\0" + bytes(range(128)) + bytes(16)
BITTORRENT = b"\x13BitTorrent protocol" + bytes(8) + bytes(range(40))
STUN_BINDING = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(range(12))
NTP_REQUEST = b"\x23" + bytes(39) + bytes(range(100, 108))
SIP_OPTIONS = b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"
STRATUM = b'{"id":1,"method":"mining.subscribe","params":["miner/1.0"]}\n'
MONERO_LOGIN = (
    b'{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"4","pass":"x","agent":"XMRig"}}\n'
)
RDP = b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00"


class TestApplications:
    """Words come from the bytes, whatever the port."""

    @pytest.mark.parametrize(
        ("application", "category", "messages"),
        [
            ("ssh", "remote-access", [(False, b"SSH-2.0-OpenSSH_7.4\r\n"), (True, b"SSH-2.0-PuTTY\r\n")]),
            ("bittorrent", "p2p", [(True, BITTORRENT)]),
            ("stratum", "mining", [(True, STRATUM)]),
            ("stratum", "mining", [(True, MONERO_LOGIN)]),
            ("rdp", "remote-access", [(True, RDP)]),
            ("smtp", "mail", [(False, b"220 mx.example ESMTP Postfix\r\n"), (True, b"EHLO me\r\n")]),
            ("ftp", "file-transfer", [(False, b"220 FTP server\r\n"), (True, b"USER anonymous\r\n"),
                                      (False, b"331 password\r\n")]),
            (None, None, [(True, b'{"id":1,"jsonrpc":"2.0","method":"getinfo"}\n')]),
            (None, None, [(True, bytes(64))]),
        ],
    )  # fmt: skip
    def test_tcp(
        self, bench: Bench, application: str | None, category: str | None, messages: Sequence[Message]
    ) -> None:
        row = bench.row(conversation(0, Ends(outside_port=4321), messages))
        assert of(row, "application", "category", "service") == (application, category, None)

    @pytest.mark.parametrize(
        ("application", "category", "port", "payload"),
        [
            ("wireguard", "vpn", 4321, WIREGUARD_INITIATION),
            ("stun", "voice", 4321, STUN_BINDING),
            ("ntp", "infrastructure", 123, NTP_REQUEST),
            ("sip", "voice", 5060, SIP_OPTIONS),
            (None, None, 51820, bytes(range(60))),
            (None, None, 443, bytes(60)),
        ],
    )
    def test_udp(
        self, bench: Bench, application: str | None, category: str | None, port: int, payload: bytes
    ) -> None:
        header = ip(INSIDE, OUTSIDE) / UDP(sport=40_000, dport=port)
        row = bench.row([(0.0, frame(header / Raw(payload)))])
        assert of(row, "application", "category", "service") == (application, category, None)

    def test_bare_esp(self, bench: Bench) -> None:
        packet = IP(src=INSIDE, dst=OUTSIDE, proto=50) / Raw(b"\0\0\1\2\0\0\0\1" + bytes(64))
        assert of(bench.row([(0.0, frame(packet))]), "application", "category") == ("esp", "vpn")

    def test_met_in_the_middle_with_the_server_inside(self, bench: Bench) -> None:
        connect = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"
        header = ip(OUTSIDE, INSIDE) / TCP(sport=40_000, dport=1883, flags="PA", seq=1)
        assert bench.row([(0.0, frame(header / Raw(connect)))])["application"] == "mqtt"

    def test_multicast_dns(self, bench: Bench) -> None:
        header = ip(INSIDE, "224.0.0.251") / UDP(sport=5353, dport=5353)
        question = DNS(rd=0, qd=DNSQR(qname="printer.local", qtype="A"))
        replayed = bench.replay([(0.0, frame(header / question))])
        assert of(replayed.flows[0], "application", "name", "category") == ("mdns", "printer.local", None)
        assert [row["transport"] for row in replayed.rows.of("dns")] == ["mdns"]


class TestTurnedOff:
    def test_every_column_is_null(self, bench: Bench) -> None:
        packets = resolving(0, INSIDE, Answer("www.facebook.com", [OUTSIDE]))
        packets += tls(1, Ends(), "www.facebook.com") + unnamed(2, Ends(inside_port=40_001))
        replayed = bench.replay(packets, config=Config(naming=NamingSettings(enabled=False)))
        columns = ("application", "name", "name_source", "names", "ech", "ja4", *SERVICE_COLUMNS)
        assert {of(row, *columns) for row in replayed.flows} == {(None,) * len(columns)}
        assert len(replayed.flows) == 3
        assert replayed.rows.of("dns") == []
        assert replayed.result.named == 0
