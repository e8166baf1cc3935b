"""JSON broadcast: `websocat` as documented, and the Python client."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
import uuid

import websockets

import web
import wire
from world import World

# The documented lines; only the port differs.
WEBSOCAT_LINE = """TOKEN=$(curl -s -X POST "http://localhost:8000/token" \\
  -H "Content-Type: application/x-www-form-urlencoded" \\
  -d "username=user&password=password" | jq -r '.access_token')
for run in $(seq RUNS); do
  echo '{"type":"test","payload":{"message":"Hello"}}' | websocat "ws://localhost:8000/ws?token=$TOKEN"
done
"""
WEBSOCAT_RUNS = 100


def assert_enriched(received: dict, sent: dict, user: str) -> None:
    """`received` is `sent` plus the three fields of the server."""
    rest = dict(received)
    assert rest.pop("user") == user, received
    stamp = rest.pop("timestamp")
    assert isinstance(stamp, float) and abs(stamp - time.time()) < 60, received
    uuid.UUID(rest.pop("requestId"))
    kept = {key: value for key, value in sent.items() if key in rest}
    assert rest == kept and kept.keys() == sent.keys() - {"user", "timestamp", "requestId"}, received


def case_websocat_prints_the_enriched_object_100_times_of_100(world: World) -> None:
    assert shutil.which("jq"), "jq is missing"
    line = WEBSOCAT_LINE.replace("localhost:8000", f"localhost:{world.node.port}")
    done = subprocess.run(
        ["bash", "-c", line.replace("RUNS", str(WEBSOCAT_RUNS))],
        env=world.environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    printed = done.stdout.splitlines()
    assert len(printed) == WEBSOCAT_RUNS, f"{len(printed)} lines: {done.stderr[-500:]}"
    for text in printed:
        sent = {"type": "test", "payload": {"message": "Hello"}}
        assert_enriched(json.loads(text), sent, "user")
    assert len({json.loads(text)["requestId"] for text in printed}) == WEBSOCAT_RUNS


def case_the_python_client_gets_its_message_back(world: World) -> None:
    token = web.sign_in(world.node, "user123")["token"]

    async def exchange() -> dict:
        async with websockets.connect(f"{world.node.ws}?token={token}") as websocket:
            await websocket.send(json.dumps({"type": "greeting", "n": 1}))
            return json.loads(await asyncio.wait_for(websocket.recv(), wire.ANSWER_SECONDS_MAX))

    assert_enriched(asyncio.run(exchange()), {"type": "greeting", "n": 1}, "user123")


def case_every_listener_gets_it_whatever_its_session(world: World) -> None:
    one = web.sign_in(world.node, "user", "first-session")["token"]
    other = web.sign_in(world.node, "testuser", "second-session")["token"]
    with wire.dial(world.node, one) as sender, wire.dial(world.node, other) as listener:
        wire.settle(listener)
        sender.send('{"type":"news"}')
        assert wire.frame(sender) == wire.frame(listener)


def case_the_token_may_come_in_the_authorization_header(world: World) -> None:
    headers = web.bearer(web.sign_in(world.node)["token"])
    with wire.dial(world.node, additional_headers=headers) as connection:
        connection.send('{"type":"test"}')
        assert wire.frame(connection)["user"] == "user"


def case_the_fields_of_the_server_cannot_be_forged(world: World) -> None:
    sent = {"type": "t", "user": "admin", "timestamp": 1, "requestId": "x"}
    with wire.dial(world.node, web.sign_in(world.node)["token"]) as connection:
        connection.send(json.dumps(sent))
        assert_enriched(wire.frame(connection), sent, "user")


def case_what_is_no_object_is_an_error_and_reaches_nobody(world: World) -> None:
    token = web.sign_in(world.node)["token"]
    with wire.dial(world.node, token) as sender, wire.dial(world.node, token) as listener:
        wire.settle(listener)
        for text in ('["a"]', '{"type":', '{"a":1}{"b":2}'):
            sender.send(text)
            error = wire.frame(sender)
            assert error["type"] == "error" and error["code"] == "bad_request", error
        sender.send('{"type":"marker"}')
        assert wire.frame(listener)["type"] == "marker"
