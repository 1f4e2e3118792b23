"""What the ends of the demo capture say: TLS, QUIC-like, HTTP, DNS and Bitcoin messages."""

import hashlib
import random
import struct
from ipaddress import ip_address

import dpkt


def _extension(kind: int, body: bytes) -> bytes:
    return struct.pack("!HH", kind, len(body)) + body


def client_hello(name: str, rng: random.Random) -> bytes:
    """A TLS 1.2 client hello with the server's name, in one record (RFC 5246, RFC 6066)."""
    host = name.encode()
    extensions = b"".join(
        [
            _extension(0, struct.pack("!HBH", len(host) + 3, 0, len(host)) + host),
            _extension(10, struct.pack("!HHHH", 6, 29, 23, 24)),
            _extension(11, b"\x01\x00"),
            _extension(13, struct.pack("!HHHH", 6, 0x0403, 0x0804, 0x0401)),
            _extension(16, b"\x00\x0c\x02h2\x08http/1.1"),
        ]
    )
    suites = struct.pack("!6H", 0xC02B, 0xC02F, 0xC02C, 0xC030, 0x009C, 0x002F)
    body = b"\x03\x03" + rng.randbytes(32) + b"\x00" + struct.pack("!H", len(suites)) + suites + b"\x01\x00"
    return _handshake(1, body + struct.pack("!H", len(extensions)) + extensions)


def server_hello(rng: random.Random) -> bytes:
    """The answer that picks the second suite offered."""
    return _handshake(2, b"\x03\x03" + rng.randbytes(32) + b"\x00" + struct.pack("!HBH", 0xC02F, 0, 0))


def _handshake(kind: int, body: bytes) -> bytes:
    message = bytes([kind]) + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack("!H", len(message)) + message


def tls_data(size: int, rng: random.Random) -> bytes:
    """A record of application data."""
    return b"\x17\x03\x03" + struct.pack("!H", size) + rng.randbytes(size)


def quic_long(rng: random.Random) -> bytes:
    """A datagram in the shape of a QUIC version 1 Initial; its payload is noise and opens with no key."""
    identifier = rng.randbytes(8)
    rest = 1_200 - 7 - len(identifier) - 2 - 2
    return (
        b"\xc3\x00\x00\x00\x01\x08"
        + identifier
        + b"\x00\x00"
        + struct.pack("!H", 0x4000 | rest)
        + rng.randbytes(rest)
    )


def quic_short(size: int, rng: random.Random) -> bytes:
    """A datagram in the shape of a QUIC packet with a short header."""
    return b"\x41" + rng.randbytes(size)


def http_request(name: str, path: str) -> bytes:
    """A request of HTTP/1.1."""
    return f"GET {path} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: demo/1.0\r\nAccept: */*\r\n\r\n".encode()


def http_response(size: int) -> bytes:
    """A response with `size` bytes of text."""
    body = (b"The quick brown fox jumps over the lazy dog.\n" * (size // 45 + 1))[:size]
    return f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\n\r\n".encode() + body


def dns_query(name: str, identifier: int) -> bytes:
    """A question for the IPv4 addresses of a name."""
    return bytes(dpkt.dns.DNS(id=identifier, op=dpkt.dns.DNS_RD, qd=[dpkt.dns.DNS.Q(name=name, type=1)]))


def dns_answer(name: str, address: str | None, identifier: int) -> bytes:
    """The answer with one address, or that there is no such name."""
    flags = dpkt.dns.DNS_QR | dpkt.dns.DNS_RD | dpkt.dns.DNS_RA
    answer = dpkt.dns.DNS(id=identifier, op=flags, qd=[dpkt.dns.DNS.Q(name=name, type=1)])
    if address is None:
        answer.rcode = dpkt.dns.DNS_RCODE_NXDOMAIN
    else:
        record = dpkt.dns.DNS.RR(name=name, type=1, cls=1, ttl=300, rdata=ip_address(address).packed)
        record.ip = record.rdata
        answer.an = [record]
    return bytes(answer)


def bitcoin(command: str, payload: bytes) -> bytes:
    """A message of the Bitcoin main network."""
    checksum = hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    head = bytes.fromhex("f9beb4d9") + command.encode().ljust(12, b"\0")
    return head + struct.pack("<I", len(payload)) + checksum + payload


def bitcoin_version(rng: random.Random, time_s: int) -> bytes:
    """The greeting of a Bitcoin node of 2017."""
    network = struct.pack("<Q", 1) + bytes(10) + b"\xff\xff" + bytes(4) + struct.pack("!H", 8_333)
    agent = b"/Satoshi:0.14.1/"
    return bitcoin(
        "version",
        struct.pack("<IQQ", 70_015, 1, time_s) + network * 2 + rng.randbytes(8)
        + bytes([len(agent)]) + agent + struct.pack("<IB", 463_000, 1),
    )  # fmt: skip
