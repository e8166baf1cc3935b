"""Every event of the Socket.IO gateway, with the stock client: two users in two processes."""

from __future__ import annotations

import re
import uuid

import rooms
import socket_io
import web
from world import SECRET, World

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NOBODY = "01890000-0000-7000-8000-000000000000"


def pair(world: World) -> tuple[str, str, str]:
    """A private room of alice and bob, and their tokens."""
    alice, bob = rooms.token("alice"), rooms.token("bob")
    return rooms.create(world.node, alice, ["bob"]), alice, bob


def check_message(message: dict, room: str, user: str, content: str) -> None:
    wanted = {"id", "content", "channelId", "userId", "messageType", "seq"}
    wanted |= {"createdAt", "updatedAt", "deliveryStatus", "user"}
    assert wanted <= set(message) <= wanted | {"parentId", "clientId"}, message
    assert uuid.UUID(message["id"]) and isinstance(message["seq"], int), message
    assert (message["channelId"], message["userId"]) == (room, user), message
    assert (message["content"], message["user"]["id"]) == (content, user), message
    assert DATE.fullmatch(message["createdAt"]), message
    assert DATE.fullmatch(message["updatedAt"]), message


def case_a_message_reaches_both_after_its_ack(world: World) -> None:
    room, alice_token, bob_token = pair(world)
    with socket_io.user(world.node, alice_token) as alice, socket_io.user(world.node, bob_token) as bob:
        first = alice.done("sendMessage", {"channelId": room, "content": "hello", "clientId": "c1"})
        check_message(first, room, "alice", "hello")
        assert first["clientId"] == "c1" and first["deliveryStatus"] == "SENT", first
        assert first["messageType"] == "Text" and first["user"]["name"] == "alice", first
        heard, offset = bob.event_with_offset("message.created")
        assert "clientId" not in heard, "another's clientId was shown"
        assert heard | {"clientId": "c1"} == first
        assert isinstance(offset, str), "without an offset there is nothing to recover from"
        assert alice.event("message.created") == first
        reply = bob.done(
            "sendMessage",
            {"channelId": room, "content": "https://example.com/cat.png", "parentId": first["id"],
             "messageType": "Image"},
        )
        assert (reply["parentId"], reply["messageType"]) == (first["id"], "Image"), reply
        assert reply["seq"] == first["seq"] + 1, reply
        assert alice.event("message.created") == bob.event("message.created") == reply


def case_the_ack_comes_before_the_message_itself(world: World) -> None:
    room, alice_token, _ = pair(world)
    with socket_io.user(world.node, alice_token) as alice:
        orders = [
            alice.ask("sendMessage", {"channelId": room, "content": str(n)}) for n in range(20)
        ]
        sent = [alice.outcome(order) for order in orders]
        for each in sent:
            id = each["answer"]["data"]["id"]
            echo = alice.take(
                lambda told: told["told"] == "event" and told["data"][0].get("id") == id, "echo"
            )
            assert each["at"] <= echo["at"], "the message came before its ack"


def case_the_same_client_id_is_the_same_message(world: World) -> None:
    room, alice_token, bob_token = pair(world)
    with socket_io.user(world.node, alice_token) as alice, socket_io.user(world.node, bob_token) as bob:
        once = {"channelId": room, "content": "only once", "clientId": "retry-1"}
        first, again = alice.done("sendMessage", once), alice.done("sendMessage", once)
        assert first["id"] == again["id"] and first["seq"] == again["seq"]
        assert alice.refused("sendMessage", once | {"content": "something else"}) == "conflict"
        assert bob.done("sendMessage", once)["id"] != first["id"], "keys are of one user"
        for client in (alice, bob):
            contents = [client.event("message.created")["userId"] for _ in range(2)]
            assert contents == ["alice", "bob"], contents
            assert client.pending("message.created") == []


