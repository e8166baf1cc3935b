"""The `service` dialect at `/chat`: request and reply with AsyncAPI envelopes, beside Socket.IO."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import uuid

from websockets.sync.client import ClientConnection, connect

import rooms
import socket_io
import wire
from node import Node
from world import World


def chat(node: Node, bearer: str | None, query: str = "") -> ClientConnection:
    """A connection to `/chat`, with its token where the document wants it."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    url = f"{node.http.replace('http', 'ws', 1)}/chat{query}"
    return connect(
        url, additional_headers=headers, open_timeout=wire.ANSWER_SECONDS_MAX, close_timeout=2
    )


def ask(connection: ClientConnection, operation: str, payload: dict) -> dict:
    """The reply to a request; nothing else may come before it."""
    correlation = str(uuid.uuid4())
    request = {"operation": operation, "correlation_id": correlation, "payload": payload}
    connection.send(json.dumps(request))
    reply = wire.frame(connection)
    assert reply["operation"] == operation, reply
    assert reply["correlation_id"] == correlation, reply
    return reply


def message(room: str, content: str) -> dict:
    return {
        "message_id": str(uuid.uuid4()),
        "room_id": room,
        "user_id": "user123",
        "username": "ann",
        "content": content,
        "message_type": "Text",
        "timestamp": "2026-01-24T10:25:37Z",
    }


def case_a_message_crosses_from_the_service_to_socket_io_and_back(world: World) -> None:
    node = world.node
    ann, bob = rooms.token("ann"), rooms.token("bob")
    room = rooms.create(node, ann, ["bob"])
    with chat(node, ann) as service, socket_io.user(node, bob) as page:
        sent = message(room, "Good morning!")
        delivered = ask(service, "sendChatMessage", sent)["payload"]
        assert delivered["status"] == "Delivered", delivered
        assert delivered["message_id"] == sent["message_id"], delivered
        created = page.event("message.created")
        assert created["id"] == sent["message_id"], created
        assert (created["userId"], created["content"]) == ("ann", "Good morning!"), created
        own = wire.frame(service)
        assert own["operation"] == "receiveChatMessage", own
        page.done("sendMessage", {"channelId": room, "content": "Good morning, Ann."})
        heard = wire.frame(service)
        assert heard["operation"] == "receiveChatMessage", heard
        assert heard["payload"]["content"] == "Good morning, Ann.", heard
        assert heard["payload"]["user_id"] == "bob", heard


def case_each_spelling_is_answered_in_its_own(world: World) -> None:
    node = world.node
    ann = rooms.token("ann")
    room = rooms.create(node, ann, [])
    with chat(node, ann, "?case=camel") as service:
        sent = message(room, "Hello")
        delivered = ask(service, "sendChatMessage", sent)["payload"]
        assert delivered["message_id"] == sent["message_id"], delivered
        pushed = wire.frame(service)["payload"]
        assert pushed["messageId"] == sent["message_id"], pushed
        named = {"messageId": str(uuid.uuid4()), "roomId": room, "userId": "", "messageType": "text"}
        named |= {"username": "", "content": "Hello again", "timestamp": sent["timestamp"]}
        delivered = ask(service, "sendChatMessage", named)["payload"]
        assert delivered["messageId"] == named["messageId"], delivered


def case_what_is_not_allowed_is_refused_and_named(world: World) -> None:
    node = world.node
    with chat(node, None) as nobody:
        assert wire.closing(nobody)[0] == 4001
    ann = rooms.token("ann")
    room = rooms.create(node, ann, [])
    reader = rooms.token("ann", roles=[], permissions=["conversation.read"])
    with chat(node, reader) as service:
        refused = ask(service, "sendChatMessage", message(room, "May I?"))
        assert refused["payload"] is None, refused
        assert refused["error"]["code"] == "forbidden", refused
        assert refused["error"]["correlation_id"] == refused["correlation_id"], refused
        renewed = ask(service, "refreshToken", {"token": ann})
        assert renewed["payload"] == {"success": True}, renewed
        stranger = ask(service, "refreshToken", {"token": rooms.token("bob")})
        assert stranger["error"]["code"] == "forbidden", stranger
        delivered = ask(service, "sendChatMessage", message(room, "Now I may."))
        assert delivered["payload"]["status"] == "Delivered", delivered


def case_a_store_that_is_busy_makes_a_message_pending_first(world: World) -> None:
    node = world.node
    ann = rooms.token("ann")
    room = rooms.create(node, ann, [])
    file = node.data / "conclave.db"
    with chat(node, ann) as service, contextlib.closing(sqlite3.connect(file)) as store:
        store.isolation_level = None
        store.execute("BEGIN IMMEDIATE")
        sent = message(room, "In a while")
        pending = ask(service, "sendChatMessage", sent)
        assert pending["payload"]["status"] == "Pending", pending
        store.execute("ROLLBACK")
        told = {}
        while len(told) < 2:
            frame = wire.frame(service)
            told[frame["operation"]] = frame
        delivered = told["sendChatMessage"]
        assert delivered["correlation_id"] == pending["correlation_id"], delivered
        assert delivered["payload"]["status"] == "Delivered", delivered
        assert told["receiveChatMessage"]["payload"]["content"] == "In a while"
