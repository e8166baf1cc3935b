"""The stock Socket.IO client after a lost connection: what it missed, and who it still is."""

from __future__ import annotations

import contextlib

import rooms
import socket_io
import web
from proxy import Proxy
from world import SECRET, World

COMES_BACK = {"reconnection": True, "reconnectionDelay": 20, "reconnectionDelayMax": 50}


@contextlib.contextmanager
def through(proxy: Proxy, token: str):
    """A user behind the proxy; nothing of what was pushed at first is left to take."""
    with socket_io.SocketIo() as client:
        client.dial(proxy.http, {"token": token}, **COMES_BACK)
        first = client.next("connect")
        assert first["recovered"] is False and first["pid"], first
        client.event("offline.end")
        client.forget()
        yield client


def send(client: socket_io.SocketIo, room: str, content: str) -> str:
    return client.done("sendMessage", {"channelId": room, "content": content})["id"]


def case_what_was_missed_arrives_once_and_in_order(world: World) -> None:
    alice_token, bob_token = rooms.token("alice"), rooms.token("bob")
    room = rooms.create(world.node, alice_token, ["bob"])
    with (
        Proxy(world.node.port) as proxy,
        socket_io.user(world.node, alice_token) as alice,
        through(proxy, bob_token) as bob,
    ):
        heard = [send(alice, room, "before")]
        assert bob.event("message.created")["id"] == heard[0]
        before = bob.order("state")
        proxy.cut()
        assert bob.next("disconnect")["reason"] == "transport close"
        missed = [send(alice, room, f"missed {n}") for n in range(10)]
        alice.done("updateMessage", {"messageId": missed[0], "content": "changed"})
        alice.done("deleteMessage", {"messageId": missed[1]})
        rooms.call(world.node, "PUT", f"/channels/{room}", alice_token, {"name": "renamed"})
        proxy.mend()
        back = bob.next("connect")
        assert back["recovered"] is True, back
        assert (back["id"], back["pid"]) == (before["id"], before["pid"]), back
        assert [bob.event("message.created")["id"] for _ in missed] == missed
        assert bob.event("message.updated")["id"] == missed[0]
        assert bob.event("message.deleted")["messageId"] == missed[1]
        assert bob.event("channel.updated")["name"] == "renamed"
        # It is heard again, and nothing came twice.
        last = send(alice, room, "after")
        assert bob.event("message.created")["id"] == last
        bob.settle()
        for name in ("message.created", "message.updated", "message.deleted", "offline.end"):
            assert bob.pending(name) == [], name


def case_a_client_that_changes_its_network_is_recovered(world: World) -> None:
    alice_token, bob_token = rooms.token("alice"), rooms.token("bob")
    room = rooms.create(world.node, alice_token, ["bob"])
    with (
        Proxy(world.node.port) as proxy,
        socket_io.user(world.node, alice_token) as alice,
        through(proxy, bob_token) as bob,
    ):
        send(alice, room, "before")
        bob.event("message.created")
        before = bob.order("state")
        proxy.leave()
        # The server writes it to the connection that it holds to be alive.
        missed = send(alice, room, "missed")
        back = bob.next("connect")
        assert back["recovered"] is True, back
        assert (back["id"], back["pid"]) == (before["id"], before["pid"]), back
        assert bob.event("message.created")["id"] == missed
        bob.settle()
        assert bob.pending("message.created") == [] and bob.pending("offline.end") == []


def case_a_line_cut_again_and_again_loses_nothing(world: World) -> None:
    alice_token, bob_token = rooms.token("ann"), rooms.token("ben")
    room = rooms.create(world.node, alice_token, ["ben"])
    with (
        Proxy(world.node.port) as proxy,
        socket_io.user(world.node, alice_token) as alice,
        through(proxy, bob_token) as bob,
    ):
        sent = [send(alice, room, "first")]
        bob.take(lambda told: told.get("name") == "message.created" and told["data"][0]["id"] == sent[0],
                 "first message")
        for _ in range(6):
            orders = [
                alice.ask("sendMessage", {"channelId": room, "content": "on its way"}) for _ in range(12)
            ]
            sent += [alice.outcome(order)["answer"]["data"]["id"] for order in orders[:4]]
            proxy.cut()
            sent += [alice.outcome(order)["answer"]["data"]["id"] for order in orders[4:]]
            proxy.mend()
            assert bob.next("connect")["recovered"] is True
        heard = [bob.event("message.created")["id"] for _ in sent[1:]]
        assert heard == sent[1:]
        bob.settle()
        assert bob.pending("message.created") == []


def case_memberships_are_read_again(world: World) -> None:
    alice_token, bob_token = rooms.token("alice"), rooms.token("bob")
    kept = rooms.create(world.node, alice_token, ["bob"])
    lost = rooms.create(world.node, alice_token, ["bob"])
    with (
        Proxy(world.node.port) as proxy,
        socket_io.user(world.node, alice_token) as alice,
        through(proxy, bob_token) as bob,
    ):
        send(alice, kept, "before")
        bob.event("message.created", content="before")
        proxy.cut()
        bob.next("disconnect")
        path = f"/channels/{lost}/members/bob"
        assert rooms.call(world.node, "DELETE", path, alice_token).status == 204
        send(alice, lost, "not for bob")
        gained = rooms.create(world.node, alice_token, ["bob"])
        send(alice, gained, "in a new room")
        proxy.mend()
        bob.next("connect")
        last = send(alice, kept, "after")
        assert bob.event("message.created", channelId=gained)["content"] == "in a new room"
        assert bob.event("message.created", content="after")["id"] == last
        bob.settle()
        heard = [each for each in bob.pending("message.created") if each["channelId"] == lost]
        assert heard == [], heard


