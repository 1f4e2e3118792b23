"""Names in which an address can be read are not told."""

import pytest

from sensor.dataset.records.embedded import ADDRESS, RARE, NameGuard
from sensor.study.sites import SiteFinder
from tests.dataset.records.world import INSIDE, leaky_names

GUARD = NameGuard(INSIDE, SiteFinder())


@pytest.mark.parametrize("address", [INSIDE[0], INSIDE[5], INSIDE[255], INSIDE[256], INSIDE[267]])
def test_leaky_names(address: str) -> None:
    for name in leaky_names(address):
        shown = GUARD(name)
        assert shown in {"in-addr.arpa", "ip6.arpa", ADDRESS, RARE} or shown in {
            "block.example", "six.example", "list.example",
        }, (name, shown)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("www.example.org", "www.example.org"),
        ("a1.b2.c3.d4.example.org", "a1.b2.c3.d4.example.org"),
        ("rr4---sn-a5mekn7z.googlevideo.com", "rr4---sn-a5mekn7z.googlevideo.com"),
        ("d111111abcdef8.cloudfront.net", "d111111abcdef8.cloudfront.net"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("1234567890.example.org", "1234567890.example.org"),
        ("ec2-52-1-2-3.compute.example.org", "example.org"),
        ("v1-2-3-400-5.example.org", "v1-2-3-400-5.example.org"),
        ("1.2.3.4", ADDRESS),
        ("[2001:db8::1]", ADDRESS),
        ("8.8.8.8.in-addr.arpa", "in-addr.arpa"),
        ("in-addr.arpa", "in-addr.arpa"),
        ("notin-addr.arpa", "notin-addr.arpa"),
        ("10-0-0-1", RARE),
        ("почта.example", "почта.example"),
        ("", ""),
    ],
)
def test_other_names(name: str, shown: str) -> None:
    assert GUARD(name) == shown
