"""The client: one user's rooms, topics and broadcasts on one server."""

from __future__ import annotations

import asyncio
import re
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any

from . import rest
from .broadcasts import Broadcasts
from .errors import BadRequest, ClientClosed, ConclaveError, NotFound, Unauthenticated
from .events import JsonObject, Message, Notice, RoomSummary, of_room, of_stored
from .feed import Feed
from .link import Settings
from .listening import Queue
from .pacing import (
    REQUESTS_BURST,
    REQUESTS_PER_SECOND,
    Clock,
    Pace,
    Random,
    SystemClock,
    system_random,
)
from .room import PAGE_MESSAGES, Room, Topic
from .tokens import TokenSource, source
from .topics import Topics

ROOM_ID = re.compile("[A-Za-z0-9_-]{1,64}")


class Client:
    """Rooms over one feed socket, topics over another, each opened when it is first used.

    `url` is the server's origin (`http:`, `https:`, `ws:` or `wss:`). `tokens` is a `SignIn`, a
    token, or a coroutine function that gives one. `outbox_max` bounds what waits to be sent,
    `queue_max` what waits to be read by one listener. `on_status` is called with the link's name
    (`feed`, `topics`, `broadcasts`), its status and the error that led to it.

    Used as `async with Client(…) as client:`; leaving it closes all connections, and what has no
    ack then is refused with `ClientClosed`. All methods belong to one event loop.
    """

    def __init__(
        self,
        url: str,
        *,
        tokens: TokenSource,
        outbox_max: int = 1000,
        queue_max: int = 1000,
        on_status: Callable[[str, str, ConclaveError | None], None] | None = None,
        clock: Clock | None = None,
        random: Random = system_random,
    ):
        if outbox_max < 1 or queue_max < 1:
            raise BadRequest("outbox_max and queue_max are at least 1")
        self.clock = clock or SystemClock()
        self._settings = Settings(
            origin=rest.origin(url),
            tokens=source(tokens, self.clock),
            clock=self.clock,
            chance=random,
            outbox_max=outbox_max,
            queue_max=queue_max,
            on_status=on_status,
        )
        self._pace = Pace(self.clock, REQUESTS_PER_SECOND, REQUESTS_BURST)
        self._rooms: weakref.WeakValueDictionary[str, Room] = weakref.WeakValueDictionary()
        self._topics: weakref.WeakValueDictionary[str, Topic] = weakref.WeakValueDictionary()
        self._me: JsonObject | None = None
        self._closed = False
        self.feed = Feed(self._settings, self.user_id, self._page)
        self.topics = Topics(self._settings)
        self.broadcasts = Broadcasts(self._settings)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes all connections."""
        self._closed = True
        await asyncio.gather(self.feed.close(), self.topics.close(), self.broadcasts.close())

    async def connect(self) -> None:
        """Opens the feed and returns when the server took it.

        Raises why the first try failed; where that was worth another one, it goes on trying.
        """
        await self.feed.link.first()

    @property
    def status(self) -> str:
        """Of the feed: `idle`, `connecting`, `online`, `waiting` or `ended`."""
        return self.feed.link.status

    @property
    def unsent(self) -> int:
        """Messages to rooms that have no ack yet."""
        return self.feed.unsent

    def retry_now(self) -> None:
        """Connects at once where it waits to try again."""
        for surface in (self.feed, self.topics, self.broadcasts):
            surface.link.retry_now()

    def room(self, room_id: str) -> Room:
        """The room of that id; the same object as long as anybody holds it.

        Raises `NotFound` for what cannot be the id of a room.
        """
        if not ROOM_ID.fullmatch(room_id):
            raise NotFound(f"no such room: {room_id!r}")
        room = self._rooms.get(room_id)
        if room is None:
            room = self._rooms[room_id] = Room(self, room_id)
        return room

    def topic(self, name: str) -> Topic:
        """The topic of that name in the token's session."""
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = Topic(self, name)
        return topic

    def notices(self) -> Queue[Notice]:
        """Pushes to the user that belong to no room; the oldest are lost where nobody reads."""
        queue: Queue[Notice] = Queue(self._settings.queue_max)
        self.feed.notices.add(queue)
        self.feed.link.start()
        return queue

    async def me(self) -> JsonObject:
        """`user_id`, `name`, `session`, `roles`, `permissions`, `expires_at` of the token."""
        answer: JsonObject = await self.call("GET", "/auth/me")
        self._me = answer
        return answer

    async def user_id(self) -> str:
        """The user that the token proves; asked once."""
        found = (self._me or await self.me())["user_id"]
        return str(found)

    async def rooms(self) -> list[RoomSummary]:
        """The rooms of the user."""
        return [of_room(each) for each in await self.call("GET", "/channels")]

    async def create_room(
        self, name: str, *, kind: str = "PRIVATE", members: tuple[str, ...] = ()
    ) -> RoomSummary:
        """A new room (`PUBLIC`, `PRIVATE` or `DM`) of the user and those members."""
        body: dict[str, Any] = {"type": kind, "memberIds": list(members)}
        if name:
            body["name"] = name
        return of_room(await self.call("POST", "/channels", body))

    async def call(self, method: str, path: str, body: JsonObject | None = None) -> Any:
        """A call of the REST interface, paced, with the token in its header; the answer's JSON.

        A token that the server refuses is replaced once.
        """
        if self._closed:
            raise ClientClosed("the client was closed")
        url = self._settings.origin + path
        tokens = self._settings.tokens
        token = await tokens.token()
        await self._pace.turn()
        try:
            return await rest.call(method, url, token=token, body=body)
        except Unauthenticated:
            tokens.invalidate(token)
            another = await tokens.token()
            if another == token:
                raise
            return await rest.call(method, url, token=another, body=body)

    async def _page(self, room_id: str, after: int) -> list[Message]:
        path = rest.path("channels", room_id, "messages", limit=PAGE_MESSAGES, after=after)
        return [of_stored(each) for each in reversed(await self.call("GET", path))]
