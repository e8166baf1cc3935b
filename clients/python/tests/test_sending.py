"""Messages to rooms: their order, that they are stored once, and what is refused."""

from __future__ import annotations

import unittest

from conclave_client import (
    BadRequest,
    ClientClosed,
    Conflict,
    OutboxFull,
    TooLarge,
)
from scripted import Case, soon


class Sending(Case):
    async def test_the_next_message_waits_for_the_ack_of_the_one_before(self) -> None:
        client = self.client()
        room = client.room("r")
        answers = [room.send(f"text {number}") for number in range(3)]
        peer = await self.server.peer()
        await peer.greet()
        for number in range(3):
            sent = await peer.expect("send_message", conversation_id="r", content=f"text {number}")
            await peer.quiet()
            await peer.ack(sent, 10 + number)
        acked = [await soon(answer) for answer in answers]
        self.assertEqual([(each.id, each.seq) for each in acked], [("m10", 10), ("m11", 11), ("m12", 12)])
        self.assertEqual(client.unsent, 0)

    async def test_rooms_do_not_wait_for_each_other(self) -> None:
        client = self.client()
        peer = await self.online(client)
        client.room("a").send("1")
        client.room("b").send("2")
        await peer.expect("send_message", conversation_id="a")
        await peer.expect("send_message", conversation_id="b")

    async def test_what_had_no_ack_goes_again_under_the_same_client_id(self) -> None:
        client = self.client()
        first, second = client.room("r").send("one"), client.room("r").send("two")
        peer = await self.online(client)
        lost = await peer.expect("send_message", content="one")
        peer.cut()
        peer = await self.again()
        again = await peer.expect("send_message", content="one")
        self.assertEqual(again["client_id"], lost["client_id"])
        await peer.ack(again, 5)
        await peer.ack(await peer.expect("send_message", content="two"), 6)
        self.assertEqual([(await soon(each)).seq for each in (first, second)], [5, 6])

    async def test_what_is_sent_while_away_waits_for_the_connection(self) -> None:
        client = self.client()
        peer = await self.online(client)
        peer.cut()
        await self.clock.paused()
        answers = [client.room("r").send(str(number)) for number in range(5)]
        self.assertEqual(client.unsent, 5)
        peer = await self.again()
        for number in range(5):
            await peer.ack(await peer.expect("send_message", content=str(number)), number + 1)
        self.assertEqual([(await soon(each)).seq for each in answers], [1, 2, 3, 4, 5])

    async def test_a_passing_refusal_lets_no_later_message_overtake(self) -> None:
        client = self.client()
        room = client.room("r")
        first, second = room.send("one"), room.send("two")
        peer = await self.online(client)
        for code in ("rate_limited", "unavailable"):
            sent = await peer.expect("send_message", content="one")
            await peer.say("error", code=code, message="later", in_reply_to="send_message",
                           client_id=sent["client_id"], conversation_id="r", timestamp=1.5)
            await self.clock.until(1.5)
            await peer.quiet()
            self.clock.advance(1.5)
        await peer.ack(await peer.expect("send_message", content="one"), 1)
        await peer.ack(await peer.expect("send_message", content="two"), 2)
        self.assertEqual([(await soon(each)).seq for each in (first, second)], [1, 2])

    async def test_a_final_refusal_is_told_and_the_next_message_goes(self) -> None:
        client = self.client()
        refused, accepted = client.room("r").send("one"), client.room("r").send("two")
        peer = await self.online(client)
        sent = await peer.expect("send_message", content="one")
        await peer.say("error", code="conflict", message="another text", in_reply_to="send_message",
                       client_id=sent["client_id"], timestamp=1.5)
        with self.assertRaisesRegex(Conflict, "another text"):
            await soon(refused)
        await peer.ack(await peer.expect("send_message", content="two"), 2)
        self.assertEqual((await soon(accepted)).seq, 2)

    async def test_who_listens_before_sending_hears_the_message(self) -> None:
        client = self.client()
        events = client.room("r").listen()
        client.room("r").send("one")
        peer = await self.online(client)
        await peer.expect("subscribe_conversation")
        await peer.quiet()
        await peer.say("subscribed", conversation_id="r", last_seq=3, message="")
        await peer.ack(await peer.expect("send_message"), 4)
        await peer.message(4)
        self.assertEqual((await soon(events.__anext__())).seq, 4)

    async def test_a_refusal_that_names_no_message_begins_anew(self) -> None:
        client = self.client()
        first, second = client.room("a").send("one"), client.room("b").send("two")
        peer = await self.online(client)
        await peer.expect("send_message", conversation_id="a")
        await peer.expect("send_message", conversation_id="b")
        with self.assertLogs("conclave_client", level="WARNING"):
            await peer.say("error", code="rate_limited", message="slow down", in_reply_to="message")
            await self.clock.until(5.5)
        peer = await self.again()
        for number, room in enumerate("ab", start=1):
            await peer.ack(await peer.expect("send_message", conversation_id=room), number)
        self.assertEqual([(await soon(each)).seq for each in (first, second)], [1, 2])

    async def test_the_outbox_is_bounded(self) -> None:
        client = self.client(outbox_max=2)
        room = client.room("r")
        room.send("one")
        room.send("two")
        with self.assertRaises(OutboxFull):
            room.send("three")
        peer = await self.online(client)
        await peer.ack(await peer.expect("send_message"), 1)
        await peer.expect("send_message")
        room.send("three")

    async def test_what_the_server_would_close_for_is_not_sent(self) -> None:
        room = self.client().room("r")
        with self.assertRaises(TooLarge):
            room.send("x" * 70_000)
        with self.assertRaises(BadRequest):
            room.send("")

    async def test_who_stops_waiting_takes_the_unsent_message_back(self) -> None:
        client = self.client()
        first, second, third = (client.room("r").send(text) for text in ("one", "two", "three"))
        second.cancel()
        peer = await self.online(client)
        await peer.ack(await peer.expect("send_message", content="one"), 1)
        await peer.ack(await peer.expect("send_message", content="three"), 2)
        self.assertEqual((await soon(first)).seq, 1)
        self.assertEqual((await soon(third)).seq, 2)

    async def test_closing_refuses_what_has_no_ack(self) -> None:
        client = self.client()
        answer = client.room("r").send("one")
        peer = await self.online(client)
        await peer.expect("send_message")
        await client.close()
        with self.assertRaises(ClientClosed):
            await soon(answer)
        with self.assertRaises(ClientClosed):
            client.room("r").send("two")

    async def test_the_newest_receipt_is_told_again_after_an_interruption(self) -> None:
        client = self.client()
        peer = await self.online(client)
        await soon(client.connect())
        room = client.room("r")
        room.mark_read("m1")
        room.mark_read("m2")
        await peer.expect("message_read", message_id="m1")
        await peer.expect("message_read", message_id="m2")
        peer.cut()
        peer = await self.again()
        await peer.expect("message_read", message_id="m2", conversation_id="r")
        await peer.quiet()

    async def test_typing_is_told_at_most_every_2_s_and_not_afterwards(self) -> None:
        client = self.client()
        room = client.room("r")
        room.typing()
        peer = await self.online(client)
        await soon(client.connect())
        await peer.quiet()
        self.clock.advance(2)
        room.typing()
        room.typing()
        room.typing(False)
        await peer.expect("typing_start", conversation_id="r")
        await peer.expect("typing_stop", conversation_id="r")
        await peer.quiet()


if __name__ == "__main__":
    unittest.main()
