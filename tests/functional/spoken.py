"""What hosts say to each other, in scapy's packets: hellos, requests, questions and answers."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import TCP, UDP
from scapy.packet import Raw

from tests.functional.built import INSIDE, OUTSIDE, Timed, frame, ip

RESOLVER = "203.0.113.53"
ECH = 0xFE0D
STEP_S = 0.001

Message = tuple[bool, bytes]
"""Whether it is sent by who began, and what."""


def client_hello(name: str, *, protocols: Sequence[str] = (), ech: bool = False) -> bytes:
    """A TLS 1.2 client hello in one record (RFC 5246, RFC 6066, RFC 7301)."""
    host = name.encode()
    extensions = _extension(0, struct.pack("!HBH", len(host) + 3, 0, len(host)) + host)
    if protocols:
        offered = b"".join(bytes([len(one)]) + one.encode() for one in protocols)
        extensions += _extension(16, struct.pack("!H", len(offered)) + offered)
    if ech:
        # The outer form of RFC 9849: key derivation, cipher, key number, no key, sixteen bytes of payload.
        extensions += _extension(ECH, b"\x00\x00\x01\x00\x01\x07\x00\x00\x00\x10" + bytes(16))
    suites = struct.pack("!3H", 0xC02B, 0xC02F, 0x002F)
    body = b"\x03\x03" + bytes(range(32)) + b"\x00" + struct.pack("!H", len(suites)) + suites + b"\x01\x00"
    return _handshake(1, body + struct.pack("!H", len(extensions)) + extensions)


def server_hello() -> bytes:
    """The answer that picks a suite."""
    return _handshake(2, b"\x03\x03" + bytes(range(32)) + b"\x00" + struct.pack("!HBH", 0xC02F, 0, 0))


def _extension(kind: int, body: bytes) -> bytes:
    return struct.pack("!HH", kind, len(body)) + body


def _handshake(kind: int, body: bytes) -> bytes:
    message = bytes([kind]) + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack("!H", len(message)) + message


def http_request(host: str, path: str = "/") -> bytes:
    """A request of HTTP/1.1 without a body."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: test/1.0\r\n\r\n".encode()


def http_response() -> bytes:
    """A response with two bytes of text."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Ends:
    """Who talks to whom."""

    inside: str = INSIDE
    outside: str = OUTSIDE
    inside_port: int = 40_000
    outside_port: int = 443


def conversation(
    at_s: float, ends: Ends, messages: Sequence[Message], *, answered: bool = True
) -> list[Timed]:
    """A TCP connection begun inside: handshake, messages, close; unanswered, the messages go out all the same."""
    sequence = {True: 1_000, False: 5_000}
    packets: list[Timed] = []

    def send(out: bool, flags: str, payload: bytes = b"") -> None:
        if out or answered:
            source, destination = (ends.inside, ends.outside) if out else (ends.outside, ends.inside)
            ports = (ends.inside_port, ends.outside_port)
            sport, dport = ports if out else ports[::-1]
            acknowledged = sequence[not out] if "A" in flags else 0
            header = TCP(sport=sport, dport=dport, flags=flags, seq=sequence[out], ack=acknowledged)
            packet = ip(source, destination) / header / Raw(payload)
            packets.append((at_s + STEP_S * len(packets), frame(packet)))
        sequence[out] += len(payload) + ("S" in flags or "F" in flags)

    send(True, "S")
    send(False, "SA")
    send(True, "A")
    for out, payload in messages:
        send(out, "PA", payload)
    send(True, "FA")
    send(False, "FA")
    send(True, "A")
    return packets


def tls(at_s: float, ends: Ends, name: str, *, answered: bool = True, ech: bool = False) -> list[Timed]:
    """A TLS connection that asks for a name."""
    hello = client_hello(name, protocols=("h2", "http/1.1"), ech=ech)
    return conversation(at_s, ends, [(True, hello), (False, server_hello())], answered=answered)


def unnamed(at_s: float, ends: Ends) -> list[Timed]:
    """A connection that shows no name and no protocol."""
    return conversation(at_s, ends, [(True, b"\x81\x02\x03\x04" * 8), (False, b"\x91\x07\x03\x04" * 8)])


@dataclass(frozen=True)
class Answer:
    """What a resolver says of a name."""

    name: str
    addresses: Sequence[str]
    ttl_s: int = 60
    cnames: Sequence[str] = ()


def resolving(
    at_s: float, inside: str, answer: Answer, *, port: int = 50_000, resolver: str = RESOLVER
) -> list[Timed]:
    """A question for addresses from inside, and its answer a moment later."""
    number = port & 0xFFFF
    kind = "AAAA" if ":" in answer.addresses[0] else "A"
    question = DNSQR(qname=answer.name, qtype=kind)
    owners = [answer.name, *answer.cnames]
    records = [
        DNSRR(rrname=owner, type="CNAME", ttl=answer.ttl_s, rdata=target)
        for owner, target in zip(owners, answer.cnames, strict=False)
    ]
    records += [
        DNSRR(rrname=owners[-1], type=kind, ttl=answer.ttl_s, rdata=address) for address in answer.addresses
    ]
    asked = DNS(id=number, rd=1, qd=question)
    said = DNS(id=number, qr=1, rd=1, ra=1, qd=question, an=records)
    out = ip(inside, resolver) / UDP(sport=port, dport=53) / asked
    back = ip(resolver, inside) / UDP(sport=53, dport=port) / said
    return [(at_s, frame(out)), (at_s + 0.01, frame(back))]
