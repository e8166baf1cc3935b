"""Who writes: each user sends numbered messages under client ids, and again until they are acked."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import time

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from http_calls import HttpCalls, quoted
from report import tell

# Without an answer for so long a client takes its server to be gone.
ACK_SECONDS_MAX = 8
OPEN_SECONDS_MAX = 4
WINDOW = 32
BATCH = 10
# What a client may do about it: try again.
TRY_AGAIN = ("unavailable", "rate_limited", "internal")


class Writer:
    """One user who writes to one room. `ports` are tried in turn."""

    def __init__(self, plan: dict, pace):
        self.name, self.room, self.token = plan["name"], plan["room"], plan["token"]
        self.ports = itertools.cycle(plan["ports"])
        self.pace = pace
        self.numbers = itertools.count()
        # Number -> when it was sent for the first time.
        self.pending: dict[int, float] = {}

    @property
    def done(self) -> bool:
        return self.pace.stopped and not self.pending

    def next_number(self) -> int:
        number = next(self.numbers)
        self.pending[number] = time.monotonic()
        return number

    def content(self, number: int) -> str:
        return f"{self.name}-{number}"

    def acked(self, number: int, id: str, seq: int) -> None:
        sent = self.pending.pop(number, None)
        # A second ack of what was sent twice says the same again; the ledger compares.
        tell("ack", self.name, self.room, number, id, seq, sent)

    def refused(self, number: int | None, code: str, why) -> None:
        tell("refused", self.name, number, code)
        if code not in TRY_AGAIN:
            tell("fault", f"{self.name}-{number} was refused: {code}: {why}")

    async def run(self) -> None:
        while not self.done:
            port = next(self.ports)
            try:
                await self.talk(port)
            except (OSError, EOFError, TimeoutError, WebSocketException, InvalidHandshake) as error:
                tell("gone", self.name, port, f"{type(error).__name__}: {error}"[:120])
                await asyncio.sleep(random.uniform(0.05, 0.3))

    async def talk(self, port: int) -> None:
        raise NotImplementedError


class ByFrames(Writer):
    """Over a WebSocket, with many messages on their way."""

    def url(self, port: int) -> str:
        raise NotImplementedError

    async def greet(self, connection) -> None:
        raise NotImplementedError

    def frame(self, number: int) -> str:
        raise NotImplementedError

    async def hear(self, connection, text: str) -> int | None:
        """Takes a frame; the number of a message to be sent again a little later, if any."""
        raise NotImplementedError

    async def talk(self, port: int) -> None:
        options = {"open_timeout": OPEN_SECONDS_MAX, "close_timeout": 1, "max_size": None}
        async with connect(self.url(port), ping_interval=None, proxy=None, **options) as connection:
            async with asyncio.timeout(OPEN_SECONDS_MAX):
                await self.greet(connection)
            tell("open", self.name, port)
            # Of this connection: number -> when it was sent on it.
            under_way: dict[int, float] = {}
            again: set[int] = set(self.pending)
            tasks = [
                asyncio.create_task(self.repeat(connection, under_way, again)),
                asyncio.create_task(self.pour(connection, under_way, again)),
            ]
            try:
                await self.listen(connection, under_way, again)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def repeat(self, connection, under_way: dict[int, float], again: set[int]) -> None:
        """Sends again what has no ack of a former connection, and what was refused."""
        while True:
            for number in sorted(again & self.pending.keys()):
                under_way[number] = time.monotonic()
                await connection.send(self.frame(number))
            again.clear()
            while not again:
                await asyncio.sleep(random.uniform(0.1, 0.2))

    async def pour(self, connection, under_way: dict[int, float], again: set[int]) -> None:
        while True:
            await self.pace.take(self.name)
            while len(self.pending) >= WINDOW or again:
                await asyncio.sleep(0.005)
            if self.pace.stopped:
                return
            number = self.next_number()
            under_way[number] = self.pending[number]
            await connection.send(self.frame(number))

    async def listen(self, connection, under_way: dict[int, float], again: set[int]) -> None:
        looked = time.monotonic()
        while not self.done:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    refused = await self.hear(connection, await connection.recv())
                    if refused is not None:
                        again.add(refused)
            now = time.monotonic()
            if now - looked < 0.5:
                continue
            looked = now
            for number in [number for number in under_way if number not in self.pending]:
                del under_way[number]
            if under_way and now - min(under_way.values()) > ACK_SECONDS_MAX:
                raise ConnectionError("no ack: gave up")


class ByConversation(ByFrames):
    """The conversation dialect."""

    def url(self, port: int) -> str:
        path = f"/ws/conversation/{quoted(self.name)}/{quoted(self.room)}"
        return f"ws://127.0.0.1:{port}{path}?token={self.token}"

    async def greet(self, connection) -> None:
        first = json.loads(await connection.recv())
        if first["type"] != "connected":
            raise ConnectionError(f"not connected: {first}")

    def frame(self, number: int) -> str:
        text = self.content(number)
        return json.dumps({"type": "send_message", "content": text, "client_id": text})

    async def hear(self, connection, text: str) -> int | None:
        # Nearly all that comes is what all say.
        if text.startswith('{"type":"user_message"'):
            return None
        frame = json.loads(text)
        number = frame.get("client_id")
        number = int(number.rpartition("-")[2]) if number else None
        if frame["type"] == "message_status" and frame["status"] == "sent":
            self.acked(number, frame["message_id"], frame["seq"])
        elif frame["type"] == "error":
            self.refused(number, frame["code"], frame["message"])
            return number
        return None


class BySocketIo(ByFrames):
    """Socket.IO's packets, written by hand: message 4, event 2, ack 3, ping 2, pong 3."""

    def url(self, port: int) -> str:
        return f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"

    async def greet(self, connection) -> None:
        await connection.recv()
        await connection.send("40" + json.dumps({"token": self.token}))
        answer = await connection.recv()
        if not answer.startswith("40"):
            raise ConnectionError(f"not connected: {answer}")

    def frame(self, number: int) -> str:
        text = self.content(number)
        message = {"channelId": self.room, "content": text, "clientId": text}
        return f"42{number}" + json.dumps(["sendMessage", message])

    async def hear(self, connection, text: str) -> int | None:
        if text == "2":
            await connection.send("3")
        elif text.startswith("43"):
            digits = text[2 : text.index("[")]
            (answer,) = json.loads(text[2 + len(digits) :])
            if answer["success"]:
                self.acked(int(digits), answer["data"]["id"], answer["data"]["seq"])
                return None
            self.refused(int(digits), answer["code"], answer["error"])
            return int(digits)
        elif text.startswith(("41", "44", "1")):
            raise ConnectionError(text[:100])
        return None


