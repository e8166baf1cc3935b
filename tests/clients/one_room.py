"""One room, any client: Socket.IO, `/ws/conversation/…` and REST see the same messages."""

from __future__ import annotations

import rooms
import socket_io
import wire
from world import World


def shown(message: dict) -> tuple:
    """What a message of any dialect has to agree on: id, seq, author, content, parent, kind."""
    if "message_id" in message:
        names = ("message_id", "seq", "user_id", "content", "reply_to_id", "message_type")
    else:
        names = ("id", "seq", "userId", "content", "parentId", "messageType")
    return tuple(message.get(name) for name in names)


class Meeting:
    """alice and bob by Socket.IO, carol by `websockets`, in a room of their own."""

    def __init__(self, world: World):
        self.node = world.node
        self.tokens = {name: rooms.token(name) for name in ("alice", "bob", "carol")}
        self.room = rooms.create(self.node, self.tokens["alice"], ["bob", "carol"])
        self.users = [socket_io.user(self.node, self.tokens[name]) for name in ("alice", "bob")]

    def __enter__(self) -> Meeting:
        self.alice, self.bob = (user.__enter__() for user in self.users)
        self.carol = rooms.conversation(self.node, "carol", self.room, self.tokens["carol"])
        return self

    def __exit__(self, *error) -> None:
        self.carol.close()
        for user in self.users:
            user.__exit__(*error)

    def history(self) -> list[tuple]:
        return [shown(each) for each in rooms.history(self.node, self.room, self.tokens["bob"])]


def case_all_see_the_same_messages_in_the_same_order(world: World) -> None:
    with Meeting(world) as meeting:
        alice, bob, carol = meeting.alice, meeting.bob, meeting.carol
        # All at once, and nobody waits for anybody.
        asked = []
        for number in range(15):
            for client in (alice, bob):
                said = {"channelId": meeting.room, "content": f"message {number}"}
                asked.append((client, client.ask("sendMessage", said)))
            rooms.say(carol, "send_message", content=f"message {number}", client_id=f"c-{number}")
        total = 45
        by_alice, by_bob = (
            [shown(client.event("message.created")) for _ in range(total)] for client in (alice, bob)
        )
        by_carol, acked = [], {}
        while len(by_carol) < total or len(acked) < 15:
            frame = wire.frame(carol)
            if frame["type"] == "user_message":
                by_carol.append(shown(frame))
                if frame["user_id"] == "carol":
                    assert frame["message_id"] in acked, "its ack comes first"
            elif frame["type"] == "message_status":
                assert frame["status"] == "sent", frame
                acked[frame["message_id"]] = (frame["client_id"], frame["seq"])
        assert by_alice == by_bob == by_carol == meeting.history()
        assert [each[1] for each in by_alice] == list(range(2, 2 + total)), "the room's own order"
        for client, order in asked:
            assert shown(client.outcome(order)["answer"]["data"]) in by_carol
        by_id = {each[0]: each for each in by_carol}
        for id, (client_id, seq) in acked.items():
            assert by_id[id][1:4] == (seq, "carol", client_id.replace("c-", "message ")), client_id


def case_fields_edits_and_deletions_cross_over(world: World) -> None:
    with Meeting(world) as meeting:
        alice, carol = meeting.alice, meeting.carol
        image = alice.done(
            "sendMessage",
            {"channelId": meeting.room, "content": "https://example.com/x.png", "messageType": "Image"},
        )
        assert shown(rooms.heard(carol, "user_message")) == shown(image)
        rooms.say(carol, "send_message", content="nice", reply_to_id=image["id"])
        mine = rooms.heard(carol, "user_message", user_id="carol")
        for client in (alice, meeting.bob):
            assert shown(client.event("message.created", userId="carol")) == shown(mine)
        alice.done("updateMessage", {"messageId": image["id"], "content": "https://example.com/y.png"})
        updated = rooms.heard(carol, "message_updated")
        assert updated["message_id"] == image["id"] and updated["content"].endswith("y.png"), updated
        rooms.say(carol, "edit_message", message_id=mine["message_id"], content="very nice")
        assert alice.event("message.updated", userId="carol")["content"] == "very nice"
        rooms.say(carol, "delete_message", message_id=mine["message_id"])
        assert alice.event("message.deleted")["messageId"] == mine["message_id"]
        alice.done("deleteMessage", {"messageId": image["id"]})
        rooms.heard(carol, "message_deleted", message_id=mine["message_id"])
        gone = rooms.heard(carol, "message_deleted", message_id=image["id"])
        assert gone["conversation_id"] == meeting.room and gone["seq"] > mine["seq"], gone
        assert [each[3] for each in meeting.history()] == ["", ""]


