"""Own rules: what they may say, how they override, how mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.errors import RuleError
from sensor.rules.services import Catalogue, Service, failed_examples, load_services

RULE = """\
[[service]]
service = "Example"
organisation = "Example Ltd"
category = "web"
suffixes = ["example.com"]
"""


def _directory(tmp_path: Path, **files: str) -> Path:
    folder = tmp_path / f"rules{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def _rule(service: str, *suffixes: str, more: str = "", category: str = "web") -> str:
    listed = ", ".join(f'"{suffix}"' for suffix in suffixes)
    return (
        f'[[service]]\nservice = "{service}"\norganisation = "O"\ncategory = "{category}"\n'
        f"suffixes = [{listed}]\n{more}\n"
    )


def _named(catalogue: Catalogue, name: str) -> str | None:
    found = catalogue.match(name)
    return found.service if found else None


class TestMatching:
    def test_longest_suffix_wins(self, tmp_path: Path) -> None:
        text = _rule("A", "example.com") + _rule("B", "mail.example.com")
        catalogue = load_services([_directory(tmp_path, a=text)])
        assert _named(catalogue, "www.example.com") == "A"
        assert _named(catalogue, "imap.mail.example.com") == "B"

    def test_exception_belongs_to_nothing(self, tmp_path: Path) -> None:
        text = _rule("A", "example.com", more='except = ["blog.example.com"]')
        catalogue = load_services([_directory(tmp_path, a=text)])
        assert catalogue.suffixes == (("blog.example.com", -1), ("example.com", 0))
        assert _named(catalogue, "www.example.com") == "A"
        assert _named(catalogue, "my.blog.example.com") is None

    def test_below_an_exception_a_service_may_stand(self, tmp_path: Path) -> None:
        text = _rule("A", "example.com", more='except = ["x.example.com"]') + _rule("B", "y.x.example.com")
        catalogue = load_services([_directory(tmp_path, a=text)])
        assert _named(catalogue, "x.example.com") is None
        assert _named(catalogue, "y.x.example.com") == "B"

    def test_international_names_are_stored_as_a_labels(self, tmp_path: Path) -> None:
        catalogue = load_services([_directory(tmp_path, a=_rule("A", "Яндекс.рф", "xn--e1afmkfd.example"))])
        assert [suffix for suffix, _ in catalogue.suffixes] == [
            "xn--d1acpjx3f.xn--p1ai",
            "xn--e1afmkfd.example",
        ]
        assert _named(catalogue, "www.xn--d1acpjx3f.xn--p1ai") == "A"

    def test_case_and_trailing_dot_of_a_suffix_do_not_matter(self, tmp_path: Path) -> None:
        assert (
            _named(load_services([_directory(tmp_path, a=_rule("A", "Example.COM."))]), "example.com") == "A"
        )

    @given(st.lists(st.sampled_from("abc"), min_size=1, max_size=5))
    def test_agrees_with_the_slow_definition(self, labels: list[str]) -> None:
        suffixes = ["a", "b.a", "c.b.a", "a.c", "b.b"]
        catalogue = Catalogue(
            tuple(Service(suffix, "O", "web") for suffix in suffixes),
            tuple(sorted((suffix, index) for index, suffix in enumerate(suffixes))),
        )
        name = ".".join(labels)
        fitting = [suffix for suffix in suffixes if name == suffix or name.endswith("." + suffix)]
        assert _named(catalogue, name) == max(fitting, key=len, default=None)


class TestOverride:
    def test_later_directory_adds_and_wins(self, tmp_path: Path) -> None:
        first = _directory(tmp_path, a=_rule("A", "a.example", "shared.example"))
        second = _directory(tmp_path, a=_rule("B", "shared.example") + _rule("C", "c.example"))
        catalogue = load_services([first, second])
        assert _named(catalogue, "a.example") == "A"
        assert _named(catalogue, "shared.example") == "B"
        assert _named(catalogue, "c.example") == "C"

    def test_later_rule_of_a_service_adds_suffixes_and_changes_its_words(self, tmp_path: Path) -> None:
        first = _directory(tmp_path, a=_rule("A", "a.example"))
        second = _directory(tmp_path, a=_rule("A", "more.example", category="games"))
        catalogue = load_services([first, second])
        assert [service.category for service in catalogue.services] == ["games"]
        assert _named(catalogue, "a.example") == _named(catalogue, "more.example") == "A"

    def test_top_level_exception_takes_a_shipped_name_out(self, tmp_path: Path) -> None:
        first = _directory(tmp_path, a=_rule("A", "a.example"))
        second = _directory(tmp_path, a='except = ["intranet.a.example"]\n')
        catalogue = load_services([first, second])
        assert _named(catalogue, "www.a.example") == "A"
        assert _named(catalogue, "intranet.a.example") is None

    def test_digest_follows_content_not_files(self, tmp_path: Path) -> None:
        one = _directory(tmp_path, a=_rule("A", "a.example") + _rule("B", "b.example"))
        two = _directory(tmp_path, y=_rule("B", "b.example"), z=_rule("A", "a.example"))
        other = _directory(tmp_path, a=_rule("A", "a.example") + _rule("B", "bb.example"))
        assert load_services([one]) == load_services([two])
        assert load_services([one]).digest == load_services([two]).digest
        assert load_services([one]).digest != load_services([other]).digest

    def test_an_empty_directory_and_none_are_fine(self, tmp_path: Path) -> None:
        assert load_services([_directory(tmp_path)]) == load_services([]) == Catalogue((), ())


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "line", "words"),
        [
            (RULE.replace("suffixes", "suffices"), 5, "'suffices' is no key here; did you mean 'suffixes'?"),
            ('sauce = "x"\n' + RULE, 1, "did you mean 'source'?"),
            (RULE.replace('"web"', '"mial"'), 4, "'mial' is no category; did you mean 'mail'?"),
            (
                RULE.replace("example.com", "https://example.com/"),
                5,
                "'https://example.com/' is no domain name",
            ),
            (
                RULE.replace('["example.com"]', '[\n  "example.com",\n  "*.example.net",\n]'),
                7,
                "'*.example.net'",
            ),
            (RULE.replace("example.com", ".example.com"), 5, "no domain name; write a bare domain"),
            (RULE.replace("example.com", "8.8.8.8"), 5, "'8.8.8.8' is no domain name"),
            (RULE.replace("example.com", "a..b"), 5, "'a..b' is no domain name"),
            (RULE.replace("example.com", "é" * 80 + ".com"), 5, "is no domain name"),
            (RULE.replace('["example.com"]', '"example.com"'), 5, "is no list of texts"),
            (RULE.replace('["example.com"]', "[1]"), 5, "is no list of texts"),
            (RULE.replace('["example.com"]', "[]"), 1, "'Example' has no suffixes"),
            (
                "\n\n" + RULE.replace('organisation = "Example Ltd"\n', ""),
                3,
                "'Example' has no organisation; add",
            ),
            (RULE.replace('"Example Ltd"', "7"), 3, "'organisation = 7' is no text"),
            (RULE.replace('"Example"', '""'), 2, "is no text"),
            (RULE + 'country = "India"\n', 6, "'India' is no country code"),
            (RULE + "institution = 1\n", 6, "write institution = true"),
            (RULE + 'except = ["example.net"]\n', 6, "'example.net' lies below none of this rule's suffixes"),
            (RULE + RULE, 6, "service 'Example' has a rule already"),
            (RULE + RULE.replace('"Example"', '"Other"'), 10, "'example.com' stands in a rule already"),
            (RULE + "suffixes = \n", 6, "is not TOML"),
            ("source = 3\n" + RULE, 1, "'source' is not text"),
            ("service = 3\n", 1, "write [[service]]"),
        ],
    )
    def test_refused_with_file_line_text_and_mend(
        self, tmp_path: Path, text: str, line: int, words: str
    ) -> None:
        folder = _directory(tmp_path, mine=text)
        with pytest.raises(RuleError) as refused:
            load_services([folder])
        message = str(refused.value)
        assert message.startswith(f"{folder / 'mine.toml'}:{line}: "), message
        assert words in message

    def test_duplicate_over_two_files_names_both_places(self, tmp_path: Path) -> None:
        folder = _directory(tmp_path, a=_rule("A", "example.com"), b=_rule("B", "EXAMPLE.com"))
        with pytest.raises(RuleError) as refused:
            load_services([folder])
        assert f"{folder / 'b.toml'}:5" in str(refused.value)
        assert f"{folder / 'a.toml'}:5" in str(refused.value)

    def test_not_utf8_and_missing_directory(self, tmp_path: Path) -> None:
        folder = _directory(tmp_path)
        (folder / "a.toml").write_bytes(b'source = "\xff"\n')
        with pytest.raises(RuleError, match=r"a\.toml:1: not UTF-8"):
            load_services([folder])
        with pytest.raises(RuleError, match="no such directory"):
            load_services([tmp_path / "missing"])

    def test_wrong_examples_are_told(self, tmp_path: Path) -> None:
        more = 'examples = ["www.example.com", "example.net"]\nnot = ["x.example.com", "example.org"]'
        failures = failed_examples(_directory(tmp_path, a=_rule("A", "example.com", more=more)))
        assert len(failures) == 2
        assert "'example.net' must be 'A', is nothing" in failures[0]
        assert "'x.example.com' must not be 'A'" in failures[1]
