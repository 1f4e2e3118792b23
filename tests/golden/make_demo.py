"""Write ``captures/demo.pcap``: two days at the border of the three watched blocks, invented.

The same bytes on every run: ``python tests/golden/make_demo.py``. ``captures/README.md`` tells what is in it.
"""

import random
import struct
from collections.abc import Iterator
from pathlib import Path

import demo_payloads as say
import dpkt
from demo_frames import Conversation, Frame, ethernet, frames, ip_packet

OUTPUT = Path(__file__).parent / "captures" / "demo.pcap"
FIRST_S = 1_494_979_200  # 2017-05-17 00:00:00 UTC
LASTS_S = 2 * 86_400
UDP, ICMP = dpkt.ip.IP_PROTO_UDP, dpkt.ip.IP_PROTO_ICMP

STAR = [f"175.45.{third}.{last}" for third in (176, 177, 178, 179) for last in (10, 11, 37)]
NETCOM = [f"210.52.109.{last}" for last in (3, 22, 101)]
SATNET = [f"77.94.35.{last}" for last in (18, 66)]
INSIDE = STAR * 3 + NETCOM * 2 + SATNET * 2
RESOLVERS = ["8.8.8.8", "114.114.114.114", "77.88.8.8"]

# Names and an address each; the more often a name stands here, the more often it is visited.
SITES = [
    ("www.facebook.com", "31.13.82.36"), ("www.facebook.com", "31.13.82.36"),
    ("mail.google.com", "216.58.221.5"), ("www.baidu.com", "180.76.3.151"),
    ("www.instagram.com", "31.13.95.63"), ("www.alibaba.com", "205.204.101.42"),
    ("www.amazon.com", "54.239.25.192"), ("mail.163.com", "123.126.97.202"),
    ("v.youku.com", "106.11.47.20"), ("www.xinhuanet.com", "202.108.119.193"),
    ("store.steampowered.com", "23.44.128.100"), ("www.apple.com", "17.142.160.59"),
    ("login.qq.com", "140.207.54.47"), ("www.iitb.ac.in", "103.21.127.114"),
]  # fmt: skip
PAGES = [("news.example.org", "198.51.100.17"), ("files.example.net", "203.0.113.80")]


def moments(rng: random.Random, number: int) -> Iterator[float]:
    """That many moments of the two days."""
    for _ in range(number):
        yield FIRST_S + rng.uniform(60, LASTS_S - 600)


def visits(rng: random.Random) -> Iterator[Conversation]:
    """A name asked for, then TLS with the address that the answer gave; one of five goes on over QUIC."""
    wraps = ["plain"] * 6 + ["vlan", "vlan", "stacked", "vxlan"]
    for number, start in enumerate(moments(rng, 100)):
        host, (name, address), wrap = rng.choice(INSIDE), rng.choice(SITES), rng.choice(wraps)
        port, identifier = 32_768 + number * 7, rng.randrange(65_536)
        dns = [(True, say.dns_query(name, identifier)), (False, say.dns_answer(name, address, identifier))]
        resolver = (rng.choice(RESOLVERS), 53)
        yield Conversation(start, (host, port), resolver, dns, protocol=UDP, wrap=wrap)
        quic = [(True, say.quic_long(rng)), (False, say.quic_long(rng)), (False, say.quic_short(700, rng))]
        tls = [
            (True, say.client_hello(name, rng)),
            (False, say.server_hello(rng)),
            (True, say.tls_data(rng.randrange(80, 400), rng)),
            (False, say.tls_data(rng.randrange(200, 1_500), rng)),
        ]
        yield Conversation(start + 0.4, (host, port + 1), (address, 443), tls, wrap=wrap)
        if number % 5 == 0:
            yield Conversation(start + 3, (host, port + 2), (address, 443), quic, protocol=UDP, wrap=wrap)


