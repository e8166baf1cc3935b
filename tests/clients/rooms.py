"""Rooms as REST and the conversation dialect show them."""

from __future__ import annotations

import itertools
import json
import time
import urllib.parse

from websockets.sync.client import ClientConnection, connect

import web
import wire
from node import Node
from world import SECRET

names = itertools.count(1)


def token(sub: str, seconds: int = 600, **claims) -> str:
    """An access token of a backend that knows the key of `World.node`."""
    now = int(time.time())
    body = {"sub": sub, "name": sub, "iat": now, "exp": now + seconds, "roles": ["user"]}
    return web.signed(SECRET, body | {"jti": f"{sub}-{next(names)}"} | claims)


def call(node: Node, method: str, path: str, bearer: str, body: dict | None = None) -> web.Answer:
    headers = web.bearer(bearer)
    if body is not None:
        headers["Content-Type"] = "application/json"
    encoded = None if body is None else json.dumps(body).encode()
    return web.call(method, f"{node.http}{path}", body=encoded, headers=headers)


def read(node: Node, path: str, bearer: str):
    answer = call(node, "GET", path, bearer)
    assert answer.status == 200, answer
    return answer.json()


def create(node: Node, owner: str, members: list[str], kind: str = "PRIVATE") -> str:
    """A fresh room of the token's user and those members; its id."""
    body = {"name": f"room {next(names)}", "type": kind, "memberIds": members}
    made = call(node, "POST", "/channels", owner, body)
    assert made.status == 201, made
    return made.json()["id"]


def history(node: Node, room: str, bearer: str) -> list[dict]:
    """All messages of a room, oldest first, page by page."""
    found: list[dict] = []
    path = f"/channels/{room}/messages?limit=200"
    while True:
        page = read(node, path, bearer)
        found += page
        if len(page) < 200:
            return found[::-1]
        path = f"/channels/{room}/messages?limit=200&before={page[-1]['seq']}"


def conversation(node: Node, user: str, room: str, bearer: str, query: str = "") -> ClientConnection:
    """A connection to `/ws/conversation/{user}/{room}` that has got its `connected`."""
    parts = (urllib.parse.quote(part, safe="") for part in ("conversation", user, room))
    url = f"{node.ws}/{'/'.join(parts)}?token={bearer}{query}"
    connection = connect(url, open_timeout=wire.ANSWER_SECONDS_MAX, close_timeout=2)
    first = wire.frame(connection)
    assert first["type"] == "connected" and first["user_id"] == user, first
    assert first["conversation_id"] == room, first
    return connection


def heard(connection: ClientConnection, kind: str, **members) -> dict:
    """The next frame of that type with those members; others before it are passed over."""
    passed = []
    deadline = time.monotonic() + wire.ANSWER_SECONDS_MAX
    while time.monotonic() < deadline:
        frame = wire.frame(connection)
        if frame["type"] == kind and all(frame.get(key) == value for key, value in members.items()):
            return frame
        passed.append(frame)
    raise AssertionError(f"no {kind} {members}; passed over were {passed}")


def say(connection: ClientConnection, kind: str, **members) -> None:
    connection.send(json.dumps({"type": kind} | members))
