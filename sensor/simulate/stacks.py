"""What devices give away of themselves: time to live, TLS client hello, HTTP user agent.

The hellos have the shape of the programs they are named after; their fingerprints need not be theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

SERVER_NAME, GROUPS, POINT_FORMATS, SIGNATURES, PROTOCOLS = 0, 10, 11, 13, 16
SUPPORTED_VERSIONS = 43
_LEFT_OUT = (SERVER_NAME, PROTOCOLS)
_TLS_1_2 = 0x0303


@dataclass(frozen=True)
class Stack:
    """One kind of device with its program.

    Attributes
    ----------
    ttl : int
        Time to live with which packets leave the device.
    suites, extensions, signatures : tuple of int
        TLS 1.2 cipher suites, extensions and signature algorithms, in the order of the hello.
    protocols : tuple of str
        What ALPN offers, or nothing.
    user_agent : str
        What HTTP requests call the program.
    """

    ttl: int
    suites: tuple[int, ...]
    extensions: tuple[int, ...]
    signatures: tuple[int, ...]
    protocols: tuple[str, ...]
    user_agent: str

    def ja4(self, *, named: bool) -> str:
        """JA4 of the hello over TCP, with or without the server's name."""
        extensions = [kind for kind in self.extensions if named or kind != SERVER_NAME]
        first = self.protocols[0] if self.protocols else "00"
        head = f"t12{'d' if named else 'i'}{len(self.suites):02}{len(extensions):02}{first[0]}{first[-1]}"
        kinds = _hexadecimal(sorted(kind for kind in extensions if kind not in _LEFT_OUT))
        return f"{head}_{_hash(_hexadecimal(sorted(self.suites)))}_{_hash(f'{kinds}_{_hexadecimal(self.signatures)}')}"


def _hexadecimal(values: list[int] | tuple[int, ...]) -> str:
    return ",".join(f"{value:04x}" for value in values)


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]


_MODERN = (0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8)
_OLDER = (0xC013, 0xC014, 0x009C, 0x009D, 0x002F, 0x0035)
_SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501)
_WEB = ("h2", "http/1.1")

STACKS: dict[str, Stack] = {
    "windows-chrome": Stack(
        128, _MODERN + _OLDER, (0xFF01, 0, 23, 35, 13, 5, 18, 16, 11, 10), (*_SIGNATURES, 0x0806, 0x0601), _WEB,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/58.0 Safari/537.36",
    ),
    "windows-firefox": Stack(
        128, _MODERN[:4] + _OLDER, (0, 23, 0xFF01, 10, 11, 35, 16, 5, 13), (*_SIGNATURES, 0x0203, 0x0201), _WEB,
        "Mozilla/5.0 (Windows NT 6.1; rv:53.0) Gecko/20100101 Firefox/53.0",
    ),
    "windows-explorer": Stack(
        128, (0xC028, 0xC027, 0xC014, 0xC013, 0x009D, 0x003C, 0x0035, 0x002F), (0, 10, 11, 13, 35, 23, 0xFF01),
        (0x0401, 0x0501, 0x0201, 0x0403), (),
        "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
    ),
    "android-chrome": Stack(
        64, (0xCCA9, 0xCCA8, *_MODERN[:4], *_OLDER[:2]), (0xFF01, 0, 23, 35, 13, 5, 16, 11, 10), _SIGNATURES, _WEB,
        "Mozilla/5.0 (Linux; Android 7.0; SM-G930F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/58.0 "
        "Mobile Safari/537.36",
    ),
    "ipad-safari": Stack(
        64, (0xC02C, 0xC02B, 0xC024, 0xC023, 0xC00A, 0xC009, 0xC030, 0xC02F), (0, 10, 11, 13, 16, 5, 18, 23),
        (*_SIGNATURES, 0x0201), ("h2", "h2-16", "spdy/3.1", "http/1.1"),
        "Mozilla/5.0 (iPad; CPU OS 10_3 like Mac OS X) AppleWebKit/603.1.30 (KHTML, like Gecko) Version/10.0 "
        "Mobile/14E277 Safari/602.1",
    ),
    "mac-safari": Stack(
        64, (0xC02C, 0xC02B, 0xC024, 0xC023, 0xC030, 0xC02F, 0xC028, 0xC027), (0, 10, 11, 13, 16, 5, 18),
        (*_SIGNATURES, 0x0201), ("h2", "http/1.1"),
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_12_4) AppleWebKit/603.1.30 (KHTML, like Gecko) Version/10.1 "
        "Safari/603.1.30",
    ),
    "linux-curl": Stack(
        64, (*_MODERN[:4], 0x009F, 0x009E, 0x003D, 0x003C), (0, 11, 10, 35, 13, 16), _SIGNATURES[:4],
        ("http/1.1",), "curl/7.52.1",
    ),
}  # fmt: skip
"""Every kind of device a scenario may name."""
