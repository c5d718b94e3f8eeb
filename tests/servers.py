"""A web server on this machine that holds a model's file, and misbehaves as it is told."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = 4096


class ModelServer(ThreadingHTTPServer):
    """Answers each request for its file as the next of `answers` says; well where there is none.

    Attributes:
        body: The file.
        answers: ``cut`` ends in the middle; ``long`` and ``short`` promise more or fewer bytes than there are;
            ``wrong`` sends others; ``stall`` stops in the middle, and ``silent`` before the start, until the server
            closes; ``slow`` sends a piece every tenth of a second; ``whole`` ignores Range, ``elsewhere`` gives
            another part, ``some`` a part of it, ``endless`` more than the file could be; ``drip`` sends a byte every
            hundredth of a second, ``heads`` endless headers as slowly, and ``one`` a single byte; a number is a status,
            without a file.
        requests: Path and Range header of each request so far.
    """

    daemon_threads = True

    def __init__(self, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body = body
        self.answers: list[str | int] = []
        self.requests: list[tuple[str, str | None]] = []
        self.closing = threading.Event()
        self.headers: dict[str, str] = {}
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> "ModelServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """Whoever asked has turned away, which many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.requests.append((self.path, asked))
        answer = self.server.answers.pop(0) if self.server.answers else "well"
        if isinstance(answer, int):
            self._head(answer, {"Content-Length": "0", **self.server.headers})
            return
        if answer == "heads":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            while not self.server.closing.wait(0.01):
                self.wfile.write(b"x")
            return
        if answer == "silent":
            self.server.closing.wait()
            return
        body = self.server.body
        start = int(re.findall(r"\d+", asked)[0]) if asked and answer != "whole" else 0
        if start >= len(body):
            self._head(416, {"Content-Range": f"bytes */{len(body)}"})
            return
        self._answer(answer, body, start)

    def _answer(self, answer: str, body: bytes, start: int) -> None:
        sent = bytes(len(body)) if answer == "wrong" else body
        end = (start + len(body)) // 2 if answer in ("some", "short") else len(body)
        length = end - start + (1000 if answer == "long" else 0)
        total = "*" if answer == "endless" else str(len(body) + (1000 if answer == "long" else 0))
        first = start + 1 if answer == "elsewhere" else start
        headers = {} if answer == "endless" else {"Content-Length": str(length)}
        if start or answer == "some":
            headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{total}"
        self._head(206 if "Content-Range" in headers else 200, headers)
        if answer in ("cut", "stall"):
            end = (start + end) // 2
        if answer == "one":
            end = start + 1
        while answer == "drip" and start < end:
            self.wfile.write(sent[start : start + 1])
            start += 1
            if self.server.closing.wait(0.01):
                return
        for place in range(start, end, PIECE):
            self.wfile.write(sent[place : min(place + PIECE, end)])
            if answer == "slow" and self.server.closing.wait(0.1):
                return
        if answer == "stall":
            self.server.closing.wait()
        while answer == "endless" and not self.server.closing.is_set():
            self.wfile.write(bytes(PIECE))

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""