class ByRest(Writer):
    """`POST /channels/{id}/messages`, one at a time."""

    size = 1

    async def talk(self, port: int) -> None:
        calls = HttpCalls(port, self.token)
        try:
            while not self.done:
                if not self.pace.stopped:
                    await self.pace.take(self.name)
                while len(self.pending) < self.size and (self.pace.ready(self.name) or not self.pending):
                    if self.pace.stopped:
                        break
                    self.next_number()
                if self.pending and await self.post(calls):
                    await asyncio.sleep(random.uniform(0.05, 0.2))
        finally:
            calls.close()

    async def post(self, calls: HttpCalls) -> bool:
        """Sends what is pending; whether something was refused."""
        (number,) = self.pending
        text = self.content(number)
        path = f"/channels/{quoted(self.room)}/messages"
        status, answer = await calls.call("POST", path, {"content": text, "clientId": text})
        return self.judge(number, status, answer)

    def judge(self, number: int, status: int, answer) -> bool:
        if status in (200, 201):
            self.acked(number, answer["id"], answer["seq"])
            return False
        # HAProxy's own answers have no code: it found nobody to ask.
        code = answer["code"] if answer else "unavailable" if status in (502, 503, 504) else "none"
        self.refused(number, code, answer)
        return True


class ByBatch(ByRest):
    """`POST /api/v1/batch` by a backend, in the name of the user."""

    size = BATCH

    async def post(self, calls: HttpCalls) -> bool:
        numbers = sorted(self.pending)
        status, answers = await calls.call("POST", "/api/v1/batch", [self.item(n) for n in numbers])
        if status != 200:
            return self.judge(numbers[0], status, answers)
        told = zip(numbers, answers, strict=True)
        return any([self.judge(number, each["status"], each["body"]) for number, each in told])

    def item(self, number: int) -> dict:
        text = self.content(number)
        body = {"user_id": self.name, "content": text, "client_id": text}
        return {"call": f"rooms/{quoted(self.room)}/messages", "body": body}


KINDS = {
    "conversation": ByConversation,
    "socketio": BySocketIo,
    "rest": ByRest,
    "batch": ByBatch,
}
