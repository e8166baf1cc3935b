"""JSON broadcast over `/ws`: objects to every listener of the server."""

from __future__ import annotations

import asyncio
import collections
import json
import logging
import weakref
from typing import Any

from .errors import ConclaveError, NetworkError, OutboxFull, of_code
from .events import JsonObject
from .link import Link, Send, Settings, checked_frame
from .listening import Queue

log = logging.getLogger("conclave_client")


class Broadcasts:
    """What everybody broadcasts, as an async iterator, and a way to do it oneself.

    Each object comes with `user`, `timestamp` and `requestId` as the server set them. At most once:
    what is broadcast while this client is away is missed.
    """

    name = "broadcasts"
    hello = "ping"

    def __init__(self, settings: Settings):
        self.link = Link(settings, self)
        self._settings = settings
        self._wake = asyncio.Event()
        self._frames: collections.deque[str] = collections.deque()
        self._queues: weakref.WeakSet[Queue[JsonObject]] = weakref.WeakSet()
        self._renewal: asyncio.Future[None] | None = None
        self._over: ConclaveError | None = None

    def __aiter__(self) -> Queue[JsonObject]:
        return self.listen()

    def listen(self) -> Queue[JsonObject]:
        """A listener of its own; one that is read too slowly loses the oldest objects."""
        queue: Queue[JsonObject] = Queue(self._settings.queue_max)
        if self._over is not None:
            queue.finish(self._over)
        self._queues.add(queue)
        self.link.start()
        return queue

    def send(self, body: JsonObject) -> None:
        """Broadcasts an object; the sender hears it too, which is all the answer there is.

        Raises `OutboxFull` or `TooLarge`, or what ended the connection.
        """
        if self._over is not None:
            raise self._over
        if len(self._frames) >= self._settings.outbox_max:
            raise OutboxFull(f"{self._settings.outbox_max} objects wait to be sent already")
        self._frames.append(checked_frame(json.dumps(dict(body))))
        self.link.start()
        self._wake.set()

    async def connect(self) -> None:
        """Returns when the server took the connection; from then on nothing is missed."""
        await self.link.first()

    async def close(self) -> None:
        await self.link.close()

    # What the link asks for.

    async def path(self) -> str:
        return "/ws"

    def opened(self, first: str) -> None:
        self.heard(first)
        self._wake.set()

    async def write(self, send: Send) -> None:
        while True:
            if self._frames:
                await send(self._frames.popleft())
                continue
            self._wake.clear()
            await self._wake.wait()

    async def renew(self, token: str) -> None:
        self._renewal = asyncio.get_running_loop().create_future()
        self._frames.appendleft(f"auth:{token}")
        self._wake.set()
        await self._renewal

    def lost(self, error: ConclaveError) -> None:
        self._frames = collections.deque(
            frame for frame in self._frames if not frame.startswith("auth:")
        )
        self._answer_renewal(NetworkError("the connection was lost"))

    def ended(self, error: ConclaveError) -> None:
        self.lost(error)
        self._over = error
        for queue in list(self._queues):
            queue.finish(error)

    def heard(self, text: str) -> None:
        if text == "pong":
            return
        try:
            frame: Any = json.loads(text)
        except ValueError:
            log.warning("broadcasts: a frame that is no JSON was passed over")
            return
        if "requestId" in frame:
            self._tell(frame)
        elif frame.get("type") == "auth_success":
            self._answer_renewal(None)
        elif frame.get("type") == "error":
            error = of_code(str(frame.get("code")), str(frame.get("message", "")))
            if frame.get("command") == "auth":
                self._answer_renewal(error)
            else:
                log.warning("broadcasts: %s (%s)", error, error.code)

    def _tell(self, frame: JsonObject) -> None:
        for queue in list(self._queues):
            if queue.full:
                queue.drop_oldest()
            queue.push(frame)

    def _answer_renewal(self, error: ConclaveError | None) -> None:
        renewal, self._renewal = self._renewal, None
        if renewal is None or renewal.done():
            return
        if error is None:
            renewal.set_result(None)
        else:
            renewal.set_exception(error)
