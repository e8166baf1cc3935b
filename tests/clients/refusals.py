"""What a refused client sees: the close code and the reason, not a cut line."""

from __future__ import annotations

import asyncio
import time

import websockets

import web
import wire
from world import SECRET, World

INVALID = (1008, "Invalid or expired token")


def payload(**claims) -> dict:
    now = int(time.time())
    return {"sub": "user", "iat": now, "exp": now + 600} | claims


def case_a_token_signed_with_our_key_works(world: World) -> None:
    with wire.dial(world.node, web.signed(SECRET, payload(sub="backend-made"))) as connection:
        connection.send('{"type":"test"}')
        assert wire.frame(connection)["user"] == "backend-made"


def case_a_refused_python_client_sees_code_1008(world: World) -> None:
    async def refused() -> tuple[int, str]:
        try:
            async with websockets.connect(f"{world.node.ws}?token=not.a.token") as websocket:
                await asyncio.wait_for(websocket.recv(), wire.ANSWER_SECONDS_MAX)
        except websockets.exceptions.ConnectionClosedError as error:
            return error.rcvd.code, error.rcvd.reason
        raise AssertionError("the connection was not refused")

    assert asyncio.run(refused()) == INVALID


def case_forged_and_expired_tokens_are_refused(world: World) -> None:
    now = int(time.time())
    for token in (
        web.signed("another secret of the right length!", payload()),
        web.signed(SECRET, payload(), algorithm="none"),
        web.signed(SECRET, payload(exp=now - 3600)),
        web.signed(SECRET, payload(nbf=now + 3600)),
        web.signed(SECRET, {"sub": "user", "iat": now}),
        web.signed(SECRET, payload(exp=str(now + 600))),
        web.signed(SECRET, payload())[:-4] + "AAAA",
    ):
        assert wire.refusal(world.node, token) == INVALID, token


def case_a_token_without_a_subject_is_refused(world: World) -> None:
    anonymous = payload()
    del anonymous["sub"]
    for body in (anonymous, payload(sub="")):
        assert wire.refusal(world.node, web.signed(SECRET, body)) == (1008, "Invalid token payload")


def case_a_broadcast_without_a_token_is_refused(world: World) -> None:
    with wire.dial(world.node) as connection:
        connection.send('{"type":"test"}')
        assert wire.closing(connection) == (1008, "Missing authentication token")


def case_two_tokens_that_differ_are_refused(world: World) -> None:
    token = web.signed(SECRET, payload())
    headers = web.bearer(web.signed(SECRET, payload(sub="other")))
    assert wire.refusal(world.node, token, additional_headers=headers)[0] == 1008


def case_a_foreign_origin_is_never_upgraded(world: World) -> None:
    token = web.signed(SECRET, payload())
    try:
        wire.dial(world.node, token, origin="https://attacker.example").close()
    except websockets.exceptions.InvalidStatus as refusal:
        assert refusal.response.status_code == 403, refusal.response
    else:
        raise AssertionError("a foreign origin was let in")


def case_the_eleventh_connection_of_a_user_is_refused(world: World) -> None:
    token = web.signed(SECRET, payload(sub="crowd"))
    connections = [wire.dial(world.node, token) for _ in range(10)]
    try:
        for connection in connections:
            wire.settle(connection)
        assert wire.refusal(world.node, token) == (1008, "Too many connections")
    finally:
        for connection in connections:
            connection.close()


def case_a_frame_over_64_kib_closes_with_1009(world: World) -> None:
    with wire.dial(world.node, web.signed(SECRET, payload()), compression=None) as connection:
        connection.send('{"a":"' + "x" * 65536 + '"}')
        assert wire.closing(connection)[0] == 1009


def case_a_binary_frame_closes_with_1003(world: World) -> None:
    with wire.dial(world.node, web.signed(SECRET, payload())) as connection:
        connection.send(b"\x00\x01")
        assert wire.closing(connection)[0] == 1003
