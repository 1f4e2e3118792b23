"""One flow of a scenario as frames."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from sensor.simulate.endpoints import Endpoint, Kind
from sensor.simulate.packets import payloads as say
from sensor.simulate.packets.conversations import Talk, conversation
from sensor.simulate.packets.frames import End, Ends, Frame, Message, syn_frames, tcp_frames, udp_frames
from sensor.simulate.protocols import UDP
from sensor.simulate.stacks import Stack

FROM_OUTSIDE = (Kind.SCAN, Kind.VISIT)
_FIRST_PORT, _PORTS = 32_768, 28_000
_OUTSIDE_TTL = 52
_SYNS_WITHOUT_ANSWER = 3


@dataclass(frozen=True)
class Flow:
    """A flow that is to become packets.

    ``number`` counts the flows of the capture, so that no two of them that are near each other have the same
    ports; ``answer`` is the address that a DNS flow is answered with.
    """

    endpoint: Endpoint
    inside: str
    ttl: int
    stack: Stack
    start_ns: int
    number: int
    content_bytes: int
    answer: str | None = None


def flow_frames(flow: Flow, rng: random.Random) -> Iterator[Frame]:
    """All frames of a flow, in their order."""
    kind, ends = flow.endpoint.kind, _ends(flow)
    if kind is Kind.DNS:
        return udp_frames(ends, _question(flow))
    if kind is Kind.UNANSWERED:
        return syn_frames(ends, _SYNS_WITHOUT_ANSWER)
    if kind is Kind.SCAN:
        return syn_frames(ends, 1)
    if kind is Kind.MIDWAY:
        messages = [Message(one % 2 == 0, b"\x02\x00midway" + rng.randbytes(12)) for one in range(4)]
        return tcp_frames(ends, messages, is_whole=False)
    talk = Talk(flow.endpoint.name, flow.stack, flow.start_ns // 1_000_000_000, flow.content_bytes)
    said = conversation(flow.endpoint.application or "unknown", talk, rng)
    return udp_frames(ends, said) if flow.endpoint.protocol.transport == UDP else tcp_frames(ends, said)


def _ends(flow: Flow) -> Ends:
    """Who begins, and on what ports."""
    near, port = _FIRST_PORT + flow.number % _PORTS, flow.endpoint.protocol.port
    inside, outside = IPv4Address(flow.inside).packed, IPv4Address(flow.endpoint.address).packed
    if flow.endpoint.kind in FROM_OUTSIDE:
        return Ends(End(outside, near, _OUTSIDE_TTL), End(inside, port, flow.ttl))
    is_wrapped = flow.endpoint.kind is Kind.TUNNELLED
    return Ends(End(inside, near, flow.ttl), End(outside, port, _OUTSIDE_TTL), is_wrapped)


def _question(flow: Flow) -> list[Message]:
    name, identifier = flow.endpoint.name or "", flow.number % 65_536
    answer = say.dns_answer(name, flow.answer or "0.0.0.0", identifier)  # noqa: S104 - an address in an answer
    return [Message(True, say.dns_query(name, identifier)), Message(False, answer)]
