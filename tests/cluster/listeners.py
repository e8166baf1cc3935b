"""Who listens: to rooms, reading on behind the last message after each interruption; to topics."""

from __future__ import annotations

import asyncio
import itertools
import json
import random

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from http_calls import HttpCalls, quoted
from report import tell

OPEN_SECONDS_MAX = 6
PAGE = 200
# A client that wants to know whether its server is there asks so often, and waits so long.
PINGS = {"ping_interval": 5, "ping_timeout": 20}
OPTIONS = {"open_timeout": OPEN_SECONDS_MAX, "close_timeout": 1, "max_size": None, "max_queue": 4096}
TICK_SECONDS = 0.1


class Client:
    """Comes back to its own node first, then to any. `ports` begins with its own."""

    def __init__(self, plan: dict):
        self.name, self.token, self.ports = plan["name"], plan["token"], plan["ports"]
        self.tries = 0

    async def run(self) -> None:
        while True:
            port = self.ports[self.tries % len(self.ports)]
            try:
                await self.talk(port)
            except (OSError, EOFError, TimeoutError, WebSocketException, InvalidHandshake) as error:
                tell("gone", self.name, port, f"{type(error).__name__}: {error}"[:120])
                self.tries += 1
                await asyncio.sleep(random.uniform(0.05, 0.3))

    def opened(self, port: int) -> None:
        self.tries = 0
        tell("open", self.name, port)

    async def talk(self, port: int) -> None:
        raise NotImplementedError


class Listener(Client):
    """Hears one room. What it has is always a piece without a gap; live it must come so."""

    def __init__(self, plan: dict):
        super().__init__(plan)
        self.room = plan["room"]
        self.last = plan["last"]
        # What was read while it may have been on its way, too.
        self.read: set[int] = set()

    def take(self, seq: int, id: str, content: str, user: str) -> None:
        if seq != self.last + 1:
            tell("fault", f"{self.name} heard {seq} ({content}) after {self.last}")
        if seq > self.last:
            self.last = seq
            tell("heard", self.name, self.room, seq, id, content, user)

    def live(self, seq: int, *message) -> None:
        if seq in self.read:
            self.read.discard(seq)
        else:
            self.take(seq, *message)

    async def read_on(self, port: int) -> None:
        """The history behind the last message, until there is none."""
        before = self.last
        calls = HttpCalls(port, self.token)
        page = [None]
        try:
            while page:
                path = f"/channels/{quoted(self.room)}/messages?after={self.last}&limit={PAGE}"
                status, page = await calls.call("GET", path)
                if status != 200:
                    raise ConnectionError(f"history: {status} {page}")
                for message in reversed(page):
                    self.take(message["seq"], message["id"], message["content"], message["userId"])
        finally:
            calls.close()
            self.read = set(range(before + 1, self.last + 1))


class OfConversation(Listener):
    """The conversation dialect: `?since=` replays what was missed, or says that there is more."""

    async def talk(self, port: int) -> None:
        path = f"/ws/conversation/{quoted(self.name)}/{quoted(self.room)}"
        url = f"ws://127.0.0.1:{port}{path}?token={self.token}&since={self.last}"
        self.read.clear()
        async with connect(url, proxy=None, **PINGS, **OPTIONS) as connection:
            async with asyncio.timeout(OPEN_SECONDS_MAX):
                first = json.loads(await connection.recv())
            if first["type"] != "connected":
                raise ConnectionError(f"not connected: {first}")
            self.opened(port)
            async for text in connection:
                frame = json.loads(text)
                if frame["type"] == "resync":
                    tell("resync", self.name, frame["from_seq"])
                    await self.read_on(port)
                elif frame["type"] == "user_message":
                    message = (frame["message_id"], frame["content"], frame["user_id"])
                    self.live(frame["seq"], *message)
                elif frame["type"] == "error":
                    tell("fault", f"{self.name}: {frame}")
        raise ConnectionError(f"closed: {connection.close_code} {connection.close_reason}")


