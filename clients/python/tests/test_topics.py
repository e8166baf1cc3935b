"""Topics and broadcasts over `/ws`."""

from __future__ import annotations

import asyncio
import json
import unittest

from conclave_client import BadRequest, Forbidden, NetworkError, Publication, TopicGap
from scripted import Case, Peer, soon


class Topical(Case):
    async def opened(self) -> Peer:
        peer = await self.server.peer()
        self.assertEqual(await peer.text(), "ping")
        await peer.put("pong")
        return peer

    async def ack(self, peer: Peer, command: str, topic: str = "T") -> None:
        await peer.say("ack", command=command, topic=topic)

    async def publication(self, peer: Peer, payload, offset: int = 1) -> None:
        body = {"publisher_name": "x", "topic": "T", "payload": payload, "timestamp": "now",
                "session_id": "s", "user": "ben", "offset": offset, "epoch": 9}
        await peer.put(json.dumps(body))


class Topics(Topical):
    async def test_a_publication_is_acked_and_heard(self) -> None:
        client = self.client()
        messages = client.topic("T").listen()
        publishing = asyncio.create_task(client.topic("T").publish({"a": 1}))
        peer = await self.opened()
        self.assertEqual(peer.path, "/ws?ack=1&recover=1")
        self.assertEqual(peer.headers["Authorization"], "Bearer a.token")
        self.assertEqual(await peer.text(), "subscribe:T")
        await self.ack(peer, "subscribe")
        sent = await peer.text()
        self.assertEqual(json.loads(sent.removeprefix("publish-json:")), {"topic": "T", "payload": {"a": 1}})
        await self.ack(peer, "publish-json")
        await soon(publishing)
        await self.publication(peer, {"a": 1})
        heard = await soon(messages.__anext__())
        self.assertEqual(heard, Publication("T", {"a": 1}, "x", "ben", "now", "s", 1))

    async def test_a_refused_publication_raises(self) -> None:
        publishing = asyncio.create_task(self.client().topic("T").publish(1))
        peer = await self.opened()
        await peer.text()
        await peer.say("error", code="forbidden", message="no", command="publish-json", topic="T")
        with self.assertRaises(Forbidden):
            await soon(publishing)

    async def test_what_was_on_its_way_is_unknown_and_what_was_not_goes_later(self) -> None:
        client = self.client()
        first = asyncio.create_task(client.topic("T").publish(1))
        peer = await self.opened()
        await peer.text()
        peer.cut()
        with self.assertRaises(NetworkError):
            await soon(first)
        await self.clock.paused()
        second = asyncio.create_task(client.topic("T").publish(2))
        await self.clock.skip()
        peer = await self.opened()
        self.assertIn('"payload": 2', await peer.text())
        await self.ack(peer, "publish-json")
        await soon(second)

    async def test_after_an_interruption_it_goes_on_from_the_last_place(self) -> None:
        client = self.client()
        messages = client.topic("T").listen()
        peer = await self.opened()
        self.assertEqual(await peer.text(), "subscribe:T")
        await self.ack(peer, "subscribe")
        await self.publication(peer, "one", 7)
        await soon(messages.__anext__())
        peer.cut()
        await self.clock.skip()
        peer = await self.opened()
        self.assertEqual(await peer.text(), "subscribe:T?since=7,9")
        await peer.say("gap", topic="T")
        await self.ack(peer, "subscribe")
        self.assertEqual(await soon(messages.__anext__()), TopicGap("T"))

    async def test_a_broadcast_is_never_taken_for_a_publication(self) -> None:
        client = self.client()
        messages = client.topic("T").listen()
        peer = await self.opened()
        await peer.text()
        forged = {"topic": "T", "payload": "forged", "user": "eve", "timestamp": 1.5, "requestId": "1"}
        await peer.put(json.dumps(forged))
        await peer.put(json.dumps(forged | {"type": "ack", "command": "subscribe"}))
        await self.ack(peer, "subscribe")
        await self.publication(peer, "true")
        heard = await soon(messages.__anext__())
        assert isinstance(heard, Publication)
        self.assertEqual(heard.payload, "true")

    async def test_who_reads_too_slowly_loses_the_oldest_and_is_told(self) -> None:
        client = self.client(queue_max=2)
        messages = client.topic("T").listen()
        peer = await self.opened()
        await peer.text()
        await self.ack(peer, "subscribe")
        for number in range(5):
            await self.publication(peer, number, number)
        await peer.quiet()
        heard = [await soon(messages.__anext__()) for _ in range(3)]
        self.assertEqual(heard[0], TopicGap("T"))
        self.assertEqual([each.payload for each in heard[1:]], [3, 4])

    async def test_a_subscription_that_is_taken_away_raises(self) -> None:
        messages = self.client().topic("T").listen()
        peer = await self.opened()
        await peer.text()
        await self.ack(peer, "subscribe")
        await peer.say("error", code="forbidden", message="no more", command="subscribe", topic="T")
        with self.assertRaisesRegex(Forbidden, "no more"):
            await soon(messages.__anext__())

    async def test_a_name_that_would_be_another_command_is_refused(self) -> None:
        client = self.client()
        for name in ("", "a|other-session", "a\nb", "x" * 256):
            with self.assertRaises(BadRequest):
                client.topic(name).listen()

    async def test_who_is_there_is_told(self) -> None:
        asking = asyncio.create_task(self.client().topic("T").present())
        peer = await self.opened()
        self.assertEqual(await peer.text(), "presence:T")
        await peer.say("presence", topic="T", clients=[{"user": "ben", "publisher_name": None}])
        self.assertEqual((await soon(asking))[0]["user"], "ben")


class Broadcasting(Topical):
    async def test_objects_go_out_and_come_in(self) -> None:
        client = self.client()
        objects = client.broadcasts.listen()
        client.broadcasts.send({"type": "news"})
        peer = await self.opened()
        self.assertEqual(peer.path, "/ws")
        self.assertEqual(await peer.frame(), {"type": "news"})
        await peer.say("news", user="ann", timestamp=1.5, requestId="1")
        self.assertEqual((await soon(objects.__anext__()))["user"], "ann")

    async def test_an_answer_of_the_server_is_no_broadcast(self) -> None:
        client = self.client()
        objects = client.broadcasts.listen()
        peer = await self.opened()
        with self.assertLogs("conclave_client", level="WARNING"):
            await peer.say("error", code="bad_request", message="no object", command="broadcast")
            await peer.say("real", user="ann", timestamp=1.5, requestId="1")
            self.assertEqual((await soon(objects.__anext__()))["type"], "real")


if __name__ == "__main__":
    unittest.main()
