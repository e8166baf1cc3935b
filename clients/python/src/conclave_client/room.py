"""A room and a topic, as a program uses them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from . import rest
from .errors import BadRequest
from .events import (
    Member,
    Message,
    Presence,
    Publication,
    RoomSummary,
    Sent,
    moment,
    of_room,
    of_stored,
    optional_moment,
)
from .subscription import Listener
from .topics import TopicListener

if TYPE_CHECKING:
    from .client import Client

CONTENT_CHARS_MAX = 2000
PAGE_MESSAGES = 200
TYPING_SECONDS_MIN = 2.0


class Room:
    """One room. `async for event in room` tells what happens in it from now on."""

    def __init__(self, client: Client, room_id: str):
        self.id = room_id
        self._client = client
        self._typed_at = float("-inf")

    def __repr__(self) -> str:
        return f"Room({self.id!r})"

    def __aiter__(self) -> Listener:
        return self.listen()

    def listen(self, since: int | None = None) -> Listener:
        """A listener of its own. With `since`, first what happened after that `seq`.

        After an interruption it goes on where it was: messages, edits and deletions come once and
        in order, whatever happened in between. Typing, receipts and presence are told as they
        happen, or not at all; a join or a leave may be told twice. It ends with `RoomLeft`
        when the membership ends, and raises `Forbidden` where there is none.
        """
        return self._client.feed.listen(self.id, since)

    def send(
        self, content: str, *, reply_to: str | None = None, kind: str = "Text"
    ) -> asyncio.Future[Sent]:
        """Sends a message; awaiting the result gives its id and `seq` once it is on the disk.

        Messages go in the order of the calls, also over lost connections, and are stored once.
        Not awaiting is fine, but then nobody hears of a refusal.

        Raises at once `OutboxFull`, `BadRequest` or `TooLarge`; when awaited what the server
        refused it for, or what ended the client.
        """
        if not content:
            raise BadRequest("a message needs content")
        fields: dict[str, Any] = {"content": content}
        if reply_to is not None:
            fields["reply_to_id"] = reply_to
        if kind != "Text":
            fields["message_type"] = kind
        self._typed_at = float("-inf")
        return self._client.feed.send(self.id, fields)

    async def edit(self, message_id: str, content: str) -> Message:
        """Gives an own message another text."""
        path = rest.path("messages", message_id)
        return of_stored(await self._client.call("PUT", path, {"content": content}))

    async def delete(self, message_id: str) -> None:
        """Deletes a message: one's own, or with `chat:moderate` anybody's."""
        await self._client.call("DELETE", rest.path("messages", message_id))

    def typing(self, typing: bool = True) -> None:
        """Shows that the user types, or ended to; it ends by itself after 5 s, and on send.

        While it goes on, call it as often as a key is pressed: it is told every 2 s at most.
        """
        now = self._client.clock.now()
        if typing and now - self._typed_at < TYPING_SECONDS_MIN:
            return
        self._typed_at = now if typing else float("-inf")
        self._client.feed.say("typing_start" if typing else "typing_stop", self.id)

    def mark_delivered(self, message_id: str) -> None:
        """Tells the authors that this message and all older ones have arrived."""
        self._client.feed.receipt("message_delivered", self.id, message_id)

    def mark_read(self, message_id: str) -> None:
        """Tells the authors that this message and all older ones were seen."""
        self._client.feed.receipt("message_read", self.id, message_id)

    async def history(
        self, *, limit: int = 50, before: int | None = None, after: int | None = None
    ) -> list[Message]:
        """At most 200 stored messages, oldest first: the newest, those before a `seq`, or the first
        ones after one."""
        path = rest.path(
            "channels", self.id, "messages", limit=limit, before=before, after=after
        )
        return [of_stored(each) for each in reversed(await self._client.call("GET", path))]

    async def members(self) -> list[Member]:
        """All members."""
        answer = await self._client.call("GET", rest.path("channels", self.id, "members"))
        return [
            Member(each["userId"], each["name"], each["role"], moment(each["joinedAt"]))
            for each in answer
        ]

    async def presence(self) -> list[Presence]:
        """Which members are online."""
        answer = await self._client.call("GET", rest.path("channels", self.id, "presence"))
        return [
            Presence(each["userId"], each["isOnline"], optional_moment(each["lastSeenAt"]))
            for each in answer
        ]

    async def summary(self) -> RoomSummary:
        """Name, kind, counts, and the user's role in it."""
        return of_room(await self._client.call("GET", rest.path("channels", self.id)))

    async def join(self) -> None:
        """Becomes a member of a PUBLIC room."""
        await self._client.call("POST", rest.path("channels", self.id, "join"))

    async def leave(self) -> None:
        """Ends the membership."""
        await self._client.call("DELETE", rest.path("channels", self.id, "leave"))


class Topic:
    """A topic of the token's session. `async for message in topic` subscribes."""

    def __init__(self, client: Client, name: str):
        self.name = name
        self._client = client

    def __repr__(self) -> str:
        return f"Topic({self.name!r})"

    def __aiter__(self) -> TopicListener:
        return self.listen()

    def listen(self) -> TopicListener:
        """A listener of its own, of `Publication` and `TopicGap`.

        After an interruption the server is asked for what it kept of the topic; where it kept
        less than was missed, a `TopicGap` says so.
        """
        return self._client.topics.listen(self.name)

    async def publish(self, payload: Any, *, publisher_name: str | None = None) -> None:
        """Publishes any JSON value; returns when the server took it.

        At most once: where the connection is lost before the answer, `NetworkError`, and nobody
        knows. While away it waits for the next connection.
        """
        await self._client.topics.publish(self.name, payload, publisher_name)

    async def present(self) -> list[Publication | dict[str, Any]]:
        """Who is subscribed: `user` and `publisher_name` of each."""
        frame = await self._client.topics.present(self.name)
        return list(frame["clients"])
