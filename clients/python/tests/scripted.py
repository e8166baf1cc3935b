"""A server that says what a test tells it, a clock that stands still, and chance without chance."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import unittest
from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from conclave_client import Client, rest

PATIENCE_SECONDS = 20
# On a busy machine asyncio tells of every slow callback.
logging.getLogger("asyncio").setLevel(logging.ERROR)
# A call that a stopped server never answers must not hold up the next test.
rest.TIMEOUT_SECONDS = 5.0


async def soon(awaited):
    """The result, or a failed test where it does not come."""
    return await asyncio.wait_for(awaited, PATIENCE_SECONDS)


def jwt(begins: float, ends: float, number: int = 0) -> str:
    parts = ({"alg": "none"}, {"sub": "ann", "iat": begins, "exp": ends, "jti": str(number)})
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join((*encoded, "signature"))


class StillClock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.time = 1_000_000.0
        self.asked: list[float] = []
        self._pauses: list[tuple[float, asyncio.Future[None]]] = []
        self._news = asyncio.Event()

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.time

    async def pause(self, seconds: float) -> None:
        self.asked.append(seconds)
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pauses.append((self.time + seconds, waiting))
        self._news.set()
        await waiting

    async def paused(self) -> float:
        """Waits until somebody waits; for how many seconds the shortest does."""
        async def first() -> float:
            while not (left := [end - self.time for end, each in self._pauses if not each.done()]):
                self._news.clear()
                await self._news.wait()
            return min(left)

        return await soon(first())

    async def until(self, seconds: float) -> None:
        """Waits until somebody waits for so long."""
        async def asked() -> None:
            while seconds not in [round(end - self.time, 6) for end, each in self._pauses if not each.done()]:
                self._news.clear()
                await self._news.wait()

        await soon(asked())

    def advance(self, seconds: float) -> None:
        self.time += seconds
        pauses, self._pauses = self._pauses, []
        for end, waiting in pauses:
            if end > self.time:
                self._pauses.append((end, waiting))
            elif not waiting.done():
                waiting.set_result(None)

    async def skip(self) -> None:
        """To the end of the shortest pause."""
        self.advance(await self.paused())


class Peer:
    """One connection as the server sees it."""

    def __init__(self, connection: ServerConnection):
        self.connection = connection
        assert connection.request is not None
        self.path = connection.request.path
        self.headers = connection.request.headers
        self.over = asyncio.Event()

    async def text(self) -> str:
        received = await soon(self.connection.recv())
        assert isinstance(received, str)
        return received

    async def frame(self) -> dict[str, Any]:
        return json.loads(await self.text())

    async def expect(self, kind: str, **members: Any) -> dict[str, Any]:
        """The next frame, which must be of that type and hold those members."""
        frame = await self.frame()
        assert frame["type"] == kind, frame
        for name, value in members.items():
            assert frame.get(name) == value, frame
        return frame

    async def say(self, kind: str, **members: Any) -> None:
        await self.connection.send(json.dumps({"type": kind} | members))

    async def put(self, text: str) -> None:
        await self.connection.send(text)

    async def greet(self, user: str = "ann") -> None:
        await self.say("connected", user=user, user_id=user, permissions=[], connection_id="1",
                       message="", timestamp=1.5)

    async def ack(self, sent: dict[str, Any], seq: int) -> None:
        await self.say("message_status", message_id=f"m{seq}", client_id=sent["client_id"], seq=seq,
                       status="sent", timestamp=1.5)

    async def message(self, seq: int, room: str = "r", user: str = "ben") -> None:
        await self.say("user_message", conversation_id=room, message_id=f"m{seq}", seq=seq,
                       user_id=user, content=f"text {seq}", message_type="Text", timestamp=1.5)

    async def subscribed(self, room: str, last_seq: int, **members: Any) -> dict[str, Any]:
        """Answers the subscription, which must come next."""
        asked = await self.expect("subscribe_conversation", conversation_id=room, **members)
        await self.say("subscribed", conversation_id=room, last_seq=last_seq, message="")
        return asked

    async def quiet(self) -> None:
        """Nothing is on its way from the client: an answered ping comes after all it sent before."""
        answered = await self.connection.ping()
        await soon(answered)
        got = asyncio.ensure_future(self.connection.recv())
        done, _ = await asyncio.wait({got}, timeout=0)
        got.cancel()
        assert not done, f"expected nothing, got {[each.result() for each in done]}"

    async def close(self, code: int, reason: str = "") -> None:
        await self.connection.close(code, reason)
        self.over.set()

    def cut(self) -> None:
        """The line breaks, without a Close."""
        self.connection.transport.abort()
        self.over.set()


Answer = Callable[[str], tuple[int, Any]]


class ScriptedServer:
    """Hands each connection to the test; answers GET by `answers`, path to body."""

    def __init__(self) -> None:
        self.peers: asyncio.Queue[Peer] = asyncio.Queue()
        self.answers: dict[str, Any] = {"/auth/me": {"user_id": "ann"}}
        self.calls: list[str] = []
        self.refuse_with: int | None = None

    async def start(self) -> None:
        self.server = await serve(
            self._handle, "127.0.0.1", 0, process_request=self._request, close_timeout=1
        )
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        self.server.close()
        await self.server.wait_closed()

    async def peer(self) -> Peer:
        return await soon(self.peers.get())

    async def _handle(self, connection: ServerConnection) -> None:
        peer = Peer(connection)
        await self.peers.put(peer)
        try:
            await connection.wait_closed()
        except ConnectionClosed:
            pass

    def _request(self, connection: ServerConnection, request):
        if "Upgrade" in request.headers:
            if self.refuse_with is not None:
                return connection.respond(self.refuse_with, "no")
            return None
        self.calls.append(request.path)
        body = self.answers.get(request.path)
        if body is None:
            return connection.respond(404, json.dumps({"code": "not_found", "detail": "nothing"}))
        return connection.respond(200, json.dumps(body))


class Case(unittest.IsolatedAsyncioTestCase):
    """A test with a scripted server, a still clock and a client, all ended after it."""

    async def asyncSetUp(self) -> None:
        self.clock = StillClock()
        self.server = ScriptedServer()
        await self.server.start()
        self.addAsyncCleanup(self.server.stop)

    def client(self, tokens: Any = "a.token", **options: Any) -> Client:
        made = Client(
            self.server.url, tokens=tokens, clock=self.clock, random=lambda: 1.0, **options
        )
        self.addAsyncCleanup(made.close)
        return made

    async def again(self) -> Peer:
        """The connection after a lost one, greeted."""
        await self.clock.skip()
        peer = await self.server.peer()
        await peer.greet()
        return peer

    async def online(self, client: Client) -> Peer:
        """The feed of the client, greeted."""
        client.feed.link.start()
        peer = await self.server.peer()
        await peer.greet()
        return peer
