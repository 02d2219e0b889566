"""A witness as a small HTTP service: one request at a time, `POST /add-checkpoint` and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer

from truceline.adapters.log.witness import (
    REQUEST_MOST_BYTES,
    TEXT_CONTENT_TYPE,
    Answer,
    Witness,
)
from truceline.errors import InputUnusable, TrucelineError

ADD_CHECKPOINT_PATH = "/add-checkpoint"
LOOPBACK_ADDRESSES = ("127.0.0.1", "::1", "localhost")
REQUEST_MOST_S = 10.0
"""How long a client may take to say its request."""


class WitnessServer(HTTPServer):
    """Listens for checkpoints; loopback only, so a machine in between gives TLS and reaches the outside."""

    def __init__(self, witness: Witness, *, address: str, port_id: int, clock_s: Callable[[], int]) -> None:
        """Bind to a loopback address; port 0 takes any free one. Raise `InputUnusable` for another address."""
        if address not in LOOPBACK_ADDRESSES:
            raise InputUnusable(f"{address}: is not a loopback address; put a TLS proxy before the witness")
        self.witness, self.clock_s = witness, clock_s
        try:
            super().__init__((address, port_id), _Requests)
        except OSError as error:
            raise InputUnusable(f"{address}:{port_id}: cannot listen ({error.strerror})") from error


class _Requests(BaseHTTPRequestHandler):
    server: WitnessServer
    timeout = REQUEST_MOST_S
    server_version = "truceline-witness"
    sys_version = ""

    def do_POST(self) -> None:
        """Answer one request."""
        self._give(self._answer())

    def do_GET(self) -> None:
        """Say that there is nothing to read."""
        self._give(Answer(HTTPStatus.NOT_FOUND, TEXT_CONTENT_TYPE, "POST /add-checkpoint\n"))

    def _answer(self) -> Answer:
        if self.path != ADD_CHECKPOINT_PATH:
            return Answer(HTTPStatus.NOT_FOUND, TEXT_CONTENT_TYPE, "POST /add-checkpoint\n")
        said = self.headers.get("Content-Length", "")
        if not (said.isascii() and said.isdigit()):
            return Answer(HTTPStatus.BAD_REQUEST, TEXT_CONTENT_TYPE, "Content-Length is needed\n")
        if int(said) > REQUEST_MOST_BYTES:
            return Answer(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TEXT_CONTENT_TYPE, f"at most {REQUEST_MOST_BYTES} bytes\n"
            )
        content = self.rfile.read(int(said))
        try:
            return self.server.witness.answer(content, time_s=self.server.clock_s())
        except TrucelineError:
            return Answer(
                HTTPStatus.SERVICE_UNAVAILABLE,
                TEXT_CONTENT_TYPE,
                "the witness cannot keep its state; nothing was cosigned\n",
            )

    def _give(self, answer: Answer) -> None:
        body = answer.body.encode()
        self.close_connection = True
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the library's name)
        """Say nothing: whom a witness answered is nobody's concern."""