class OfSocketIo(Listener):
    """Socket.IO: what was missed is read after the offline messages, what comes then is live."""

    async def talk(self, port: int) -> None:
        url = f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
        async with connect(url, proxy=None, ping_interval=None, **OPTIONS) as connection:
            async with asyncio.timeout(OPEN_SECONDS_MAX):
                await connection.recv()
                await connection.send("40" + json.dumps({"token": self.token}))
                answer = await connection.recv()
            if not answer.startswith("40"):
                raise ConnectionError(f"not connected: {answer}")
            self.opened(port)
            # Until it has read on, what comes is kept.
            kept: dict[int, tuple] | None = {}
            while True:
                # The server pings every 25 s.
                async with asyncio.timeout(60):
                    text = await connection.recv()
                if text == "2":
                    await connection.send("3")
                elif text.startswith("42"):
                    kept = await self.hear(port, json.loads(text[2:]), kept)
                elif text.startswith(("41", "1")):
                    raise ConnectionError(text[:100])

    async def hear(self, port: int, event: list, kept: dict | None) -> dict | None:
        name, data = event[0], event[1]
        if name == "offline.end" and kept is not None:
            await self.read_on(port)
            self.read -= set(kept)
            for seq in sorted(seq for seq in kept if seq > self.last):
                self.take(seq, *kept[seq])
            return None
        if name == "message.created" and data["channelId"] == self.room:
            message = (data["id"], data["content"], data["userId"])
            if kept is None:
                self.live(data["seq"], *message)
            else:
                kept[data["seq"]] = message
        return kept


class Ticker(Client):
    """Publishes numbers to a topic of its session, each after the one before was accepted."""

    def __init__(self, plan: dict):
        super().__init__(plan)
        self.topic = plan["topic"]
        self.runs = itertools.count(1)

    async def talk(self, port: int) -> None:
        url = f"ws://127.0.0.1:{port}/ws?token={self.token}&ack=1"
        run = next(self.runs)
        async with connect(url, proxy=None, **PINGS, **OPTIONS) as connection:
            self.opened(port)
            for number in itertools.count():
                body = json.dumps({"topic": self.topic, "payload": [run, number]})
                await connection.send(f"publish-json:{body}")
                async with asyncio.timeout(OPEN_SECONDS_MAX):
                    answer = json.loads(await connection.recv())
                if answer["type"] != "ack":
                    tell("fault", f"{self.name}: {answer}")
                tell("tick", self.name, run, number)
                await asyncio.sleep(TICK_SECONDS)


class Watcher(Client):
    """Subscribes to a topic. Numbers rise; where one is missing the offset must show it."""

    def __init__(self, plan: dict):
        super().__init__(plan)
        self.topic = plan["topic"]

    async def talk(self, port: int) -> None:
        url = f"ws://127.0.0.1:{port}/ws?token={self.token}&recover=1&ack=1"
        async with connect(url, proxy=None, **PINGS, **OPTIONS) as connection:
            await connection.send(f"subscribe:{self.topic}")
            before, gap = None, False
            async for text in connection:
                frame = json.loads(text)
                if frame.get("type") == "ack":
                    self.opened(port)
                elif frame.get("type") == "gap":
                    gap = True
                elif "payload" in frame:
                    now = (*frame["payload"], frame["offset"], frame["epoch"])
                    self.compare(before, now, gap)
                    tell("ticked", self.name, *frame["payload"])
                    before, gap = now, False
                else:
                    tell("fault", f"{self.name}: {frame}")
        raise ConnectionError(f"closed: {connection.close_code} {connection.close_reason}")

    def compare(self, before: tuple | None, now: tuple, gap: bool) -> None:
        # A publisher that came back counts anew.
        if before is None or before[0] != now[0]:
            return
        run, number, offset, epoch = now
        if number <= before[1]:
            tell("fault", f"{self.name} heard {run}/{number} after {run}/{before[1]}")
        elif number > before[1] + 1:
            shown = gap or epoch != before[3] or offset > before[2] + 1
            tell("missed", self.name, number - before[1] - 1)
            if not shown:
                tell("fault", f"{self.name} misses {run}/{before[1] + 1} and nothing shows it")


KINDS = {
    "conversation": OfConversation,
    "socketio": OfSocketIo,
    "ticker": Ticker,
    "watcher": Watcher,
}