def other_uses(rng: random.Random) -> Iterator[Conversation]:
    """HTTP, a name that does not exist, echo requests, fragmented datagrams, a flow between two blocks."""
    for number, start in enumerate(moments(rng, 24)):
        host, (name, address) = rng.choice(INSIDE), rng.choice(PAGES)
        messages = [
            (True, say.http_request(name, f"/page/{number}")),
            (False, say.http_response(300 + 60 * number)),
        ]
        yield Conversation(start, (host, 40_000 + number), (address, 80), messages)
    for number, start in enumerate(moments(rng, 6)):
        name = f"no-such-{number}.example.com"
        messages = [(True, say.dns_query(name, number)), (False, say.dns_answer(name, None, number))]
        yield Conversation(start, (rng.choice(STAR), 41_000), (RESOLVERS[0], 53), messages, protocol=UDP)
    for start in moments(rng, 5):
        messages = [(sent, bytes(range(56))) for _ in range(4) for sent in (True, False)]
        yield Conversation(
            start, (rng.choice(NETCOM), 0), (rng.choice(RESOLVERS), 0), messages, protocol=ICMP
        )
    for number, start in enumerate(moments(rng, 5)):
        messages = [(True, rng.randbytes(2_500)), (False, rng.randbytes(3_100))]
        ends = (rng.choice(STAR), 42_000 + number), ("203.0.113.9", 5_060)
        yield Conversation(start, *ends, messages, protocol=UDP, wrap="fragments")
    yield Conversation(FIRST_S + 30_000, (STAR[0], 43_000), (SATNET[0], 22), [(True, b"SSH-2.0-demo\r\n")])


def bitcoin_nodes(rng: random.Random) -> Iterator[Conversation]:
    """Bitcoin, from the second day on only: the start of something, which a study has to find."""
    for number in range(12):
        start = FIRST_S + 86_400 + rng.uniform(0, 80_000)
        greeting = (True, say.bitcoin_version(rng, int(start))), (False, say.bitcoin_version(rng, int(start)))
        verack = (True, say.bitcoin("verack", b"")), (False, say.bitcoin("verack", b""))
        ends = (rng.choice(STAR), 44_000 + number), (f"192.0.2.{10 + number}", 8_333)
        yield Conversation(start, *ends, [*greeting, *verack])


def visitors(rng: random.Random) -> Iterator[Conversation]:
    """What comes from outside: a scan that nobody answers, and readers of a web server inside."""
    for number, start in enumerate(moments(rng, 90)):
        yield Conversation(start, ("198.51.100.200", 50_000), (rng.choice(STAR), 20 + number), answered=False)
    for number, start in enumerate(moments(rng, 8)):
        messages = [(True, say.http_request("www.example.com", "/")), (False, say.http_response(1_500))]
        yield Conversation(start, (f"203.0.113.{number + 1}", 51_000), (STAR[2], 80), messages)


def bystanders(rng: random.Random) -> Iterator[Conversation]:
    """Traffic of the same link that is not of the watched blocks, IPv4 and IPv6."""
    for number, start in enumerate(moments(rng, 20)):
        messages = [(True, say.http_request("www.example.com", "/")), (False, say.http_response(400))]
        four = (f"100.64.0.{number + 1}", 52_000), ("198.51.100.40", 80)
        six = (f"2001:db8:35::{number + 1:x}", 52_000), ("2001:db8:ffff::80", 80)
        yield Conversation(start, *(six if number % 2 else four), messages)


def strays(rng: random.Random) -> Iterator[Frame]:
    """Frames that hold no IP packet, and some that claim one and do not hold it."""
    arp = bytes(dpkt.arp.ARP(sha=b"\2\0\0\0\0\1", spa=b"\xaf\x2d\xb0\x01", tpa=b"\xaf\x2d\xb0\x02"))
    whole = ip_packet(STAR[0], "192.0.2.1", b"\0" * 20, UDP)
    short_header = b"\x43" + whole[1:]
    for frame in (
        b"\xff" * 6 + b"\2\0\0\0\0\1" + b"\x08\x06" + arp + bytes(18),
        ethernet(short_header, True),
        ethernet(whole, True)[:24],
        b"\2\0\0\0\0\2",
    ):
        yield next(moments(rng, 1)), frame


def main() -> None:
    """Write the capture."""
    rng = random.Random(20170517)
    everything: list[Frame] = list(strays(rng))
    for part in (visits, other_uses, bitcoin_nodes, visitors, bystanders):
        for conversation in part(rng):
            everything += frames(conversation, rng)
    everything.sort()
    OUTPUT.parent.mkdir(exist_ok=True)
    with OUTPUT.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
        for time_s, frame in everything:
            seconds, microseconds = divmod(round(time_s * 1e6), 1_000_000)
            file.write(struct.pack("<IIII", seconds, microseconds, len(frame), len(frame)) + frame)
    print(f"{OUTPUT.name}: {len(everything)} packets, {OUTPUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
