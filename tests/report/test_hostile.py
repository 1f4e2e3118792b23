"""Names from the wire do nothing but stand there, in every view."""

import base64
import io

import pytest
from rich.console import Console

from sensor.report import Report, print_summary, to_markdown
from sensor.report.text import csv_cell, escaped, isolated, markdown_text, visible
from tests.report.parsed import Element, parse
from tests.report.stores import HOSTILE

TURNING = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)}


@pytest.fixture(scope="module")
def page(hostile_page: str) -> Element:
    return parse(hostile_page)


def test_no_element_comes_of_a_name(page: Element) -> None:
    assert not list(page.all("img"))
    assert not list(page.all("b"))
    assert len(list(page.all("script"))) == 1


def test_no_attribute_comes_of_a_name(page: Element) -> None:
    assert not [
        element for element in page.all() if {"onerror", "onload", "onclick"} & set(element.attributes)
    ]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_each_name_is_shown_as_text(page: Element, name: str) -> None:
    services = next(one for one in page.all("section") if one.attributes["id"] == "services")
    assert visible(name) in services.whole_text()


def test_marks_of_direction_are_written_out(hostile_page: str) -> None:
    assert not TURNING & set(hostile_page)
    assert "⟨U+202E⟩gnp.exe.example" in hostile_page
    assert "⟨U+0007⟩" in hostile_page


def test_no_control_character_is_left(hostile_page: str) -> None:
    assert not [letter for letter in set(hostile_page) if ord(letter) < 32 and letter != "\n"]


def test_no_cell_of_a_file_is_computed(page: Element) -> None:
    cells = 0
    for link in page.all("a"):
        if link.attributes.get("download"):
            data = base64.b64decode((link.attributes["href"] or "").split("base64,")[1]).decode("utf-8-sig")
            for line in data.splitlines():
                for cell in line.split(","):
                    assert not cell.lstrip('"').startswith(("=", "+", "-", "@", "\t")), line
                    cells += 1
    assert cells > 100


def test_markdown_has_no_markup_of_a_name(hostile_report: Report) -> None:
    text = to_markdown(hostile_report)
    assert "<img" not in text.replace("\\<", "")
    assert "pipe\\|\\`tick\\`\\](x).example" in text
    assert not TURNING & set(text)


def test_a_terminal_gets_no_control_character(hostile_report: Report) -> None:
    out = io.StringIO()
    print_summary(Console(file=out, width=300, force_terminal=False), hostile_report)
    assert not TURNING & set(out.getvalue())
    assert not [letter for letter in set(out.getvalue()) if ord(letter) < 32 and letter != "\n"]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("plain", "plain"),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@A1", "'@A1"),
        ("\tx", "'⟨U+0009⟩x"),
        ("\uff1d1", "'\uff1d1"),
        ("a,b", '"a,b"'),
        ('a"b', '"a""b"'),
        ('=a,"b', '"\'=a,""b"'),
        ("a\r\nb", "a⟨U+000D⟩⟨U+000A⟩b"),
        ("", ""),
    ],
)
def test_cells_of_files(text: str, cell: str) -> None:
    assert csv_cell(text) == cell


def test_texts_of_html() -> None:
    assert escaped("<a href='x'>&\"") == "&lt;a href=&#x27;x&#x27;&gt;&amp;&quot;"
    assert isolated("\u200fa") == "<bdi>⟨U+200F⟩a</bdi>"


def test_texts_of_markdown() -> None:
    assert markdown_text("[a](b) *c* <d>") == "\\[a\\](b) \\*c\\* \\<d\\>"
