"""The stock Socket.IO client by HTTP long-polling, alone and changing to a WebSocket."""

from __future__ import annotations

import contextlib

import rooms
import socket_io
from node import Node
from proxy import Proxy
from world import SECRET, World

SETTINGS = {
    "JWT_SECRET_KEY": SECRET,
    "CONCLAVE_SOCKETIO__POLLING": "true",
    "CONCLAVE_LIMITS__USER_MESSAGES_PER_SECOND": "0",
}
POLLING = ["polling"]
# As the library does where nothing else is said.
BOTH = ["polling", "websocket"]


def polled(world: World) -> Node:
    """The module's server with long-polling switched on."""
    if len(world.nodes) == 0:
        world.start(SETTINGS)
    return world.nodes[0]


def talk(node: Node, alice_options: dict, bob_options: dict) -> None:
    """What two users do in a room, whatever carries it."""
    alice_token, bob_token = rooms.token("alice"), rooms.token("bob")
    room = rooms.create(node, alice_token, ["bob"])
    with (
        socket_io.user(node, alice_token, **alice_options) as alice,
        socket_io.user(node, bob_token, **bob_options) as bob,
    ):
        contents = [f"{number} \u00fc\U0001f600 \x1e \\u001e" for number in range(60)]
        orders = [alice.ask("sendMessage", {"channelId": room, "content": each}) for each in contents]
        sent = [alice.outcome(order)["answer"]["data"] for order in orders]
        assert [each["content"] for each in sent] == contents
        assert [bob.event("message.created") for _ in sent] == sent, "not what was sent, in order"
        bob.done("message:seen", {"messageId": sent[-1]["id"]})
        # The newest fifty.
        assert alice.event("message.seen", messageId=sent[-1]["id"])["recipientId"] == "bob"
        bob.done("typing", {"channelId": room})
        assert alice.event("user:typing")["isTyping"] is True
        binary = {"channelId": room, "content": {"$binary": "AAEC"}}
        assert bob.refused("sendMessage", binary) == "bad_request"
        long = bob.done("sendMessage", {"channelId": room, "content": "\u20ac" * 2000})
        assert alice.event("message.created", userId="bob") == long
        bob.order("disconnect")
        assert bob.next("disconnect")["reason"] == "io client disconnect"
        assert alice.event("user:typing")["isTyping"] is False


def case_two_users_talk_by_polling_alone(world: World) -> None:
    talk(polled(world), {"transports": POLLING}, {"transports": POLLING})


def case_a_polling_user_and_one_by_websocket_talk(world: World) -> None:
    talk(polled(world), {"transports": POLLING}, {})


def case_clients_that_change_to_a_websocket_lose_nothing(world: World) -> None:
    talk(polled(world), {"transports": BOTH}, {"transports": BOTH})


def case_the_change_happens_while_messages_flow(world: World) -> None:
    node = polled(world)
    alice_token, bob_token = rooms.token("ann"), rooms.token("ben")
    room = rooms.create(node, alice_token, ["ben"])
    with socket_io.user(node, alice_token) as alice, socket_io.SocketIo() as bob:
        bob.dial(node.http, {"token": bob_token}, transports=BOTH)
        sent = [alice.done("sendMessage", {"channelId": room, "content": str(n)})["id"] for n in range(60)]
        assert bob.next("upgrade")["transport"] == "websocket"
        bob.next("connect")
        bob.event("offline.end")
        heard = [bob.event("message.created")["id"] for _ in sent]
        assert heard == sent
        bob.settle()
        assert bob.pending("message.created") == []


def case_a_wrong_token_is_refused_by_polling_too(world: World) -> None:
    for transports in (POLLING, BOTH):
        with socket_io.SocketIo() as client:
            client.dial(polled(world).http, {"token": "not.a.token"}, transports=transports)
            assert client.next("connect_error")["data"] == {"code": 4001}


def case_a_revoked_user_is_disconnected_from_a_poll(world: World) -> None:
    node = polled(world)
    token = rooms.token("carol")
    with socket_io.user(node, token, transports=POLLING, reconnection=True) as client:
        assert rooms.call(node, "POST", "/auth/logout", token, {}).status == 204
        error = client.event("error")
        assert error["code"] == 4001 and "authentication" in error["message"], error
        assert client.next("disconnect")["reason"] == "io server disconnect"


def case_a_lost_polling_session_is_recovered(world: World) -> None:
    node = polled(world)
    alice_token, bob_token = rooms.token("alice"), rooms.token("bob")
    room = rooms.create(node, alice_token, ["bob"])
    with (
        Proxy(node.port) as proxy,
        socket_io.user(node, alice_token) as alice,
        socket_io.SocketIo() as bob,
        contextlib.ExitStack() as rest,
    ):
        options = {"reconnection": True, "reconnectionDelay": 20, "reconnectionDelayMax": 50}
        bob.dial(proxy.http, {"token": bob_token}, transports=POLLING, **options)
        bob.next("connect")
        bob.event("offline.end")
        bob.forget()
        rest.callback(proxy.mend)
        first = alice.done("sendMessage", {"channelId": room, "content": "before"})
        assert bob.event("message.created")["id"] == first["id"]
        proxy.cut()
        assert bob.next("disconnect")["reason"] in ("transport error", "transport close")
        missed = [alice.done("sendMessage", {"channelId": room, "content": str(n)})["id"] for n in range(5)]
        proxy.mend()
        assert bob.next("connect")["recovered"] is True
        assert [bob.event("message.created")["id"] for _ in missed] == missed


def case_polling_is_off_by_default(world: World) -> None:
    node = world.start({"JWT_SECRET_KEY": SECRET})
    with socket_io.SocketIo() as client:
        client.dial(node.http, {"token": rooms.token("alice")}, transports=BOTH)
        assert client.next("connect_error")["message"] == "xhr poll error"