def case_typing_crosses_over(world: World) -> None:
    with Meeting(world) as meeting:
        rooms.say(meeting.carol, "typing_start")
        for client in (meeting.alice, meeting.bob):
            typing = client.event("user:typing", userId="carol")
            assert (typing["channelId"], typing["isTyping"]) == (meeting.room, True), typing
        assert meeting.bob.done("typing:get", {"channelId": meeting.room}) == ["carol"]
        rooms.say(meeting.carol, "typing_stop")
        assert meeting.alice.event("user:typing", userId="carol")["isTyping"] is False
        meeting.alice.done("typing", {"channelId": meeting.room})
        typing = rooms.heard(meeting.carol, "typing_indicator", user_id="alice")
        assert (typing["conversation_id"], typing["typing"]) == (meeting.room, True), typing
        meeting.alice.done("typing:stop", {"channelId": meeting.room})
        assert rooms.heard(meeting.carol, "typing_indicator", user_id="alice")["typing"] is False


def case_receipts_cross_over_and_are_one_state(world: World) -> None:
    with Meeting(world) as meeting:
        alice, bob, carol = meeting.alice, meeting.bob, meeting.carol
        sent = alice.done("sendMessage", {"channelId": meeting.room, "content": "read me"})["id"]
        rooms.say(carol, "message_delivered", message_id=sent)
        delivered = alice.event("message.delivered")
        assert (delivered["recipientId"], delivered["status"]) == ("carol", "DELIVERED"), delivered
        rooms.say(carol, "message_read", message_id=sent)
        assert alice.event("message.seen")["recipientId"] == "carol"
        bob.done("message:seen", {"messageId": sent})
        assert alice.event("message.seen")["recipientId"] == "bob"
        states = bob.done("message:getStatus", {"messageId": sent})
        assert {each["recipientId"]: each["status"] for each in states} == {
            "bob": "READ", "carol": "READ"}, states
        history = rooms.history(meeting.node, meeting.room, meeting.tokens["carol"])
        assert history[0]["deliveryStatus"] == "READ", history
        # And the other way round.
        rooms.say(carol, "send_message", content="and me", client_id="k")
        mine = rooms.heard(carol, "message_status", client_id="k")["message_id"]
        for status, event in (("delivered", "message:delivered"), ("read", "message:seen")):
            alice.done(event, {"messageId": mine})
            told = rooms.heard(carol, "message_status", status=status)
            assert (told["message_id"], told["user_id"]) == (mine, "alice"), told
        path = f"/messages/{mine}/receipt"
        answer = rooms.call(meeting.node, "PUT", path, meeting.tokens["bob"], {"status": "READ"})
        assert answer.status in (200, 204), answer
        assert rooms.heard(carol, "message_status", status="read")["user_id"] == "bob"


def case_a_client_id_is_one_key_in_every_dialect(world: World) -> None:
    with Meeting(world) as meeting:
        first = meeting.alice.done(
            "sendMessage", {"channelId": meeting.room, "content": "once", "clientId": "same"}
        )
        with rooms.conversation(meeting.node, "alice", meeting.room, meeting.tokens["alice"]) as other:
            rooms.say(other, "send_message", content="once", client_id="same")
            status = rooms.heard(other, "message_status", client_id="same")
            assert (status["message_id"], status["seq"]) == (first["id"], first["seq"]), status
            rooms.say(other, "send_message", content="twice", client_id="same")
            error = rooms.heard(other, "error")
            assert (error["code"], error["client_id"]) == ("conflict", "same"), error
        body = {"content": "once", "clientId": "same"}
        path = f"/channels/{meeting.room}/messages"
        again = rooms.call(meeting.node, "POST", path, meeting.tokens["alice"], body)
        assert again.status == 200 and again.json()["id"] == first["id"], again
        assert len(meeting.history()) == 1


def case_a_late_client_replays_what_the_others_heard(world: World) -> None:
    with Meeting(world) as meeting:
        for number in range(10):
            meeting.alice.done("sendMessage", {"channelId": meeting.room, "content": str(number)})
        live = [shown(rooms.heard(meeting.carol, "user_message")) for _ in range(10)]
        since = live[3][1]
        token = meeting.tokens["bob"]
        with rooms.conversation(meeting.node, "bob", meeting.room, token, f"&since={since}") as late:
            assert [shown(rooms.heard(late, "user_message")) for _ in range(6)] == live[4:]
            meeting.alice.done("sendMessage", {"channelId": meeting.room, "content": "live"})
            assert rooms.heard(late, "user_message")["content"] == "live"


def case_the_users_feed_hears_the_room_too(world: World) -> None:
    with Meeting(world) as meeting:
        token = meeting.tokens["bob"]
        with wire.connect(f"{meeting.node.ws}/bob?token={token}") as feed:
            assert wire.frame(feed)["type"] == "connected"
            rooms.say(feed, "subscribe_conversation", conversation_id=meeting.room)
            assert rooms.heard(feed, "subscribed")["conversation_id"] == meeting.room
            sent = meeting.alice.done("sendMessage", {"channelId": meeting.room, "content": "x"})
            assert shown(rooms.heard(feed, "user_message")) == shown(sent)
            rooms.say(feed, "unsubscribe_conversation", conversation_id=meeting.room)
            assert rooms.heard(feed, "unsubscribed")["conversation_id"] == meeting.room
            meeting.alice.done("sendMessage", {"channelId": meeting.room, "content": "y"})
            rooms.say(feed, "ping")
            assert wire.frame(feed)["type"] == "pong"
