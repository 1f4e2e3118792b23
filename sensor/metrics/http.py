"""Just enough of HTTP/1.1 for a scraper: a request's head, and an answer that closes the connection."""

from dataclasses import dataclass, field
from typing import Final

MOST_HEAD_BYTES: Final = 8192
"""Longest head of a request."""

REASONS: Final = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed",
    431: "Request Header Fields Too Large", 500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a request; names of headers in lower case, the last of equal ones."""

    method: str
    path: str
    headers: dict[str, str]

    def accepts_gzip(self) -> bool:
        """Whether the answer may be compressed."""
        for part in self.headers.get("accept-encoding", "").split(","):
            coding, _, weight = part.partition(";")
            if coding.strip().lower() in {"gzip", "*"}:
                return weight.replace(" ", "").lower() not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
        return False


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with a body, text unless the headers say otherwise."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def encode(self, *, with_body: bool = True) -> bytes:
        """The bytes to send; without the body they still say how long it is."""
        headers = {
            "Content-Type": "text/plain; charset=utf-8",
            **self.headers,
            "Content-Length": str(len(self.body)),
            "Connection": "close",
        }
        lines = [f"HTTP/1.1 {self.status} {REASONS[self.status]}", *(f"{k}: {v}" for k, v in headers.items())]
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        return head + self.body if with_body else head


def parse(head: bytes) -> Request | None:
    """The request that a head says, None where it says none."""
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return None
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            return None
        headers[name.lower()] = value.strip()
    path = words[1].partition("?")[0]
    return Request(words[0], path, headers)
