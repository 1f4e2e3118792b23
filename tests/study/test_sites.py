"""Registrable domains, and names shown to people."""

import pytest

from sensor.study.institutions import country_of_domain
from sensor.study.sites import SiteFinder, shown_name


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("www.facebook.com", "facebook.com"),
        ("a.b.c.d.e.example.co.in", "example.co.in"),
        ("www.iitb.ac.in", "iitb.ac.in"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("www.xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai"),
        ("", ""),
        (".", "."),
        ("..com", "..com"),
    ],
)
def test_registrable_domains(name: str, site: str) -> None:
    assert SiteFinder()(name) == site


def test_names_are_looked_up_by_how_they_end() -> None:
    finder = SiteFinder()
    assert {finder(f"host-{number}.a.b.example.org") for number in range(1000)} == {"example.org"}
    assert len(finder._known) == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("www.example.com", "www.example.com"),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("a\u202eb.com", "a\\u202eb.com"),
        ("a\x00\n\x7fb", "a\\x00\\x0a\\x7fb"),
        (
            "xn--e1afmkfd.xn--p1ai",
            "\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444 (xn--e1afmkfd.xn--p1ai)",
        ),
        # Latin letters with a Cyrillic one among them stay as the wire has them.
        ("xn--pypal-4ve.com", "xn--pypal-4ve.com"),
        ("xn--\x00", "xn--\\x00"),
        ("xn--" + "a" * 300, "xn--" + "a" * 300),
        ("=HYPERLINK(1)", "=HYPERLINK(1)"),
    ],
)
def test_names_are_shown_safely(name: str, shown: str) -> None:
    assert shown_name(name) == shown


@pytest.mark.parametrize(
    ("site", "country"),
    [("iitb.ac.in", "IN"), ("bbc.co.uk", "GB"), ("example.com", None), ("twitch.tv", None), ("x.eu", None)],
)
def test_countries_domains(site: str, country: str | None) -> None:
    assert country_of_domain(site) == country
