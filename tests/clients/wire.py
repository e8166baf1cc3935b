"""WebSocket connections of the Python client library, each wait with a deadline."""

from __future__ import annotations

import json

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from node import Node

ANSWER_SECONDS_MAX = 10


def dial(node: Node, token: str | None = None, query: str = "", **options) -> ClientConnection:
    """A connection to `/ws`; `query` is appended as it is."""
    parts = [f"token={token}"] if token else []
    parts += [query] if query else []
    url = node.ws + ("?" + "&".join(parts) if parts else "")
    return connect(url, open_timeout=ANSWER_SECONDS_MAX, close_timeout=2, **options)


def text(connection: ClientConnection) -> str:
    """The next frame."""
    return connection.recv(timeout=ANSWER_SECONDS_MAX)


def frame(connection: ClientConnection) -> dict:
    """The next frame, which must be a JSON object."""
    received = json.loads(text(connection))
    assert isinstance(received, dict), f"no object: {received!r}"
    return received


def settle(connection: ClientConnection) -> None:
    """Returns when the server has handled all that was sent; nothing else may arrive before."""
    connection.send("ping")
    answer = text(connection)
    assert answer == "pong", f"expected only the pong, got {answer!r}"


def closing(connection: ClientConnection) -> tuple[int, str]:
    """Waits for the server's Close; its code and reason."""
    try:
        received = text(connection)
    except ConnectionClosed as end:
        assert end.rcvd is not None, "the connection was cut without a Close"
        return end.rcvd.code, end.rcvd.reason
    raise AssertionError(f"expected a Close, got {received!r}")


def refusal(node: Node, token: str | None = None, query: str = "", **options) -> tuple[int, str]:
    """Close code and reason of a handshake that must be refused."""
    with dial(node, token, query, **options) as connection:
        return closing(connection)
