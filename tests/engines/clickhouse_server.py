"""ClickHouse's HTTP interface before the engine of chdb: ``clickhouse_server.py``, which prints its port.

There is no server to install next to the tests, but there is the engine, which speaks every format that a server
speaks. This says what a server says to a client that asks by HTTP: query, format, settings, rows to insert, errors.
"""

import sys
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import lz4.frame
from chdb.session import Session

# What the client sends for the connection, and not for the query.
NOT_SETTINGS = {
    "query", "database", "default_format", "session_id", "session_timeout", "session_check", "query_id",
    "client_protocol_version", "enable_http_compression", "http_headers_progress_interval_ms", "wait_end_of_query",
    "send_progress_in_http_headers", "quota_key", "role", "compress", "decompress", "buffer_size",
}  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    session: Session
    folder: Path

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b"".join(self._chunks())
        if self.headers.get("Content-Encoding") == "lz4":
            body = lz4.frame.decompress(body)
        self._answer(body)

    def log_message(self, *_words: Any) -> None:
        pass

    def _chunks(self) -> Any:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _answer(self, body: bytes) -> None:
        told = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        query = told.get("query", "")
        try:
            if query.lstrip().upper().startswith("INSERT"):
                content = self._insert(query, body)
            else:
                content = self._run("\n".join(part for part in (query, body.decode()) if part), told)
        except RuntimeError as error:
            self._send(500, str(error).encode())
        else:
            self._send(200, content)

    def _run(self, query: str, told: dict[str, str]) -> bytes:
        settings = [f"{name} = '{value}'" for name, value in told.items() if name not in NOT_SETTINGS]
        if settings:
            self.session.query(f"SET {', '.join(settings)}", "Null")
        text, form = query.strip(), told.get("default_format", "TabSeparated")
        head, word, tail = text.rpartition(" FORMAT ")
        if not word:
            head, word, tail = text.rpartition("\nFORMAT ")
        if word and tail.strip().isidentifier():
            text, form = head, tail.strip()
        return bytes(self.session.query(text, form).bytes() or b"")

    def _insert(self, query: str, body: bytes) -> bytes:
        into, _, form = query.rpartition(" FORMAT ")
        path = self.folder / "inserted"
        path.write_bytes(body)
        self.session.query(f"{into} SELECT * FROM file('{path}', '{form.strip()}')", "Null")
        path.unlink()
        return b""

    def _send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        if status != 200:
            self.send_header("X-ClickHouse-Exception-Code", "1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Handler.folder = Path(folder)
        Handler.session = Session(f"{folder}/engine")
        server = HTTPServer(("127.0.0.1", 0), Handler)
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
