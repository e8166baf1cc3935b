"""Listeners of a room: what they hear after an interruption, and when they read too slowly."""

from __future__ import annotations

import asyncio
import gc
import unittest

from conclave_client import Forbidden, Message, NotFound, Receipt, Resynced, RoomLeft, Typing
from scripted import Case, soon


def stored(seq: int) -> dict:
    return {"id": f"m{seq}", "content": f"text {seq}", "channelId": "r", "userId": "ben", "seq": seq,
            "messageType": "Text", "createdAt": "2026-01-01T00:00:00.000Z",
            "updatedAt": "2026-01-01T00:00:00.000Z", "deliveryStatus": "SENT",
            "user": {"id": "ben", "name": "ben"}}


class Recovering(Case):
    async def seqs(self, listener, count: int) -> list[int]:
        return [(await soon(listener.__anext__())).seq for _ in range(count)]

    async def test_a_new_listener_hears_what_comes_from_now_on(self) -> None:
        client = self.client()
        events = client.room("r").listen()
        peer = await self.online(client)
        asked = await peer.subscribed("r", 7)
        self.assertNotIn("since", asked)
        await peer.message(8)
        event = await soon(events.__anext__())
        assert isinstance(event, Message)
        self.assertEqual((event.seq, event.user_id, event.content), (8, "ben", "text 8"))

    async def test_after_an_interruption_it_asks_from_the_last_one_and_drops_repeated_ones(self) -> None:
        client = self.client()
        events = client.room("r").listen()
        peer = await self.online(client)
        await peer.subscribed("r", 7)
        await peer.message(8)
        await peer.say("message_updated", conversation_id="r", message_id="m8", seq=9, user_id="ben",
                       content="better", timestamp=1.5)
        self.assertEqual(await self.seqs(events, 2), [8, 9])
        peer.cut()
        peer = await self.again()
        await peer.subscribed("r", 11, since=9)
        for seq in (9, 10, 11, 12):
            await peer.message(seq)
        self.assertEqual(await self.seqs(events, 3), [10, 11, 12])

    async def test_before_the_first_event_it_asks_from_where_it_subscribed(self) -> None:
        client = self.client()
        events = client.room("r").listen()
        peer = await self.online(client)
        await peer.subscribed("r", 7)
        await peer.quiet()
        peer.cut()
        peer = await self.again()
        await peer.subscribed("r", 8, since=7)
        await peer.message(8)
        self.assertEqual(await self.seqs(events, 1), [8])

    async def test_what_the_server_does_not_replay_is_read_by_rest(self) -> None:
        for after in (3, 5):
            path = f"/channels/r/messages?limit=200&after={after}"
            self.server.answers[path] = [stored(seq) for seq in (7, 6, 5, 4) if seq > after]
        client = self.client()
        events = client.room("r").listen(since=3)
        peer = await self.online(client)
        # 7 came after the subscription, so it comes live too, and is told once.
        await peer.subscribed("r", 6, since=3)
        await peer.say("resync", conversation_id="r", from_seq=3)
        await peer.message(7)
        await peer.message(8)
        self.assertEqual(await self.seqs(events, 3), [4, 5, 6])
        gap = await soon(events.__anext__())
        self.assertEqual(gap, Resynced("r", 3, 6))
        self.assertEqual(await self.seqs(events, 2), [7, 8])

    async def test_missed_messages_that_cannot_be_read_are_not_passed_over(self) -> None:
        client = self.client()
        events = client.room("r").listen(since=3)
        peer = await self.online(client)
        await peer.subscribed("r", 6, since=3)
        await peer.say("resync", conversation_id="r", from_seq=3)
        with self.assertRaises(NotFound):
            await soon(events.__anext__())

    async def test_a_server_that_forgot_is_followed_back(self) -> None:
        client = self.client()
        events = client.room("r").listen(since=90)
        peer = await self.online(client)
        await peer.subscribed("r", 5, since=90)
        await peer.say("resync", conversation_id="r", from_seq=90)
        await peer.message(6)
        self.assertEqual(await soon(events.__anext__()), Resynced("r", 90, 5))
        self.assertEqual(await self.seqs(events, 1), [6])

    async def test_a_slow_listener_stays_bounded_and_catches_up_by_replay(self) -> None:
        client = self.client(queue_max=3)
        events = client.room("r").listen()
        peer = await self.online(client)
        await peer.subscribed("r", 0)
        for seq in range(1, 8):
            await peer.message(seq)
        await peer.quiet()
        self.assertEqual(await self.seqs(events, 3), [1, 2, 3])
        task = asyncio.create_task(self.seqs(events, 3))
        await peer.expect("unsubscribe_conversation")
        await peer.say("unsubscribed", conversation_id="r", message="")
        await peer.subscribed("r", 7, since=3)
        for seq in (4, 5, 6):
            await peer.message(seq)
        self.assertEqual(await soon(task), [4, 5, 6])

    async def test_two_listeners_share_a_subscription_and_each_hears_its_own_past(self) -> None:
        client = self.client()
        live = client.room("r").listen()
        peer = await self.online(client)
        await peer.subscribed("r", 4)
        await peer.message(5)
        self.assertEqual(await self.seqs(live, 1), [5])
        early = client.room("r").listen(since=3)
        await peer.expect("unsubscribe_conversation")
        await peer.say("unsubscribed", conversation_id="r", message="")
        await peer.subscribed("r", 5, since=3)
        for seq in (4, 5, 6):
            await peer.message(seq)
        self.assertEqual(await self.seqs(early, 3), [4, 5, 6])
        self.assertEqual(await self.seqs(live, 1), [6])

    async def test_the_end_of_the_membership_ends_the_listener(self) -> None:
        client = self.client()
        events = client.room("r").listen()
        peer = await self.online(client)
        await peer.subscribed("r", 4)
        await peer.message(5)
        await peer.say("unsubscribed", conversation_id="r", message="")
        heard = [event async for event in events]
        self.assertEqual(heard[-1], RoomLeft("r"))
        self.assertEqual(len(heard), 2)

    async def test_a_room_that_is_not_ones_own_raises(self) -> None:
        client = self.client()
        events = client.room("r").listen()
        peer = await self.online(client)
        await peer.expect("subscribe_conversation")
        await peer.say("error", code="forbidden", message="Permission denied: conversation.read required",
                       in_reply_to="subscribe_conversation", conversation_id="r", timestamp=1.5)
        with self.assertRaisesRegex(Forbidden, "conversation.read"):
            await soon(events.__anext__())

    async def test_a_passing_refusal_is_asked_again(self) -> None:
        client = self.client()
        events = client.room("r").listen(since=2)
        peer = await self.online(client)
        await peer.expect("subscribe_conversation")
        await peer.say("error", code="unavailable", message="later", conversation_id="r",
                       in_reply_to="subscribe_conversation", timestamp=1.5)
        await self.clock.until(1.5)
        self.clock.advance(1.5)
        await peer.subscribed("r", 3, since=2)
        await peer.message(3)
        self.assertEqual(await self.seqs(events, 1), [3])

    async def test_nobody_listening_ends_the_subscription(self) -> None:
        client = self.client()
        events = client.room("r").listen()
        peer = await self.online(client)
        await peer.subscribed("r", 4)
        del events
        gc.collect()
        await peer.message(5)
        await peer.expect("unsubscribe_conversation", conversation_id="r")

    async def test_a_receipt_without_a_room_finds_that_of_its_message(self) -> None:
        client = self.client()
        one, other = client.room("a").listen(), client.room("b").listen()
        peer = await self.online(client)
        await peer.subscribed("a", 0)
        await peer.subscribed("b", 0)
        client.room("b").send("mine")
        await peer.ack(await peer.expect("send_message"), 1)
        await peer.say("message_status", message_id="m1", user_id="ben", status="read", timestamp=1.5)
        receipt = await soon(other.__anext__())
        assert isinstance(receipt, Receipt)
        self.assertEqual((receipt.id, receipt.room_id, receipt.status), ("m1", "b", "read"))
        await peer.say("typing_indicator", conversation_id="a", user_id="ben", typing=True, timestamp=1.5)
        self.assertIsInstance(await soon(one.__anext__()), Typing)

    async def test_a_frame_of_an_unknown_form_harms_nobody(self) -> None:
        client = self.client()
        events = client.room("r").listen()
        peer = await self.online(client)
        await peer.subscribed("r", 4)
        with self.assertLogs("conclave_client", level="WARNING") as logs:
            for text in ("[]", "{", '{"type":"user_message","conversation_id":"r"}', '{"type":5}'):
                await peer.put(text)
            await peer.message(5)
            self.assertEqual(await self.seqs(events, 1), [5])
        self.assertEqual(len(logs.output), 2)

    async def test_pushes_to_the_user_come_as_notices(self) -> None:
        client = self.client()
        notices = client.notices()
        peer = await self.online(client)
        await peer.say("notification", data={"order": 7}, timestamp=1.5)
        await peer.say("member_joined", conversation_id="new", user_id="ann", seq=3, timestamp=1.5)
        self.assertEqual([(await soon(notices.__anext__())).kind for _ in range(2)],
                         ["notification", "member_joined"])


if __name__ == "__main__":
    unittest.main()