def case_a_stolen_pid_gives_nothing(world: World) -> None:
    alice_token, bob_token = rooms.token("alice"), rooms.token("bob")
    room = rooms.create(world.node, alice_token, ["bob"])
    with Proxy(world.node.port) as proxy, socket_io.user(world.node, alice_token) as alice:
        with through(proxy, bob_token) as bob:
            send(alice, room, "before")
            bob.event("message.created", content="before")
            known = bob.order("state")
            proxy.cut()
            bob.next("disconnect")
        secret = {"pid": known["pid"], "offset": known["offset"]}
        for auth in (
            {"token": rooms.token("mallory")} | secret,
            {"token": bob_token, "pid": known["pid"]},
            {"token": bob_token, "pid": known["id"], "offset": known["offset"]},
            {"token": bob_token, "pid": known["pid"], "offset": "-1"},
        ):
            with socket_io.SocketIo() as thief:
                thief.dial(world.node.http, auth)
                opened = thief.next("connect")
                assert opened["id"] != known["id"] and opened["pid"] != known["pid"], opened
                # An ordinary beginning.
                thief.event("offline.end")
        with socket_io.SocketIo() as nobody:
            nobody.dial(world.node.http, secret)
            assert nobody.next("connect_error")["data"] == {"code": 4001}


def case_a_token_revoked_meanwhile_does_not_come_back(world: World) -> None:
    alice_token, bob_token = rooms.token("alice"), rooms.token("bob")
    room = rooms.create(world.node, alice_token, ["bob"])
    with (
        Proxy(world.node.port) as proxy,
        socket_io.user(world.node, alice_token) as alice,
        through(proxy, bob_token) as bob,
    ):
        send(alice, room, "before")
        bob.event("message.created", content="before")
        proxy.cut()
        bob.next("disconnect")
        assert web.post_json(f"{world.node.http}/auth/logout", {}, bob_token).status == 204
        proxy.mend()
        error = bob.take(
            lambda told: told["told"] == "connect_error" and told["data"] is not None, "refusal"
        )
        assert error["data"] == {"code": 4001}, error


def case_after_a_restart_the_client_is_told_what_is_offline(world: World) -> None:
    node = world.start({"JWT_SECRET_KEY": SECRET})
    alice_token, bob_token = rooms.token("alice"), rooms.token("bob")
    room = rooms.create(node, alice_token, ["bob"])
    with socket_io.SocketIo() as bob, socket_io.SocketIo() as alice:
        for client, token in ((bob, bob_token), (alice, alice_token)):
            client.dial(node.http, {"token": token}, **COMES_BACK)
            client.next("connect")
            client.event("offline.end")
        seen = send(alice, room, "seen")
        assert bob.event("message.created")["id"] == seen
        bob.done("message:seen", {"messageId": seen})
        node.crash()
        node.start()
        assert alice.next("connect")["recovered"] is False
        bob.next("connect")
        bob.event("offline.end")
        sent = send(alice, room, "after the restart")
        assert bob.event("message.created")["id"] == sent
        bob.settle()
        assert bob.pending("message.created") == [], "what was seen is not offline"


def case_a_drain_lets_clients_come_back(world: World) -> None:
    node = world.start({"JWT_SECRET_KEY": SECRET})
    with socket_io.SocketIo() as client:
        client.dial(node.http, {"token": rooms.token("alice")}, **COMES_BACK)
        client.next("connect")
        assert node.drain() == 0
        # Not "io server disconnect", after which the library stays away.
        assert client.next("disconnect")["reason"] == "transport close"
        node.start()
        client.next("connect")


def case_a_renewed_token_outlives_the_first(world: World) -> None:
    seconds = 3
    with (
        socket_io.user(world.node, rooms.token("alice", seconds=seconds)) as expiring,
        socket_io.user(world.node, rooms.token("alice", seconds=seconds)) as renewed,
    ):
        for token, code in (
            ("not.a.token", "unauthenticated"),
            (rooms.token("alice", seconds=-3600), "unauthenticated"),
            (rooms.token("bob"), "forbidden"),
            (rooms.token("alice", sid="another session"), "forbidden"),
        ):
            assert renewed.refused("auth:refresh", {"token": token}) == code, code
        assert renewed.refused("auth:refresh") == "bad_request"
        assert renewed.done("auth:refresh", {"token": rooms.token("alice")}) is True
        # The other one's token ends, with leeway, and so does its connection.
        error = expiring.event("error")
        assert error["code"] == 4001 and "authentication" in error["message"], error
        assert expiring.next("disconnect")["reason"] == "io server disconnect"
        renewed.settle()


def case_a_client_disconnects_and_comes_back_in_one_engine(world: World) -> None:
    with socket_io.SocketIo() as client:
        client.dial(world.node.http, {"token": rooms.token("alice")}, reconnection=True)
        first = client.next("connect")["id"]
        client.event("offline.end")
        client.order("disconnect")
        assert client.next("disconnect")["reason"] == "io client disconnect"
        client.order("authorise", auth={"token": rooms.token("bob")})
        client.order("reconnect")
        assert client.next("connect")["id"] != first
        client.event("offline.end")
        room = rooms.create(world.node, rooms.token("bob"), [])
        assert client.event("channel.created")["id"] == room, "it is somebody else now"
