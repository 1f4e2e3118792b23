# ruff: noqa: E501  the lists are easier to read unwrapped
"""Each format of lists: recognised by what it holds, read, and its bad lines left out and told."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from sensor.errors import RuleError
from sensor.rules import load_plan
from sensor.rules.formats import NAMES
from sensor.rules.recognise import recognise
from sensor.rules.source import Source


@dataclass(frozen=True)
class Case:
    """A text, the format it is, what it holds by block, and the lines left out."""

    format: str
    text: str
    blocks: dict[str, list[str]]
    refused: tuple[int, ...] = ()


LIST = "list"
CASES = {
    "plain": Case(
        "plain",
        "# FireHOL\n\n192.0.2.0/24 # documentation\n198.51.100.7\r\n2001:db8::/32\n10.0.0.1/8\nhost.example\n"
        "203.0.113.0-203.0.113.2\n2001:db8:1::-2001:db8:1::1\n",
        {
            LIST: [
                "192.0.2.0/24",
                "198.51.100.7/32",
                "2001:db8::/32",
                "203.0.113.0/31",
                "203.0.113.2/32",
                "2001:db8:1::/127",
            ]
        },
        (6, 7),
    ),
    "byte order mark": Case("plain", "\ufeff192.0.2.0/24\n", {LIST: ["192.0.2.0/24"]}),
    "broken first line": Case("plain", "<html>\n192.0.2.0/24\n", {LIST: ["192.0.2.0/24"]}, (1,)),
    "p2p": Case(
        "p2p",
        "# List distributed by example\nBad: guys - #1/2:192.0.2.0-192.0.2.255\nSix:2001:db8::-2001:db8::1\nno:1.2.3.4-x\n",
        {LIST: ["192.0.2.0/24", "2001:db8::/127"]},
        (4,),
    ),
    "drop": Case(
        "drop",
        "; Spamhaus DROP List 2017/05/12\n192.0.2.0/24 ; SBL1\n2001:db8::/32 ; SBL2\n192.0.2.300/24 ; SBL3\n",
        {LIST: ["192.0.2.0/24", "2001:db8::/32"]},
        (4,),
    ),
    "drop-json": Case(
        "drop-json",
        '{"cidr":"192.0.2.0/24","sblid":"SBL1","rir":"apnic"}\n{"cidr":"2001:db8::/32","sblid":"SBL2"}\n'
        '{"cidr":7}\n{"cidr":\n{"type":"metadata","timestamp":1494547200,"records":2}\n',
        {LIST: ["192.0.2.0/24", "2001:db8::/32"]},
        (3, 4),
    ),
    "rir": Case(
        "rir",
        "2|apnic|20170401|4|19830613|20170331|+1000\napnic|*|asn|*|1|summary\napnic|*|ipv4|*|3|summary\n"
        "apnic|KP|asn|131279|1|20091221|allocated\napnic|KP|ipv4|175.45.176.0|1024|20100122|assigned\n"
        "apnic|JP|ipv4|192.0.2.0|768|20100122|allocated\napnic|JP|ipv6|2001:db8::|32|20100122|allocated\n"
        "apnic|KP|ipv4|192.0.2.0|many|20100122|assigned\napnic|KP|ipv4|255.255.255.0|512|20100122|assigned\n",
        {LIST: ["175.45.176.0/22", "192.0.2.0/23", "192.0.4.0/24", "2001:db8::/32"]},
        (8, 9),
    ),
    "rir extended": Case(
        "rir",
        "2.3|ripencc|1494547199|2|19830705|20170511|+0200\nripencc||ipv4|198.51.100.0|256||available|\n"
        "ripencc|ZZ|ipv6|2001:db8:1::|48||reserved|\nripencc|RU|ipv4|77.94.35.0|256|20070101|allocated|some-id\n"
        "ripencc|RU|ipv6|2001:db8::1|32|20070101|allocated|id\nripencc|RU|ipv4|77.94.36.0|256|20070101|lost|id\n"
        "ripencc|RU|ipv4|77.94.36.0\n",
        {LIST: ["77.94.35.0/24"]},
        (5, 6, 7),
    ),
    "ipset": Case(
        "ipset",
        "create one hash:net family inet hashsize 1024 maxelem 65536\ncreate two hash:ip family inet6\n"
        "add one 192.0.2.0/24 timeout 300 comment \"a b\"\nadd two 2001:db8::1\nadd one 198.51.100.0-198.51.100.3\n"
        "add one 10.0.0.1/8\nadd one 192.0.2.128/25 nomatch\nadd one 192.0.2.1,tcp:80\nadd one\nbogus one 192.0.2.1\n",
        {"one": ["192.0.2.0/24", "198.51.100.0/30", "10.0.0.0/8"], "two": ["2001:db8::1/128"]},
        (7, 8, 9, 10),
    ),
    "ipset called element": Case(
        "ipset", "create element hash:net\nadd element 192.0.2.0/24\n", {"element": ["192.0.2.0/24"]}
    ),
    "nft elements alone": Case(
        "nft",
        "elements = { 192.0.2.0/24,\n\t198.51.100.0-198.51.100.3, # comment, with a comma\n  2001:db8::/32,\n nonsense,\n}\n",
        {LIST: ["192.0.2.0/24", "198.51.100.0/30", "2001:db8::/32"]},
        (4,),
    ),
    "nft ruleset": Case(
        "nft",
        "table inet filter {\n\tset bad {\n\t\ttype ipv4_addr; flags interval\n\t\telements = { 192.0.2.0/24 timeout 3d expires 2d,\n"
        '\t\t\t     198.51.100.7 counter packets 1 bytes 2 comment "x, {y}" }\n\t}\n\tset worse {\n\t\ttype ipv6_addr\n'
        "\t\telements = { 2001:db8::/32 }\n\t}\n\tset ports {\n\t\ttype inet_service\n\t\telements = { 22 }\n\t}\n"
        "\tchain input {\n\t\ttype filter hook input priority 0; policy accept;\n\t\tip saddr @bad drop\n\t}\n}\n",
        {"bad": ["192.0.2.0/24", "198.51.100.7/32"], "worse": ["2001:db8::/32"]},
        (13,),
    ),
    "nft add element": Case(
        "nft",
        "add element inet filter bad { 192.0.2.0/24, 10.0.0.1 . 80 }\ndefine good = { 203.0.113.0 - 203.0.113.1 }\n",
        {"bad": ["192.0.2.0/24"], "good": ["203.0.113.0/31"]},
        (1,),
    ),
    "nft not closed": Case("nft", "elements = { 192.0.2.0/24,\n198.51.100.0/24", {LIST: ["192.0.2.0/24"]}, (2,)),
    "iprep": Case(
        "iprep",
        "# category, reputation\n192.0.2.1,1,20\n198.51.100.0/24,2,127\n2001:db8::1,3,1\n192.0.2.2,1,128\n192.0.2.3,1\n",
        {LIST: ["192.0.2.1/32", "198.51.100.0/24", "2001:db8::1/128"]},
        (5, 6),
    ),
    "misp": Case(
        "misp",
        '{\n  "description": "x",\n  "list": [\n    "192.0.2.0/24",\n    "198.51.100.0\\/24",\n    "host.example",\n'
        '    7,\n    "2001:db8::/32"\n  ],\n  "name": "x",\n  "type": "cidr"\n}\n',
        {LIST: ["192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32"]},
        (6, 6),
    ),
    "misp in one line": Case("misp", '{"list": ["192.0.2.0/24"]}', {LIST: ["192.0.2.0/24"]}),
    "csv": Case(
        "csv",
        'rank,network,"block",note\n1,192.0.2.0/24,one,"a, b"\n2,2001:db8::/32,two,\n3,198.51.100.7,,x\n4,no,one,\n5\n',
        {"one": ["192.0.2.0/24"], "two": ["2001:db8::/32"], LIST: ["198.51.100.7/32"]},
        (5, 6),
    ),
    "csv with ends": Case(
        "csv", "start_ip;end_ip;country\n192.0.2.0;192.0.2.255;KP\n", {LIST: ["192.0.2.0/24"]}
    ),
    "blocks": Case(
        "blocks", '# mine\n[[block]]\nname = "one"\nprefixes = ["192.0.2.0/24", "::-::1"]\n', {"one": ["192.0.2.0/24", "::/127"]}
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
class TestEveryFormat:
    def test_recognised(self, case: Case) -> None:
        text = case.text.removeprefix("\ufeff").encode()
        assert recognise(Source("list.txt", "list", text)) == case.format

    def test_read(self, case: Case, load, words) -> None:
        plan = load(case.text)
        assert words(plan) == case.blocks
        assert tuple(refusal.line for refusal in plan.refused) == case.refused
        assert all(
            refusal.reason and refusal.mend and refusal.file.endswith("list.txt") for refusal in plan.refused
        )

    def test_named_format_is_the_same(self, case: Case, load) -> None:
        assert load(case.text, format=case.format) == load(case.text)

    def test_windows_line_ends(self, case: Case, load, words) -> None:
        plan = load(case.text.replace("\r\n", "\n").replace("\n", "\r\n"))
        assert words(plan) == case.blocks
        assert tuple(refusal.line for refusal in plan.refused) == case.refused


class TestCountries:
    TEXT = (
        "apnic|KP|ipv4|175.45.176.0|1024|20100122|assigned\napnic|JP|ipv4|192.0.2.0|256|20100122|assigned\n"
    )

    def test_by_suffix(self, tmp_path: Path, words) -> None:
        (tmp_path / "delegated").write_text(self.TEXT)
        plan = load_plan([tmp_path / "delegated#KP"], [])
        assert words(plan) == {"delegated-KP": ["175.45.176.0/22"]}
        assert plan.blocks[0].claimed_country == "KP"

    def test_by_format(self, load, words) -> None:
        assert words(load(self.TEXT, format="rir:jp")) == {"list-JP": ["192.0.2.0/24"]}

    def test_a_file_may_be_called_so(self, tmp_path: Path, words) -> None:
        (tmp_path / "list#KP").write_text("192.0.2.0/24\n")
        assert words(load_plan([tmp_path / "list#KP"], [])) == {"list#KP": ["192.0.2.0/24"]}

    def test_only_of_a_registry(self, tmp_path: Path) -> None:
        (tmp_path / "list").write_text("192.0.2.0/24\n")
        with pytest.raises(RuleError, match="registry's file only"):
            load_plan([tmp_path / "list#KP"], [])

    def test_nobody_there(self, load) -> None:
        with pytest.raises(RuleError, match="no address in it, read as rir"):
            load(self.TEXT, format="rir:AQ")

    @pytest.mark.parametrize("name", ["rir:", "rir:KPX", "plain:KP", "rir:1a"])
    def test_bad_format(self, load, name: str) -> None:
        with pytest.raises(RuleError, match="unknown format"):
            load(self.TEXT, format=name)


class TestRefusedFiles:
    def test_unknown_format_name_lists_the_names(self, load) -> None:
        with pytest.raises(RuleError) as caught:
            load("192.0.2.0/24\n", format="plian")
        assert "did you mean plain?" in str(caught.value)
        assert all(name in str(caught.value) for name in NAMES)

    def test_nothing_usable(self, load) -> None:
        with pytest.raises(
            RuleError, match=r"list\.txt:2: no usable line, read as plain.*did you mean 10\.0\.0\.0/8\?"
        ):
            load("# x\n10.0.0.1/8\n")

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"", "empty"),
            (b" \n\n", "empty"),
            (b"# only\n; comments\n", "nothing but comments"),
            (b"192.0.2.0/24\n\0\n", r":2: a zero byte at offset 13"),
            (b"\x1f\x8b\x08abc", "compressed with gzip"),
            (b"\xfd7zXZ\x00", "compressed with xz"),
            ("192.0.2.0/24".encode("utf-16"), "UTF-16"),
            (b"hello world\n", "not recognised.*plain.*csv"),
            (b'{"name": "x"}', 'without a "list"|no usable line'),
            (b'{"list": [', "not JSON"),
            (b'{"list": ' + b"[" * 100_000, "nested too deeply|not JSON"),
        ],
    )
    def test_message(self, load, data: bytes, message: str) -> None:
        with pytest.raises(RuleError, match=message):
            load(data)

    def test_missing_and_folder(self, tmp_path: Path) -> None:
        with pytest.raises(RuleError, match="cannot be read: No such file"):
            load_plan([tmp_path / "none"], [])
        with pytest.raises(RuleError, match="cannot be read: Is a directory"):
            load_plan([tmp_path], [])

    def test_too_large(self, load, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sensor.rules.source.MAXIMUM_FILE_BYTES", 20)
        with pytest.raises(RuleError, match="more than 0 MiB"):
            load("192.0.2.0/24\n" * 3)

    def test_file_name_that_is_no_block_name(self, load) -> None:
        with pytest.raises(RuleError, match="rename the file"):
            load("192.0.2.0/24\n", name="x" * 65 + ".txt")


class TestRefusedLines:
    def test_long_line(self, load, words) -> None:
        plan = load("192.0.2.0/24\n" + "1" * 9000 + "\n198.51.100.0/24\n")
        assert words(plan) == {LIST: ["192.0.2.0/24", "198.51.100.0/24"]}
        assert [(refusal.line, refusal.reason) for refusal in plan.refused] == [(2, "the line is too long")]
        assert len(plan.refused[0].text) <= 80

    def test_not_utf8(self, load) -> None:
        plan = load(b"192.0.2.0/24\n\xff\xfe\n")
        assert plan.refused[0].line == 2
        assert plan.refused[0].text == r"\xff\xfe"

    def test_control_characters_are_escaped(self, load) -> None:
        plan = load("192.0.2.0/24\n\x1b[31mred\n")
        assert plan.refused[0].text == "\\x1b[31mred"

    def test_a_few_are_kept_and_the_rest_counted(self, load) -> None:
        plan = load("192.0.2.0/24\n" + "10.0.0.1/8\n" * 1005)
        assert len(plan.refused) == 1000
        assert "5 more refused lines are not listed" in plan.warnings[0]

    def test_bad_set_name(self, load) -> None:
        plan = load(f"add good 192.0.2.0/24\nadd {'x' * 65} 192.0.2.0/24\nadd a/b 192.0.2.0/24\n")
        assert [refusal.line for refusal in plan.refused] == [2, 3]

    def test_json_escapes(self, load, words) -> None:
        text = json.dumps({"list": ["192.0.2.0/24"]}).replace("/", "\\u002f")
        assert words(load(text)) == {LIST: ["192.0.2.0/24"]}


class TestHostileLines:
    @pytest.mark.parametrize(
        "pattern", [":", "a:", "1.1.1.1-", "a-:", "[", "' ", "1.", "{", '"', "|", ",", "a ="]
    )
    def test_long_lines_are_recognised_or_refused_soon(self, load, pattern: str) -> None:
        with pytest.raises(RuleError):
            load((pattern * 50_000 + "\n") * 3)

    def test_deep_toml(self, load) -> None:
        with pytest.raises(RuleError):
            load("[[block]]\nname = " + "[" * 480 + "]" * 480)
