"""ClickHouse's HTTP protocol in front of a chDB engine, in a process of its own: a server that tests start and kill.

Not a ClickHouse server: only what clickhouse-connect says to one is understood (queries with bound parameters,
inserts of Native blocks, exception codes), one request after the other. The SQL runs on the real engine.

Run as  python -m tests.integration.clickhouse_http DIRECTORY PORT
"""

from __future__ import annotations

import re
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import chdb
import lz4.frame

_FORMAT = re.compile(r"\s+FORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
_CODE = re.compile(r"Code: (\d+)\.")


class Handler(BaseHTTPRequestHandler):
    """One connection; ``server.engine`` is the chDB connection that all share."""

    protocol_version = "HTTP/1.0"
    server: Server

    def do_GET(self) -> None:
        """Ping."""
        self._answer(200, b"Ok.\n")

    def do_POST(self) -> None:
        """A statement in the body; behind an INSERT ... FORMAT Native the blocks follow."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) if not self._chunked() else self._chunks()
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        try:
            if self.headers.get("Content-Encoding") == "lz4":
                body = lz4.frame.decompress(body)
            result = self._run(asked, body)
        except Exception as error:
            text = str(error)
            code = _CODE.search(text)
            self._answer(500, text.encode(), {"X-ClickHouse-Exception-Code": code[1] if code else "1002"})
        else:
            self._answer(200, result, {"X-ClickHouse-Timezone": "UTC"})

    def _run(self, asked: dict[str, str], body: bytes) -> bytes:
        engine = self.server.engine
        engine.query(f"USE `{asked.get('database', 'default')}`")
        insert, marker, blocks = body.partition(b" FORMAT Native\n")
        if marker and insert.startswith(b"INSERT INTO"):
            with tempfile.NamedTemporaryFile(suffix=".native") as file:
                file.write(blocks)
                file.flush()
                engine.query(f"{insert.decode()} FROM INFILE '{file.name}' FORMAT Native")
            return b""
        sql = asked.get("query") or body.decode()
        found = _FORMAT.search(sql)
        bound = {name.removeprefix("param_"): value for name, value in asked.items() if name.startswith("param_")}
        result = engine.query(_FORMAT.sub("", sql), found[1] if found else "TabSeparated", params=bound)
        return bytes(result.bytes())

    def _chunked(self) -> bool:
        return "chunked" in self.headers.get("Transfer-Encoding", "")

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().strip(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Nothing: the tests look at what comes of it."""


class Server(HTTPServer):
    """Serves one request after the other; connections are closed in between, so none holds up another."""

    def __init__(self, directory: str, port: int) -> None:
        self.engine: Any = chdb.connect(directory)
        super().__init__(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    Server(sys.argv[1], int(sys.argv[2])).serve_forever()
