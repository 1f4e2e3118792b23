"""What the ends of a flow say to each other: enough of each protocol for a sensor to know it."""

from __future__ import annotations

import hashlib
import random
import struct
from ipaddress import IPv4Address

import dpkt

from sensor.simulate.stacks import GROUPS, POINT_FORMATS, PROTOCOLS, SERVER_NAME, SIGNATURES, Stack

_NAMED_GROUPS = struct.pack("!HHHH", 6, 29, 23, 24)
_EMPTY_STATUS_REQUEST = b"\x01\x00\x00\x00\x00"
_STATUS_REQUEST, _RENEGOTIATION = 5, 0xFF01


def client_hello(name: str | None, stack: Stack, rng: random.Random) -> bytes:
    """A TLS 1.2 client hello of a kind of device, in one record (RFC 5246, RFC 6066, RFC 7301)."""
    bodies = {
        GROUPS: _NAMED_GROUPS,
        POINT_FORMATS: b"\x01\x00",
        SIGNATURES: _vector(struct.pack(f"!{len(stack.signatures)}H", *stack.signatures)),
        PROTOCOLS: _vector(b"".join(bytes([len(one)]) + one.encode() for one in stack.protocols)),
        _STATUS_REQUEST: _EMPTY_STATUS_REQUEST,
        _RENEGOTIATION: b"\x00",
    }
    if name is not None:
        host = name.encode()
        bodies[SERVER_NAME] = _vector(b"\x00" + _vector(host))
    extensions = b"".join(
        struct.pack("!H", kind) + _vector(bodies.get(kind, b""))
        for kind in stack.extensions
        if kind != SERVER_NAME or name is not None
    )
    suites = struct.pack(f"!{len(stack.suites)}H", *stack.suites)
    return _handshake(
        1, b"\x03\x03" + rng.randbytes(32) + b"\x00" + _vector(suites) + b"\x01\x00" + _vector(extensions)
    )


def server_hello(stack: Stack, rng: random.Random) -> bytes:
    """The answer that picks the first suite offered."""
    return _handshake(
        2, b"\x03\x03" + rng.randbytes(32) + b"\x00" + struct.pack("!HBH", stack.suites[0], 0, 0)
    )


def _vector(content: bytes) -> bytes:
    return struct.pack("!H", len(content)) + content


def _handshake(kind: int, body: bytes) -> bytes:
    message = bytes([kind]) + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + _vector(message)


def tls_data(rng: random.Random) -> bytes:
    """The beginning of a record of application data."""
    return b"\x17\x03\x03" + struct.pack("!H", 0x4000) + rng.randbytes(16)


def http_request(name: str, user_agent: str) -> bytes:
    """A request of HTTP/1.1."""
    return f"GET / HTTP/1.1\r\nHost: {name}\r\nUser-Agent: {user_agent}\r\nAccept: */*\r\n\r\n".encode()


def http_response() -> bytes:
    """The head of a response."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"


def dns_query(name: str, identifier: int) -> bytes:
    """A question for the IPv4 addresses of a name."""
    return bytes(dpkt.dns.DNS(id=identifier, op=dpkt.dns.DNS_RD, qd=[dpkt.dns.DNS.Q(name=name, type=1)]))


def dns_answer(name: str, address: str, identifier: int) -> bytes:
    """The answer with one address."""
    flags = dpkt.dns.DNS_QR | dpkt.dns.DNS_RD | dpkt.dns.DNS_RA
    answer = dpkt.dns.DNS(id=identifier, op=flags, qd=[dpkt.dns.DNS.Q(name=name, type=1)])
    record = dpkt.dns.DNS.RR(name=name, type=1, cls=1, ttl=300, rdata=IPv4Address(address).packed)
    record.ip = record.rdata
    answer.an = [record]
    return bytes(answer)


def bitcoin_version(rng: random.Random, time_s: int) -> bytes:
    """The greeting of a Bitcoin node of 2017."""
    peer = struct.pack("<Q", 1) + bytes(10) + b"\xff\xff" + bytes(4) + struct.pack("!H", 8_333)
    agent = b"/Satoshi:0.14.1/"
    return bitcoin(
        "version",
        struct.pack("<IQQ", 70_015, 1, time_s) + peer * 2 + rng.randbytes(8)
        + bytes([len(agent)]) + agent + struct.pack("<IB", 463_000, 1),
    )  # fmt: skip


def bitcoin(command: str, payload: bytes = b"") -> bytes:
    """A message of the Bitcoin main network."""
    checksum = hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    head = bytes.fromhex("f9beb4d9") + command.encode().ljust(12, b"\0")
    return head + struct.pack("<I", len(payload)) + checksum + payload


def bittorrent_handshake(rng: random.Random) -> bytes:
    """BEP 3: the protocol's name, reserved bytes, a torrent and a peer."""
    return b"\x13BitTorrent protocol" + bytes(8) + rng.randbytes(20) + b"-SM0001-" + rng.randbytes(12)


def stratum_subscribe() -> bytes:
    """A miner's first line to its pool."""
    return b'{"id": 1, "method": "mining.subscribe", "params": ["simulated/1.0"]}\n'


def stratum_answer() -> bytes:
    """The pool's answer."""
    return b'{"id": 1, "result": [[["mining.notify", "1"]], "08000002", 4], "error": null}\n'


def openvpn_resets(rng: random.Random) -> tuple[bytes, bytes]:
    """The first packets of client and server, neither authenticated nor encrypted."""
    client, server = _session(rng), _session(rng)
    return (
        b"\x38" + client + b"\x00" + bytes(4),
        b"\x40" + server + b"\x01" + bytes(4) + client + bytes(4),
    )


def openvpn_data(rng: random.Random) -> bytes:
    """The beginning of a data packet, version 1."""
    return b"\x30" + rng.randbytes(40)


def wireguard_handshake(rng: random.Random) -> tuple[bytes, bytes]:
    """Initiation and response, with what is encrypted in them random."""
    own, other = rng.randbytes(4), rng.randbytes(4)
    initiation = b"\x01\0\0\0" + own + rng.randbytes(124) + bytes(16)
    response = b"\x02\0\0\0" + other + own + rng.randbytes(64) + bytes(16)
    return initiation, response


def wireguard_data(counter: int, rng: random.Random) -> bytes:
    """A transport packet."""
    return b"\x04\0\0\0\x11\x22\x33\x44" + struct.pack("<Q", counter) + rng.randbytes(64)


def ikev2_exchange(rng: random.Random) -> tuple[bytes, bytes]:
    """IKE_SA_INIT and its answer (RFC 7296, 3.1): headers with a nonce payload each."""
    initiator, responder = _session(rng), _session(rng)

    def message(responder: bytes, flags: int) -> bytes:
        nonce = struct.pack("!BBH", 0, 0, 36) + rng.randbytes(32)
        return initiator + responder + struct.pack("!BBBBII", 40, 0x20, 34, flags, 0, 28 + len(nonce)) + nonce

    return message(bytes(8), 0x08), message(responder, 0x20)


def _session(rng: random.Random) -> bytes:
    return bytes([rng.randrange(1, 256)]) + rng.randbytes(7)
