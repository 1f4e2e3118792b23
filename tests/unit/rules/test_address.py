"""Addresses, CIDRs and ranges, against Python's ``ipaddress``."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network, summarize_address_range

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.rules.address import integer_range, pack_address, parse_cidr, parse_prefixes, show_prefix
from sensor.rules.formats.plain import named_range
from sensor.rules.mistake import TextError
from sensor.rules.ranges import range_to_prefixes

IPV4 = st.integers(0, 2**32 - 1)
IPV6 = st.integers(0, 2**128 - 1)


def ordered_pairs(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(numbers, numbers).map(lambda pair: (min(pair), max(pair)))


class TestRanges:
    @given(ordered_pairs(IPV4))
    def test_equals_ipaddress_in_ipv4(self, pair: tuple[int, int]) -> None:
        expected = summarize_address_range(IPv4Address(pair[0]), IPv4Address(pair[1]))
        assert list(range_to_prefixes(*pair, 32)) == [(int(n.network_address), n.prefixlen) for n in expected]

    @given(ordered_pairs(IPV6))
    def test_equals_ipaddress_in_ipv6(self, pair: tuple[int, int]) -> None:
        expected = summarize_address_range(IPv6Address(pair[0]), IPv6Address(pair[1]))
        assert list(range_to_prefixes(*pair, 128)) == [
            (int(n.network_address), n.prefixlen) for n in expected
        ]

    @given(IPV6, st.integers(0, 300))
    def test_small_ranges_near_the_end(self, first: int, size: int) -> None:
        last = min(first + size, 2**128 - 1)
        prefixes = list(range_to_prefixes(first, last, 128))
        assert sum(1 << (128 - length) for _, length in prefixes) == last - first + 1

    @pytest.mark.parametrize("bits", [32, 128])
    def test_everything_is_one_prefix(self, bits: int) -> None:
        assert list(range_to_prefixes(0, 2**bits - 1, bits)) == [(0, 0)]

    @given(ordered_pairs(IPV4))
    def test_mapped_ranges_stay_mapped(self, pair: tuple[int, int]) -> None:
        base = 0xFFFF << 32
        prefixes = integer_range(base | pair[0], base | pair[1])
        expected = summarize_address_range(IPv4Address(pair[0]), IPv4Address(pair[1]))
        assert [show_prefix(*prefix) for prefix in prefixes] == [str(network) for network in expected]


class TestCidr:
    @given(IPV4, st.integers(0, 32))
    def test_ipv4_networks(self, address: int, length: int) -> None:
        network = IPv4Network((address, length), strict=False)
        packed, bits = parse_cidr(str(network))
        assert packed == bytes(10) + b"\xff\xff" + network.network_address.packed
        assert bits == 96 + length
        assert show_prefix(packed, bits) == str(network)

    @given(IPV6, st.integers(0, 128), st.booleans())
    def test_ipv6_networks(self, address: int, length: int, exploded: bool) -> None:
        network = IPv6Network((address, length), strict=False)
        text = network.exploded if exploded else network.compressed
        assert parse_cidr(text) == (network.network_address.packed, length)

    @given(st.one_of(IPV4.map(IPv4Address), IPV6.map(IPv6Address)), st.integers(0, 128))
    def test_host_bits_are_refused_with_the_network(
        self, address: IPv4Address | IPv6Address, length: int
    ) -> None:
        length = min(length, address.max_prefixlen)
        network = ip_network(
            (int(address), length) if address.version == 4 else (address.packed, length), strict=False
        )
        text = f"{address}/{length}"
        if network.network_address == address:
            parse_cidr(text)
            return
        with pytest.raises(TextError) as caught:
            parse_cidr(text)
        assert parse_cidr(text, mask_host_bits=True) == parse_cidr(str(network))
        if network.version == 4:
            assert caught.value.mend == f"did you mean {network}?"

    @given(st.text(max_size=40))
    def test_whatever_ipaddress_refuses_is_refused(self, text: str) -> None:
        try:
            prefixes = parse_prefixes(text)
        except TextError:
            return
        if "-" not in text:
            assert len(prefixes) == 1
            ip_network(text, strict=True)

    @pytest.mark.parametrize(
        ("text", "mend"),
        [
            ("10.0.0.1/8", "did you mean 10.0.0.0/8?"),
            ("2001:db8::1/32", "did you mean 2001:db8::/32?"),
            ("10.0.0.0/33", "from 0 to 32"),
            ("2001:db8::/129", "from 0 to 128"),
            ("10.0.0.0/", "from 0 to 32"),
            ("10.0.0.0/255.0.0.0", "did you mean 10.0.0.0/8?"),
            ("010.0.0.0/8", "without leading zeros: 10.0.0.0"),
            ("fe80::1%eth0", "behind %"),
            ("10.0.0", "192.0.2.0/24"),
            ("", "192.0.2.0/24"),
            ("²", "192.0.2.0/24"),
            ("10.0.0.9-10.0.0.1", "did you mean 10.0.0.1-10.0.0.9?"),
            ("10.0.0.1-2001:db8::", "one family"),
            ("10.0.0.1-", "192.0.2.0/24"),
            ("-10.0.0.1", "192.0.2.0/24"),
        ],
    )
    def test_mends(self, text: str, mend: str) -> None:
        with pytest.raises(TextError) as caught:
            parse_prefixes(text)
        assert mend in caught.value.mend

    def test_mapped_addresses_are_ipv4(self) -> None:
        assert parse_cidr("::ffff:192.0.2.0/120") == parse_cidr("192.0.2.0/24")

    def test_no_address_from_a_surrogate(self) -> None:
        assert pack_address("\udcff") is None


class TestNamedRanges:
    @pytest.mark.parametrize(
        "text",
        [
            "192.0.2.0-192.0.2.255",
            "name:192.0.2.0-192.0.2.255",
            "name : 192.0.2.0 - 192.0.2.255",
            "a:b-c:d/e #1:192.0.2.0-192.0.2.255",
        ],
    )
    def test_ipv4(self, text: str) -> None:
        assert named_range(text) == [parse_cidr("192.0.2.0/24")]

    @pytest.mark.parametrize(
        "text",
        [
            "2001:db8::-2001:db8::ff",
            "name:2001:db8::-2001:db8::ff",
            "a:b:c:d:e:f:g:2001:db8::-2001:db8::ff",
            "dead:2001:db8::-2001:db8::ff",
            "be:2001:db8::-2001:db8::ff",
            "name:2001:db8:0:0:0:0:0:0-2001:db8:0:0:0:0:0:ff",
        ],
    )
    def test_ipv6(self, text: str) -> None:
        assert named_range(text) == [parse_cidr("2001:db8::/120")]

    @pytest.mark.parametrize(
        "text", ["name:192.0.2.9-192.0.2.1", "name:x-y", "name:2001:db8::9-2001:db8::1", "a:b-::"]
    )
    def test_refused(self, text: str) -> None:
        with pytest.raises(TextError):
            named_range(text)