def case_edit_and_delete_are_the_authors(world: World) -> None:
    room, alice_token, bob_token = pair(world)
    with socket_io.user(world.node, alice_token) as alice, socket_io.user(world.node, bob_token) as bob:
        sent = alice.done("sendMessage", {"channelId": room, "content": "teh"})
        change = {"messageId": sent["id"], "content": "the"}
        assert bob.refused("updateMessage", change) == "forbidden"
        assert bob.refused("deleteMessage", {"messageId": sent["id"]}) == "forbidden"
        edited = alice.done("updateMessage", change)
        check_message(edited, room, "alice", "the")
        assert edited["seq"] == sent["seq"], "an edit keeps the message's place"
        for client in (alice, bob):
            assert client.event("message.updated")["content"] == "the"
        assert alice.done("deleteMessage", {"messageId": sent["id"]}) is True
        for client in (alice, bob):
            gone = client.event("message.deleted")
            assert gone == {"messageId": sent["id"], "channelId": room}, gone
        assert alice.refused("updateMessage", change) == "not_found"
        assert bob.refused("message:seen", {"messageId": sent["id"]}) == "not_found"
    last = rooms.history(world.node, room, bob_token)[-1]
    assert last["content"] == "" and DATE.fullmatch(last["deletedAt"]), last
    assert last["seq"] == sent["seq"], last


def case_a_moderator_of_the_server_deletes_anybodys_message(world: World) -> None:
    room, alice_token, bob_token = pair(world)
    moderator = rooms.token("warden", roles=["moderator"])
    with socket_io.user(world.node, alice_token) as alice, socket_io.user(world.node, moderator) as warden:
        sent = alice.done("sendMessage", {"channelId": room, "content": "rude"})
        change = {"messageId": sent["id"], "content": "kind"}
        assert warden.refused("updateMessage", change) in ("not_found", "forbidden")
        assert warden.done("deleteMessage", {"messageId": sent["id"]}) is True
        assert alice.event("message.deleted")["messageId"] == sent["id"]
        warden.settle()
        assert warden.pending("message.deleted") == [], "the room is still none of theirs"
    assert rooms.history(world.node, room, bob_token)[-1]["content"] == ""


def case_receipts_reach_the_author_alone(world: World) -> None:
    alice_token, bob_token, carol_token = (rooms.token(name) for name in ("alice", "bob", "carol"))
    room = rooms.create(world.node, alice_token, ["bob", "carol"])
    with (
        socket_io.user(world.node, alice_token) as alice,
        socket_io.user(world.node, bob_token) as bob,
        socket_io.user(world.node, carol_token) as carol,
    ):
        first, second = (
            alice.done("sendMessage", {"channelId": room, "content": each})["id"] for each in "ab"
        )
        assert alice.refused("message:seen", {"messageId": first}) == "forbidden"
        assert bob.done("message:delivered", {"messageId": second}) is True
        # One covers what came before it.
        told = [alice.event("message.delivered", recipientId="bob") for _ in range(2)]
        assert {each["messageId"] for each in told} == {first, second}, told
        assert all(each["status"] == "DELIVERED" for each in told), told
        assert all(DATE.fullmatch(each["timestamp"]) for each in told), told
        # A repeated one is acknowledged and sends nothing.
        assert bob.done("message:delivered", {"messageId": second}) is True
        assert bob.done("message:seen", {"messageId": first}) is True
        seen = alice.event("message.seen")
        assert (seen["messageId"], seen["status"]) == (first, "READ"), seen
        assert alice.pending("message.delivered") == []
        states = {each["recipientId"]: each for each in
                  carol.done("message:getStatus", {"messageId": first})}
        assert {name: each["status"] for name, each in states.items()} == {
            "bob": "READ", "carol": "SENT"}, states
        assert all(set(each) == {"messageId", "recipientId", "status", "timestamp"}
                   for each in states.values()), states
        assert carol.done("message:seen", {"messageId": second}) is True
        assert {alice.event("message.seen")["recipientId"] for _ in range(2)} == {"carol"}
        for client in (bob, carol):
            client.settle()
            assert client.pending("message.delivered") + client.pending("message.seen") == []
    status = {each["id"]: each["deliveryStatus"] for each in
              rooms.history(world.node, room, alice_token)}
    assert status == {first: "READ", second: "DELIVERED"}, status


