"""The shipped service catalogue: its examples, its size, its honesty."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from sensor.rules.service_file import CATEGORIES, read_service_file
from sensor.rules.services import Catalogue, failed_examples, load_services

SHIPPED = Path(__file__).parents[2] / "rules" / "services"
FILES = sorted(SHIPPED.glob("*.toml"))


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return load_services([SHIPPED])


def _service(catalogue: Catalogue, name: str) -> str | None:
    found = catalogue.match(name)
    return found.service if found else None


def test_every_example_holds() -> None:
    assert failed_examples(SHIPPED) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_says_source_and_limits_and_every_rule_has_examples(path: Path) -> None:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    assert content["source"].strip()
    assert content["limits"].strip()
    for rule in read_service_file(path).rules:
        assert rule.examples, f"{rule.service} has no example"
        assert rule.negatives, f"{rule.service} has no negative example"


def test_every_suffix_holds_label_boundaries(shipped: Catalogue) -> None:
    suffixes = dict(shipped.suffixes)
    for suffix, index in shipped.suffixes:
        service = shipped.services[index]
        assert shipped.match(suffix) == shipped.match(f"no-such-host.{suffix}") == service
        above = suffix.partition(".")[2]
        if f"x{suffix}" not in suffixes:
            assert shipped.match(f"x{suffix}") == (shipped.match(above) if above else None)
        assert shipped.match(f"{suffix}.example") is None


def test_suffixes_are_sorted_distinct_a_labels(shipped: Catalogue) -> None:
    suffixes = [suffix for suffix, _ in shipped.suffixes]
    assert suffixes == sorted(set(suffixes))
    assert all(suffix.isascii() and suffix == suffix.lower() for suffix in suffixes)


def test_large_enough(shipped: Catalogue) -> None:
    counts = Counter(service.category for service in shipped.services)
    assert len(shipped.services) >= 250
    assert counts["vpn"] >= 40
    assert counts["mining"] >= 30
    assert set(counts) <= CATEGORIES


def test_every_category_is_used_and_explained(shipped: Catalogue) -> None:
    assert {service.category for service in shipped.services} == CATEGORIES
    readme = (SHIPPED / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in readme.splitlines() if line.startswith("| ")]
    explained = {word.strip() for row in rows for word in row.split(",")}
    assert explained >= CATEGORIES


def test_institutions_have_a_country(shipped: Catalogue) -> None:
    for service in shipped.services:
        assert service.institution == (service.country is not None), service.service


@pytest.mark.parametrize(
    ("name", "service", "category"),
    [
        ("www.facebook.com", "Facebook", "social"),
        ("scontent.cdninstagram.com", "Instagram", "social"),
        ("web.whatsapp.com", "WhatsApp", "messaging"),
        ("www.google.com", "Google", "search"),
        ("www.youtube.com", "YouTube", "video"),
        ("mail.google.com", "Gmail", "mail"),
        ("fonts.gstatic.com", "Google Static and APIs", "cdn"),
        ("storage.googleapis.com", "Google Cloud", "cloud"),
        ("www.amazon.com", "Amazon", "shopping"),
        ("s3.amazonaws.com", "Amazon Web Services", "cloud"),
        ("d111.cloudfront.net", "Amazon CloudFront", "cdn"),
        ("www.primevideo.com", "Amazon Prime Video", "video"),
        ("www.apple.com", "Apple", "web"),
        ("itunes.apple.com", "Apple iTunes and App Store", "store"),
        ("p01.icloud-content.com", "Apple iCloud", "file-sharing"),
        ("www.tencent.com", "Tencent", "web"),
        ("short.weixin.qq.com", "WeChat", "messaging"),
        ("im.qq.com", "QQ", "messaging"),
        ("mail.qq.com", "QQ Mail", "mail"),
        ("v.qq.com", "Tencent Video", "video"),
        ("www.baidu.com", "Baidu", "search"),
        ("pan.baidu.com", "Baidu Wangpan", "file-sharing"),
        ("www.alibaba.com", "Alibaba", "shopping"),
        ("oss-cn-hangzhou.aliyuncs.com", "Alibaba Cloud", "cloud"),
        ("www.163.com", "NetEase", "web"),
        ("imap.163.com", "NetEase Mail", "mail"),
        ("www.xinhuanet.com", "Xinhua", "news"),
        ("v.youku.com", "Youku", "video"),
        ("worldoftanks.asia", "World of Tanks (Wargaming)", "games"),
        ("www.iitb.ac.in", "University (India)", "education"),
        ("www.nrsc.gov.in", "Research (India)", "research"),
        ("www.mea.gov.in", "Government (India)", "government"),
    ],
)
def test_neighbours_stay_apart(shipped: Catalogue, name: str, service: str, category: str) -> None:
    found = shipped.match(name)
    assert found is not None
    assert (found.service, found.category) == (service, category)


def test_case_and_trailing_dot_do_not_matter(shipped: Catalogue) -> None:
    assert _service(shipped, "WWW.Facebook.COM.") == "Facebook"


@pytest.mark.parametrize(
    "name", ["", ".", "com", "facebook", "www.facebook.com.example", "192.168.0.1", ".."]
)
def test_names_of_no_service(shipped: Catalogue, name: str) -> None:
    assert shipped.match(name) is None


def test_no_rule_names_a_suffix_that_it_covers_already(shipped: Catalogue) -> None:
    owners = dict(shipped.suffixes)
    redundant = []
    for suffix, index in shipped.suffixes:
        above = suffix.partition(".")[2]
        while above and above not in owners:
            above = above.partition(".")[2]
        if above and owners[above] == index:
            redundant.append(f"{shipped.services[index].service}: {suffix} below {above}")
    assert redundant == []
