"""A page as its elements, for tests that ask what is in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input", "hr"}


@dataclass
class Element:
    """One element, with its attributes, children and the text right inside it."""

    tag: str
    attributes: dict[str, str | None]
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def all(self, tag: str | None = None) -> Iterator["Element"]:
        """The element and all below it, of one tag or any."""
        if tag in {None, self.tag}:
            yield self
        for child in self.children:
            yield from child.all(tag)

    def whole_text(self) -> str:
        """The text of the element and of all below it."""
        return self.text + "".join(child.whole_text() for child in self.children)


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("root", {})
        self.open = [self.root]
        self.mistakes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        if len(element.attributes) != len(attrs):
            self.mistakes.append(f"an attribute twice in <{tag}>")
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1].tag != tag:
            self.mistakes.append(f"</{tag}> ends <{self.open[-1].tag}>")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].text += data


def parse(page: str) -> Element:
    """Read a page; every element must be closed where it should be."""
    parser = _Parser()
    parser.feed(page)
    parser.close()
    assert parser.mistakes == []
    assert parser.open == [parser.root]
    return parser.root