def case_offline_messages_are_pushed_counted_and_listed(world: World) -> None:
    room, alice_token, bob_token = pair(world)
    with socket_io.user(world.node, alice_token) as alice:
        sent = [
            alice.done("sendMessage", {"channelId": room, "content": str(n)})["id"] for n in range(5)
        ]
    with socket_io.SocketIo() as bob:
        bob.dial(world.node.http, {"token": bob_token})
        bob.next("connect")
        pushed = [bob.event("message.created", channelId=room)["id"] for _ in sent]
        assert pushed == sent, "not in order"
        assert bob.event("offline.end") == {"remaining": 0}
        before = bob.done("message:getOfflineCount")
        listed = [m["id"] for m in bob.done("message:getOffline") if m["channelId"] == room]
        assert listed == sent, "writing a message to a socket is no receipt"
        after = bob.done("message:getOffline", {"limit": 2, "after": sent[1]})
        assert [each["id"] for each in after] == sent[2:4], after
        bob.done("message:delivered", {"messageId": sent[2]})
        assert bob.done("message:getOfflineCount") == {"count": before["count"] - 3}
        left = [m["id"] for m in bob.done("message:getOffline", {}) if m["channelId"] == room]
        assert left == sent[3:], left


def case_typing_shows_and_ends_by_itself(world: World) -> None:
    room, alice_token, bob_token = pair(world)
    with socket_io.user(world.node, alice_token) as alice, socket_io.user(world.node, bob_token) as bob:
        assert alice.done("typing", {"channelId": room}) is True
        shown = bob.event("user:typing")
        assert DATE.fullmatch(shown.pop("timestamp")), shown
        assert shown == {"userId": "alice", "channelId": room, "isTyping": True}, shown
        assert bob.done("typing:get", {"channelId": room}) == ["alice"]
        assert alice.done("typing:stop", {"channelId": room}) is True
        assert bob.event("user:typing")["isTyping"] is False
        assert bob.done("typing:get", {"channelId": room}) == []
        # A message ends it, and so do five seconds.
        alice.done("typing", {"channelId": room})
        assert bob.event("user:typing")["isTyping"] is True
        alice.done("sendMessage", {"channelId": room, "content": "typed"})
        assert bob.event("user:typing")["isTyping"] is False
        alice.done("typing", {"channelId": room})
        assert bob.event("user:typing")["isTyping"] is True
        assert bob.event("user:typing")["isTyping"] is False
        # And so does a connection that ends.
        alice.done("typing", {"channelId": room})
        assert bob.event("user:typing")["isTyping"] is True
        alice.order("disconnect")
        assert bob.event("user:typing")["isTyping"] is False


def case_presence_is_asked_and_told(world: World) -> None:
    alice_token, dave_token = rooms.token("alice"), rooms.token("dave")
    room = rooms.create(world.node, alice_token, ["dave"])
    with socket_io.user(world.node, alice_token) as alice:
        users = {each["userId"]: each for each in alice.done("presence:get", {"channelId": room})}
        assert users["alice"]["isOnline"] is True and users["dave"]["isOnline"] is False, users
        assert set(users["dave"]) == {"userId", "isOnline", "lastSeenAt"}, users
        with socket_io.user(world.node, dave_token):
            assert alice.event("presence.updated", userId="dave")["isOnline"] is True
            users = {each["userId"]: each["isOnline"] for each in
                     rooms.read(world.node, f"/channels/{room}/presence", alice_token)}
            assert users == {"alice": True, "dave": True}, users


