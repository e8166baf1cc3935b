"""A user's connections, one on each node, and how fast they end when the user is revoked."""

from __future__ import annotations

import json
import threading
import time

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from borrowed import web, wire
from cluster_node import ClusterNode

CLOSED_SECONDS_MAX = 2


def feed(node: ClusterNode, user: str, token: str) -> ClientConnection:
    """A connection to the user's feed that has got its `connected`."""
    connection = connect(f"{node.ws}/{user}?token={token}", open_timeout=10, close_timeout=1, proxy=None)
    first = wire.frame(connection)
    assert first["type"] == "connected", first
    return connection


def play(stage) -> str:
    user = f"revoked{stage.dice.randrange(10**6)}"
    token = stage.token(user)
    connections = [feed(node, user, token) for node in stage.nodes]
    closed: dict[str, tuple[float, int]] = {}

    def listen(name: str, connection: ClientConnection) -> None:
        try:
            connection.recv(timeout=10)
        except (ConnectionClosed, TimeoutError):
            closed[name] = (time.monotonic(), connection.close_code or 0)

    listening = [
        threading.Thread(target=listen, args=(node.name, connection), daemon=True)
        for node, connection in zip(stage.nodes, connections, strict=True)
    ]
    for each in listening:
        each.start()
    began = time.monotonic()
    asked = stage.dice.choice(stage.nodes)
    answer = web.post_json(f"{asked.http}/auth/revoke", {"user_id": user}, stage.admin)
    assert answer.status == 204, answer
    for each in listening:
        each.join(timeout=15)
    for connection in connections:
        connection.close()
    late = {name: (at - began, code) for name, (at, code) in closed.items()}
    assert len(late) == len(stage.nodes), f"only {late} ended"
    assert all(code == 4001 for _, code in late.values()), late
    slowest = max(seconds for seconds, _ in late.values())
    assert slowest <= CLOSED_SECONDS_MAX, f"closed after {json.dumps(late)}"
    return f"the last after {slowest:.2f} s"
