"""The columns that name a flow say nothing that contradicts another, over all real captures."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.functional.replays import replay_once
from tests.functional.truth import captures_of

JA4 = re.compile(r"[tqd](s[23]|d[123]|1[0-3]|00)[di]\d{4}[0-9a-zA-Z]{2}_[0-9a-f]{12}_[0-9a-f]{12}")
ASKING = {"dns", "mdns", "llmnr"}
PRINTABLE = re.compile(r"[^\x00-\x20\x7f]+")
OWN_SOURCES = {"tls_sni", "quic_sni", "http_host", "dns_query"}


@pytest.fixture(scope="module")
def rows(shared_captures: Path) -> list[dict[str, Any]]:
    return [
        row
        for name in sorted(captures_of(shared_captures))
        for row in replay_once(shared_captures / name).flows
    ]


def test_a_name_has_a_source_and_a_source_a_name(rows: list[dict[str, Any]]) -> None:
    assert [row for row in rows if (row["name"] is None) != (row["name_source"] is None)] == []
    assert [
        row for row in rows if row["name_source"] in OWN_SOURCES and row["name"] not in row["names"]
    ] == []
    assert [row for row in rows if row["name_source"] == "dns_answer" and row["names"]] == []
    assert [row for row in rows if row["names"] and row["name_source"] is None] == []
    assert [
        row for row in rows if row["names"] is not None and len(set(row["names"])) != len(row["names"])
    ] == []


def test_names_are_lower_case_without_port_and_trailing_dot(rows: list[dict[str, Any]]) -> None:
    hosts = {name for row in rows if row["application"] not in ASKING
             for name in [row["name"], *(row["names"] or [])] if name is not None}  # fmt: skip
    assert len(hosts) > 200
    assert {name for name in hosts if name != name.lower() or name.endswith(".")} == set()
    assert {name for name in hosts if not PRINTABLE.fullmatch(name) or "/" in name or "@" in name} == set()


def test_a_hello_has_a_fingerprint_and_says_whether_ech_was_offered(rows: list[dict[str, Any]]) -> None:
    assert [row["ja4"] for row in rows if row["ja4"] is not None and not JA4.fullmatch(row["ja4"])] == []
    assert [row for row in rows if (row["ja4"] is None) != (row["ech"] is None)] == []
    assert [
        row for row in rows if row["name_source"] in {"tls_sni", "quic_sni"} and row["application"] is None
    ] == []


def test_services_come_from_names(rows: list[dict[str, Any]]) -> None:
    assert [row for row in rows if row["service"] is not None and row["name"] is None] == []
    assert [row for row in rows if (row["service"] is None) != (row["organisation"] is None)] == []
    assert [row for row in rows if row["application"] in ASKING and (row["service"] or row["category"])] == []
    assert [row for row in rows if (row["country"] is None) != (row["country_source"] is None)] == []