def case_a_public_room_is_joined_and_left(world: World) -> None:
    alice_token, bob_token = rooms.token("alice"), rooms.token("bob")
    room = rooms.create(world.node, alice_token, [], "PUBLIC")
    hidden = rooms.create(world.node, alice_token, [])
    with socket_io.user(world.node, alice_token) as alice, socket_io.user(world.node, bob_token) as bob:
        hello = {"channelId": room, "content": "hello"}
        assert bob.refused("sendMessage", hello) == "not_found", "PUBLIC rooms need joining too"
        assert bob.refused("channel:join", {"channelId": hidden}) == "not_found"
        assert bob.refused("channel:join", {"channelId": NOBODY}) == "not_found"
        assert bob.done("channel:join", {"channelId": room}) is True
        for client in (alice, bob):
            joined = client.event("channel.member_joined", userId="bob")
            assert joined == {"channelId": room, "userId": "bob"}, joined
        bob.done("sendMessage", hello)
        assert alice.event("message.created")["userId"] == "bob"
        assert bob.event("message.created")["userId"] == "bob"
        assert bob.done("channel:leave", {"channelId": room}) is True
        for client in (alice, bob):
            left = client.event("channel.member_left", userId="bob")
            assert left == {"channelId": room, "userId": "bob"}, left
        alice.done("sendMessage", hello | {"content": "gone?"})
        bob.settle()
        assert bob.pending("message.created") == [], "heard a room after leaving it"
        assert bob.refused("typing", {"channelId": room}) == "not_found"


def case_an_invited_user_may_join(world: World) -> None:
    alice_token, bob_token = rooms.token("alice"), rooms.token("bob")
    room = rooms.create(world.node, alice_token, [])
    with socket_io.user(world.node, bob_token) as bob:
        invited = rooms.call(
            world.node, "POST", f"/channels/{room}/invitations", alice_token, {"inviteeId": "bob"}
        )
        assert invited.status == 201, invited
        assert bob.done("channel:join", {"channelId": room}) is True
        assert bob.event("channel.member_joined")["channelId"] == room


def case_rest_changes_a_room_and_its_members_hear_so(world: World) -> None:
    alice_token, bob_token = rooms.token("alice"), rooms.token("bob")
    with socket_io.user(world.node, bob_token) as bob:
        room = rooms.create(world.node, alice_token, ["bob"])
        made = bob.event("channel.created")
        assert (made["id"], made["type"], made["ownerId"]) == (room, "PRIVATE", "alice"), made
        path = f"/channels/{room}"
        assert rooms.call(world.node, "PUT", path, alice_token, {"name": "new"}).status == 200
        assert bob.event("channel.updated")["name"] == "new"
        sent = rooms.call(world.node, "POST", f"{path}/messages", alice_token, {"content": "by REST"})
        assert sent.status == 201, sent
        assert bob.event("message.created")["id"] == sent.json()["id"]
        assert rooms.call(world.node, "DELETE", path, bob_token).status == 403
        assert rooms.call(world.node, "DELETE", path, alice_token).status == 204
        assert bob.event("channel.deleted") == {"channelId": room}


def case_the_users_feed_shows_pushes(world: World) -> None:
    backend = rooms.token("backend", roles=[], permissions=["server.publish"])
    with socket_io.user(world.node, rooms.token("bob")) as bob:
        for kind in ("notification", "live_update"):
            body = {"type": kind, "data": {"text": kind, "count": 3}}
            pushed = rooms.call(world.node, "POST", "/api/v1/users/bob/push", backend, body)
            assert pushed.status in (200, 202, 204), pushed
            assert bob.event(kind) == body["data"]
        said = {"status": "degraded", "message": "slow today"}
        told = rooms.call(world.node, "POST", "/api/v1/system-status", backend, said)
        assert told.status in (200, 202, 204), told
        assert bob.event("system_status") == said


