"""Pseudonyms are those of ipcrypt's prefix-preserving mode."""

from ipaddress import ip_address

import ipcrypt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensor.dataset.records.addresses import networks, pseudonyms, real_addresses
from sensor.dataset.records.key import Key
from sensor.dataset.records.prefix import decrypt, encrypt

secrets = st.binary(min_size=32, max_size=32).filter(lambda secret: secret[:16] != secret[16:])
keys = secrets.map(Key)
ipv4 = st.ip_addresses(v=4).map(str)
# Mapped IPv4 is IPv4 to the specification.
ipv6 = st.ip_addresses(v=6).filter(lambda address: address.ipv4_mapped is None).map(str)

# Appendix of the specification.
VECTORS = [
    ("0123456789abcdeffedcba98765432101032547698badcfeefcdab8967452301", "0.0.0.0", "151.82.155.134"),
    ("0123456789abcdeffedcba98765432101032547698badcfeefcdab8967452301", "255.255.255.255", "94.185.169.89"),
    ("0123456789abcdeffedcba98765432101032547698badcfeefcdab8967452301", "192.0.2.1", "100.115.72.131"),
    (
        "0123456789abcdeffedcba98765432101032547698badcfeefcdab8967452301",
        "2001:db8::1",
        "c180:5dd4:2587:3524:30ab:fa65:6ab6:f88",
    ),
]


def common_bits(one: str, other: str) -> int:
    """Length of the common prefix."""
    first, second = ip_address(one), ip_address(other)
    return first.max_prefixlen - (int(first) ^ int(second)).bit_length()


@pytest.mark.parametrize(("key", "address", "pseudonym"), VECTORS)
def test_as_specified(key: str, address: str, pseudonym: str) -> None:
    assert pseudonyms([address], Key(bytes.fromhex(key))) == [pseudonym]


@given(key=keys, addresses=st.lists(ipv4 | ipv6, max_size=4))
@settings(max_examples=15, deadline=None)
def test_as_the_reference_does(key: Key, addresses: list[str]) -> None:
    expected = [str(ipcrypt.pfx_encrypt(address, key.secret)) for address in addresses]
    assert pseudonyms(addresses, key) == expected
    assert [str(ipcrypt.pfx_decrypt(one, key.secret)) for one in expected] == addresses


@given(key=keys, addresses=st.lists(ipv4 | ipv6, max_size=30, unique=True))
@settings(max_examples=20, deadline=None)
def test_who_has_the_key_gets_every_address_back(key: Key, addresses: list[str]) -> None:
    names = pseudonyms(addresses, key)
    assert real_addresses(names, key) == addresses
    assert len(set(names)) == len(addresses)


@given(key=keys, pair=st.tuples(ipv4, ipv4) | st.tuples(ipv6, ipv6))
@settings(max_examples=30, deadline=None)
def test_common_prefixes_stay(key: Key, pair: tuple[str, str]) -> None:
    one, other = pseudonyms(pair, key)
    assert one is not None
    assert other is not None
    assert common_bits(one, other) == common_bits(*pair)


@given(key=keys, block=st.integers(0, (1 << 22) - 1))
@settings(max_examples=10, deadline=None)
def test_a_block_is_permuted(key: Key, block: int) -> None:
    """Every host of a block has a pseudonym of its own, and all of them together are one block of that size."""
    hosts = [str(ip_address(block << 10 | host)) for host in range(1024)]
    names = pseudonyms(hosts, key)
    assert len(set(names)) == 1024
    assert len({int(ip_address(name or "")) >> 10 for name in names}) == 1


@given(key=keys, other=keys, addresses=st.lists(ipv6, min_size=1, max_size=20, unique=True))
@settings(max_examples=20, deadline=None)
def test_another_key_gives_other_addresses(key: Key, other: Key, addresses: list[str]) -> None:
    if key != other:
        assert not set(real_addresses(pseudonyms(addresses, key), other)) & set(addresses)


def test_families_stay_and_what_is_no_address_has_none() -> None:
    key = Key(bytes(16) + bytes([1]) * 16)
    given = ["192.0.2.1", None, "no address", "2001:db8::1", "", "300.1.1.1", "1.2.3"]
    found = pseudonyms(given, key)
    assert [one and ip_address(one).version for one in found] == [4, None, None, 6, None, None, None]
    assert pseudonyms([], key) == []
    assert pseudonyms([None], key) == [None]


def test_many_at_once_are_as_one_at_a_time() -> None:
    key = Key(bytes(range(32)))
    addresses = np.random.default_rng(1).integers(0, 256, (70_000, 16), np.uint8)
    addresses[::2, :12] = np.frombuffer(bytes(10) + b"\xff\xff", np.uint8)
    found = encrypt(addresses, key)
    assert (decrypt(found, key) == addresses).all()
    some = slice(None, None, 9973)
    assert (np.vstack([encrypt(one[None], key) for one in addresses[some]]) == found[some]).all()


def test_networks() -> None:
    assert networks(["192.0.2.77", "2001:db8:1:2::3", None, "x"]) == [
        "192.0.2.0/24",
        "2001:db8:1::/48",
        None,
        None,
    ]
