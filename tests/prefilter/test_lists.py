"""Plans to the kernel's lists: every date, the families apart, nothing twice."""

import random
from ipaddress import IPv4Network, ip_network

from sensor.prefilter.lists import IPV4, IPV6, prefixes_of
from sensor.rules import load_plan


def as_networks(prefixes: list[tuple[bytes, int]]) -> set[str]:
    return {str(ip_network(prefix)) for prefix in prefixes}


def test_families_and_covered_prefixes() -> None:
    plan = load_plan([], ["10.0.0.0/8", "10.1.0.0/16", "192.0.2.1/32", "2001:db8::/32", "2001:db8:1::/48"])
    found = prefixes_of([plan])
    assert as_networks(found[IPV4]) == {"10.0.0.0/8", "192.0.2.1/32"}
    assert as_networks(found[IPV6]) == {"2001:db8::/32"}


def test_everything_watched() -> None:
    found = prefixes_of([load_plan([], ["0.0.0.0/0", "::/0", "10.0.0.0/8", "2001:db8::/32"])])
    assert as_networks(found[IPV4]) == {"0.0.0.0/0"}
    assert as_networks(found[IPV6]) == {"::/0"}


def test_ipv6_does_not_cover_ipv4() -> None:
    found = prefixes_of([load_plan([], ["::/0", "10.0.0.0/8"])])
    assert as_networks(found[IPV4]) == {"10.0.0.0/8"}


def test_several_plans() -> None:
    found = prefixes_of([load_plan([], ["10.0.0.0/8"]), load_plan([], ["10.2.0.0/16", "11.0.0.0/8"])])
    assert as_networks(found[IPV4]) == {"10.0.0.0/8", "11.0.0.0/8"}
    assert found[IPV6] == []


def test_same_addresses_as_all_prefixes() -> None:
    chance = random.Random(4)
    given = [
        IPv4Network((chance.getrandbits(16) << 16 & (1 << 32) - (1 << 32 - length), length))
        for length in (chance.randrange(1, 17) for _ in range(60))
    ]
    kept = [ip_network(prefix) for prefix in prefixes_of([load_plan([], [str(one) for one in given])])[IPV4]]
    assert set(kept) <= set(given)
    assert all(any(one.subnet_of(other) for other in kept) for one in given)
    assert not any(one != other and one.overlaps(other) for one in kept for other in kept)