def case_what_is_wrong_is_said_in_the_ack(world: World) -> None:
    room, alice_token, _ = pair(world)
    with socket_io.user(world.node, alice_token) as alice:
        assert alice.refused("no such event", {}) == "unknown_event"
        assert alice.refused("sendMessage") == "bad_request"
        assert alice.refused("sendMessage", "text") == "bad_request"
        assert alice.refused("sendMessage", {"channelId": room}) == "bad_request"
        assert alice.refused("sendMessage", {"channelId": room, "content": ""}) == "bad_request"
        long = {"channelId": room, "content": "x" * 2001}
        assert alice.refused("sendMessage", long) in ("too_large", "bad_request")
        assert alice.refused("sendMessage", {"channelId": NOBODY, "content": "x"}) == "not_found"
        assert alice.refused("updateMessage", {"messageId": NOBODY, "content": "x"}) == "not_found"
        assert alice.refused("message:getStatus", {"messageId": "no id"}) in ("bad_request", "not_found")
        binary = {"channelId": room, "content": {"$binary": "AAEC"}}
        assert alice.refused("sendMessage", binary) == "bad_request"
        # Where no ack was asked, there is an event.
        alice.order("emit", name="no such event", data=[{}], ack=False)
        error = alice.event("error")
        assert error["code"] == "unknown_event" and "no such event" in error["message"], error
        assert alice.order("state")["connected"] is True


def case_a_failed_connect_says_why(world: World) -> None:
    token = rooms.token("alice")
    revoked = rooms.token("alice", seconds=-3600)
    for auth, hint in (
        (None, "token"),
        ({}, "token"),
        ({"token": ""}, "token"),
        ({"token": f"Bearer {token}"}, "Bearer"),
        ({"jwt": token}, "auth.token"),
        ({"token": "not.a.token"}, "authentication"),
        ({"token": revoked}, "authentication"),
    ):
        with socket_io.SocketIo() as client:
            client.dial(world.node.http, auth)
            error = client.next("connect_error")
            assert error["data"] == {"code": 4001}, error
            assert "authentication" in error["message"] and hint in error["message"], error
    for place in ({"query": {"token": token}}, {"extraHeaders": web.bearer(token)}):
        with socket_io.SocketIo() as client:
            client.dial(world.node.http, None, **place)
            error = client.next("connect_error")
            assert error["data"]["code"] == 4001 and "auth" in error["message"], error


def case_another_namespace_is_refused_and_the_main_one_stays(world: World) -> None:
    with socket_io.SocketIo() as client:
        client.dial(f"{world.node.http}/other", {"token": rooms.token("alice")})
        assert client.next("connect_error")["message"] == "Invalid namespace"


def case_a_ticket_opens_once(world: World) -> None:
    made = rooms.call(world.node, "POST", "/auth/ticket", rooms.token("alice"), {})
    ticket = made.json()["ticket"]
    with socket_io.SocketIo() as client:
        client.dial(world.node.http, {"ticket": ticket})
        client.next("connect")
    with socket_io.SocketIo() as client:
        client.dial(world.node.http, {"ticket": ticket})
        assert client.next("connect_error")["data"] == {"code": 4001}


def case_the_eleventh_connection_is_refused_with_4008(world: World) -> None:
    token = rooms.token("crowd")
    clients = [socket_io.SocketIo() for _ in range(2)]
    connections = []
    try:
        room = rooms.create(world.node, token, [])
        connections = [rooms.conversation(world.node, "crowd", room, token) for _ in range(9)]
        clients[0].dial(world.node.http, {"token": token})
        clients[0].next("connect")
        clients[1].dial(world.node.http, {"token": token})
        assert clients[1].next("connect_error")["data"] == {"code": 4008}
    finally:
        for each in connections:
            each.close()
        for client in clients:
            client.close()


def case_auth_failure_by_event_is_heard_by_older_clients(world: World) -> None:
    node = world.start({"JWT_SECRET_KEY": SECRET, "CONCLAVE_SOCKETIO__AUTH_FAILURE": "event"})
    for auth in (None, {"token": "not.a.token"}, {"token": rooms.token("alice", seconds=-3600)}):
        with socket_io.SocketIo() as client:
            client.dial(node.http, auth)
            client.next("connect")
            error = client.event("error")
            assert error["code"] == 4001, error
            assert "authentication" in error["message"], error
            assert client.next("disconnect")["reason"] == "io server disconnect"
            assert client.pending("offline.end") == [], "something was attached"
    with socket_io.user(node, rooms.token("alice")) as client:
        client.settle()
