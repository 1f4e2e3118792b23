"""Community IDs against the specification's reference values."""

import pyarrow as pa
import pytest

from sensor.community_id import community_id

# (protocol, source, target, source port, target port, identifier); for ICMP the ports are type and the
# counterpart type or code. From the specification's baseline for seed 0.
REFERENCE = [
    (58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="),
    (58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="),
    (58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 135, "1:zavyT/cezQr1fmImYCwYnMXbgck="),
    (58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 136, "1:zavyT/cezQr1fmImYCwYnMXbgck="),
    (58, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", 128, "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="),
    (58, "3ffe:501:0:1001::2", "3ffe:507:0:1:200:86ff:fe05:80da", 129, "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="),
    (58, "fe80::200:86ff:fe05:80da", "ff02::2", 133, "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0="),
    (58, "fe80::260:97ff:fe07:69ea", "ff02::1", 134, "1:pkvHqCL88/tg1k4cPigmZXUtL00="),
    (1, "192.168.0.89", "192.168.0.1", 8, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
    (1, "192.168.0.1", "192.168.0.89", 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
]
REFERENCE_ONE_WAY = [
    (58, "3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0, "1:2ObVBgIn28oZvibYZhZMBgh7WdQ="),
    (
        58,
        "3ffe:501:410:0:2c0:dfff:fe47:33e",
        "3ffe:507:0:1:200:86ff:fe05:80da",
        1,
        4,
        "1:hLZd0XGWojozrvxqE0dWB1iM6R0=",
    ),
    (1, "10.0.0.1", "10.0.0.2", 11, 0, "1:YHxtAirCG//0OzkcVAukqKQN9xM="),
]
REFERENCE_PORTS = [
    (
        6,
        "2001:470:e5bf:dead:4957:2174:e82c:4887",
        "2607:f8b0:400c:c03::1a",
        63943,
        25,
        "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
    ),
    (132, "192.168.170.8", "192.168.170.56", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="),
    (6, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    (17, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
    (46, "10.1.12.1", "10.1.12.2", 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="),
]


def identify(rows):
    """Identifiers of (inside, outside, inside port, outside port, protocol, initiator) rows."""
    inside, outside, inside_port, outside_port, protocol, initiator = zip(*rows, strict=True)
    return community_id(
        pa.array(inside, pa.utf8()),
        pa.array(outside, pa.utf8()),
        pa.array(inside_port, pa.uint16()),
        pa.array(outside_port, pa.uint16()),
        pa.array(protocol, pa.uint8()),
        pa.array(initiator, pa.utf8()),
    ).to_pylist()


@pytest.mark.parametrize(("protocol", "source", "target", "kind", "expected"), REFERENCE)
def test_icmp_requests_and_replies_agree(protocol, source, target, kind, expected):
    rows = [(source, target, kind, 0, protocol, "inside"), (target, source, kind, 0, protocol, "outside")]
    assert identify(rows) == [expected, expected]


@pytest.mark.parametrize(("protocol", "source", "target", "kind", "code", "expected"), REFERENCE_ONE_WAY)
def test_one_way_icmp_keeps_its_direction(protocol, source, target, kind, code, expected):
    rows = [
        (source, target, kind, code, protocol, "inside"),
        (source, target, kind, code, protocol, None),
        (target, source, kind, code, protocol, "outside"),
        (target, source, kind, code, protocol, "inside"),
    ]
    found = identify(rows)
    assert found[:3] == [expected] * 3
    assert found[3] != expected


@pytest.mark.parametrize(
    ("protocol", "source", "target", "source_port", "target_port", "expected"), REFERENCE_PORTS
)
@pytest.mark.parametrize("initiator", ["inside", "outside", "unknown", None])
def test_ports_and_any_direction(protocol, source, target, source_port, target_port, expected, initiator):
    rows = [
        (source, target, source_port, target_port, protocol, initiator),
        (target, source, target_port, source_port, protocol, initiator),
    ]
    assert identify(rows) == [expected, expected]


def test_all_reference_rows_at_once_with_dictionaries_and_chunks():
    rows = [(one[1], one[2], one[3], one[4], one[0], "inside") for one in REFERENCE_PORTS + REFERENCE_ONE_WAY]
    columns = [list(column) for column in zip(*rows, strict=True)]
    types = [pa.utf8(), pa.utf8(), pa.uint16(), pa.uint16(), pa.uint8(), pa.utf8()]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    chunked = [pa.chunked_array([array.slice(0, 3), array.slice(3)]) for array in arrays]
    for index in (0, 1, 5):
        chunked[index] = chunked[index].dictionary_encode()
    assert community_id(*chunked).to_pylist() == [one[-1] for one in REFERENCE_PORTS + REFERENCE_ONE_WAY]


def test_addresses_that_make_no_flow_give_null():
    rows = [
        (None, "10.0.0.1", 1, 2, 6, "inside"),
        ("10.0.0.1", "2001:db8::1", 1, 2, 6, "inside"),
        ("10.0.0", "10.0.0.1", 1, 2, 6, "inside"),
    ]
    assert identify(rows) == [None, None, None]


def test_no_rows():
    empty = [
        pa.array([], kind) for kind in (pa.utf8(), pa.utf8(), pa.uint16(), pa.uint16(), pa.uint8(), pa.utf8())
    ]
    assert community_id(*empty).to_pylist() == []
