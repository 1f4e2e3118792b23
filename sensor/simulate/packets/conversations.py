"""What is said in a flow of each application, as messages."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sensor.simulate.packets import payloads as say
from sensor.simulate.packets.frames import Message
from sensor.simulate.stacks import Stack

MOST_SEGMENT_BYTES = 60_000
"""A segment as the offload of a network card hands it over: the header says so, few of the bytes are there."""
MOST_SEGMENTS = 40
_MOST_DATAGRAM_BYTES = 1_360
_MOST_DATAGRAMS = 4
_REQUEST_BYTES = 300


@dataclass(frozen=True)
class Talk:
    """What a conversation is about: the name asked for, who asks, when, and how many bytes come back."""

    name: str | None
    stack: Stack
    time_s: int
    content_bytes: int


def conversation(application: str, talk: Talk, rng: random.Random) -> list[Message]:
    """The messages of a flow of an application that the scenario knows."""
    return list(_TALKS[application](talk, rng))


def _tls(talk: Talk, rng: random.Random) -> Iterator[Message]:
    yield Message(True, say.client_hello(talk.name, talk.stack, rng))
    yield Message(False, say.server_hello(talk.stack, rng))
    yield Message(True, say.tls_data(rng), _REQUEST_BYTES)
    yield from _segments(talk, say.tls_data(rng))


def _http(talk: Talk, rng: random.Random) -> Iterator[Message]:  # noqa: ARG001 - all talks are called alike
    yield Message(True, say.http_request(talk.name or "", talk.stack.user_agent))
    yield from _segments(talk, say.http_response())


def _bitcoin(talk: Talk, rng: random.Random) -> Iterator[Message]:
    for by_initiator in (True, False):
        yield Message(by_initiator, say.bitcoin_version(rng, talk.time_s))
    for by_initiator in (True, False):
        yield Message(by_initiator, say.bitcoin("verack"))
    yield from _segments(talk, say.bitcoin("inv", rng.randbytes(37)))


def _bittorrent(talk: Talk, rng: random.Random) -> Iterator[Message]:
    for by_initiator in (True, False):
        yield Message(by_initiator, say.bittorrent_handshake(rng))
    yield from _segments(talk, rng.randbytes(32))


def _stratum(talk: Talk, rng: random.Random) -> Iterator[Message]:  # noqa: ARG001
    yield Message(True, say.stratum_subscribe())
    yield Message(False, say.stratum_answer())


def _ssh(talk: Talk, rng: random.Random) -> Iterator[Message]:
    for by_initiator in (True, False):
        yield Message(by_initiator, b"SSH-2.0-simulated\r\n")
    yield from _segments(talk, rng.randbytes(32))


def _unknown(talk: Talk, rng: random.Random) -> Iterator[Message]:
    yield Message(True, b"\x01\x00simulated" + rng.randbytes(12))
    yield from _segments(talk, b"\x02\x00simulated" + rng.randbytes(12))


def _openvpn(talk: Talk, rng: random.Random) -> Iterator[Message]:
    client, server = say.openvpn_resets(rng)
    yield Message(True, client)
    yield Message(False, server)
    yield from _datagrams(talk, lambda _: say.openvpn_data(rng))


def _wireguard(talk: Talk, rng: random.Random) -> Iterator[Message]:
    initiation, response = say.wireguard_handshake(rng)
    yield Message(True, initiation)
    yield Message(False, response)
    yield from _datagrams(talk, lambda number: say.wireguard_data(number, rng))


def _ikev2(talk: Talk, rng: random.Random) -> Iterator[Message]:  # noqa: ARG001
    request, answer = say.ikev2_exchange(rng)
    yield Message(True, request)
    yield Message(False, answer)


_TALKS: dict[str, Callable[[Talk, random.Random], Iterator[Message]]] = {
    "tls": _tls, "http": _http, "bitcoin": _bitcoin, "bittorrent": _bittorrent, "stratum": _stratum,
    "ssh": _ssh, "unknown": _unknown, "openvpn": _openvpn, "wireguard": _wireguard, "ikev2": _ikev2,
}  # fmt: skip


def _segments(talk: Talk, beginning: bytes) -> Iterator[Message]:
    """What comes back over TCP, in as few segments as carry it."""
    wanted = min(talk.content_bytes, MOST_SEGMENTS * MOST_SEGMENT_BYTES)
    while wanted > 0:
        size = min(wanted, MOST_SEGMENT_BYTES)
        yield Message(False, beginning, max(0, size - len(beginning)))
        wanted -= size


def _datagrams(talk: Talk, content: Callable[[int], bytes]) -> Iterator[Message]:
    """What comes back over UDP: whole blocks of sixteen bytes, as tunnels have them."""
    count = min(_MOST_DATAGRAMS, 1 + talk.content_bytes // _MOST_DATAGRAM_BYTES)
    for number in range(count):
        body = content(number)
        yield Message(False, body, (_MOST_DATAGRAM_BYTES - len(body)) // 16 * 16)
