"""The user's feed `/ws/{user_id}`: one socket for all rooms."""

from __future__ import annotations

import asyncio
import collections
import json
import logging
import uuid
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

from . import rest
from .errors import ConclaveError, NetworkError, RateLimited, of_code
from .events import (
    JsonObject,
    Message,
    MessageDeleted,
    MessageEdited,
    Notice,
    Receipt,
    RoomLeft,
    Sent,
    of_frame,
)
from .link import Link, Send, Settings
from .listening import Queue
from .outbox import Outbox
from .pacing import SENDS_BURST, SENDS_PER_SECOND, Pace
from .subscription import Listener, Subscription

log = logging.getLogger("conclave_client")

# While what was missed is read, so many live frames of the room wait.
HELD_FRAMES_MAX = 1000
# Own messages whose receipts find their room.
OWN_MESSAGES_MAX = 4096
RETRY_SECONDS = 1.0
# Frames that are not repeated where the server takes none for now.
SAID_ONCE = ("message_delivered", "message_read", "typing_start", "typing_stop")

Pages = Callable[[str, int], Awaitable[list[Message]]]
"""The page of a room's messages after a `seq`, oldest first, empty at the end."""


class Feed:
    """Rooms, sends and receipts over one link. All methods belong to one event loop."""

    name = "feed"
    hello = None

    def __init__(self, settings: Settings, user_id: Callable[[], Awaitable[str]], pages: Pages):
        self.link = Link(settings, self)
        self.notices: weakref.WeakSet[Queue[Notice]] = weakref.WeakSet()
        self._settings = settings
        self._user_id = user_id
        self._pages = pages
        self._wake = asyncio.Event()
        self._pace = Pace(settings.clock, SENDS_PER_SECOND, SENDS_BURST)
        self._outbox = Outbox(settings.outbox_max, self._wake.set, self._subscribing)
        self._frames: collections.deque[str] = collections.deque()
        self._rooms: dict[str, Subscription] = {}
        self._receipts: dict[tuple[str, str], str] = {}
        self._own: collections.OrderedDict[str, str] = collections.OrderedDict()
        self._renewal: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._online = False
        self._user = ""
        self._over: ConclaveError | None = None

    # What rooms ask for.

    def listen(self, room_id: str, since: int | None) -> Listener:
        room = self._rooms.setdefault(room_id, Subscription(room_id))
        feed = weakref.ref(self)

        def catch_up() -> None:
            there = feed()
            if there is not None:
                there._ask(room)

        listener = Listener(self._settings.queue_max, since, catch_up)
        if self._over is not None:
            listener.finish(self._over)
            return listener
        room.listeners.add(listener)
        self.link.start()
        self._ask(room)
        return listener

    def send(self, room_id: str, fields: JsonObject) -> asyncio.Future[Sent]:
        if self._over is not None:
            raise self._over
        self.link.start()
        return self._outbox.add(room_id, str(uuid.uuid4()), fields)

    def say(self, kind: str, room_id: str, **fields: Any) -> None:
        """A frame that is worth nothing later: sent now, or not at all."""
        if self._online:
            self._put(kind, room_id, **fields)

    def receipt(self, kind: str, room_id: str, message_id: str) -> None:
        """Receipts cover what is older, so the newest of a room is all that is kept."""
        self._receipts[(room_id, kind)] = message_id
        self.link.start()
        if self._online:
            self._put(kind, room_id, message_id=message_id)

    @property
    def unsent(self) -> int:
        """Messages without an ack."""
        return len(self._outbox)

    async def close(self) -> None:
        await self.link.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # What the link asks for.

    async def path(self) -> str:
        self._user = await self._user_id()
        return rest.path("ws", self._user)

    def opened(self, first: str) -> None:
        self._online = True
        self._frames.clear()
        self.heard(first)
        for room in list(self._rooms.values()):
            if room.listeners:
                self._ask(room)
            else:
                del self._rooms[room.room_id]
        for (room_id, kind), message_id in self._receipts.items():
            self._put(kind, room_id, message_id=message_id)
        self._wake.set()

    async def write(self, send: Send) -> None:
        while True:
            if self._frames:
                await send(self._frames.popleft())
                continue
            if self._outbox.ready:
                await self._pace.turn()
                frame = self._outbox.next()
                if frame is not None:
                    await send(frame)
                continue
            self._wake.clear()
            await self._wake.wait()

    async def renew(self, token: str) -> None:
        self._renewal = asyncio.get_running_loop().create_future()
        self._put_text(json.dumps({"type": "auth", "token": token}))
        try:
            await self._renewal
        finally:
            self._renewal = None

    def lost(self, error: ConclaveError) -> None:
        self._online = False
        self._frames.clear()
        self._outbox.lost()
        for room in self._rooms.values():
            room.lost()
        self._answer_renewal(NetworkError("the connection was lost"))

    def ended(self, error: ConclaveError) -> None:
        self.lost(error)
        self._over = error
        self._outbox.ended(error)
        rooms, self._rooms = self._rooms, {}
        for room in rooms.values():
            room.finish(error)
        for queue in list(self.notices):
            queue.finish(error)

    def heard(self, text: str) -> None:
        try:
            frame = json.loads(text)
            if isinstance(frame, dict):
                self._take(frame)
        except (ValueError, KeyError, TypeError, ConclaveError):
            log.warning("feed: a frame of an unknown form was passed over")

    # What the server says.

    def _take(self, frame: JsonObject) -> None:
        kind = frame.get("type")
        room = self._rooms.get(str(frame.get("conversation_id")))
        if kind == "message_status" and frame.get("status") == "sent":
            self._acked(frame)
        elif kind == "error":
            self._refused(frame)
        elif kind == "auth_success":
            self._answer_renewal(None)
        elif kind in ("notification", "live_update", "system_status", "invitation") or (
            kind == "member_joined" and "seq" in frame
        ):
            self._notice(Notice(str(kind), frame))
        elif room is not None:
            self._in_room(room, frame)
        elif kind in ("message_status", "presence_update"):
            self._everywhere(frame)

    def _in_room(self, room: Subscription, frame: JsonObject) -> None:
        kind = frame["type"]
        if kind == "subscribed":
            room.subscribed(frame["last_seq"])
            self._wake.set()
        elif kind == "unsubscribed":
            self._unsubscribed(room)
        elif room.awaiting:
            # Of a subscription that another one replaces.
            return
        elif kind == "resync":
            room.held = []
            self._spawn(self._resync(room, frame["from_seq"]))
        elif room.held is None:
            self._tell(room, frame)
        elif len(room.held) <= HELD_FRAMES_MAX:
            room.held.append(frame)

    def _tell(self, room: Subscription, frame: JsonObject) -> None:
        if not room.listeners:
            self._leave(room)
            return
        event = of_frame(frame)
        if isinstance(event, Message) and event.user_id == self._user:
            self._remember(event.id, event.room_id)
        if event is not None:
            durable = isinstance(event, (Message, MessageEdited, MessageDeleted))
            room.tell(event, frame["seq"] if durable else None)

    def _everywhere(self, frame: JsonObject) -> None:
        """Frames that name no room: a receipt finds that of its message."""
        event = of_frame(frame)
        if event is None:
            return
        named = None
        if isinstance(event, Receipt):
            named = self._own.get(event.id)
            event = Receipt(event.id, named, event.user_id, event.status, event.at)
        for room in list(self._rooms.values()):
            if named is None or room.room_id == named:
                room.tell(event, None)

    def _acked(self, frame: JsonObject) -> None:
        message = self._outbox.acked(frame)
        if message is not None:
            self._remember(frame["message_id"], message.room_id)

    def _refused(self, frame: JsonObject) -> None:
        error = of_code(str(frame.get("code")), str(frame.get("message", "")))
        asked, room_id = frame.get("in_reply_to"), str(frame.get("conversation_id"))
        if asked == "auth":
            self._answer_renewal(error)
        elif asked == "send_message":
            message = self._outbox.refused(frame.get("client_id"), error)
            if message is None and frame.get("client_id") is None:
                # Which one it was is not said, so all that has no answer begins anew.
                self.link.reconnect()
            elif message is not None and error.retryable:
                self._spawn(self._release_later(message.room_id))
        elif asked == "subscribe_conversation" and room_id in self._rooms:
            self._not_subscribed(self._rooms[room_id], error)
        else:
            log.warning("feed: %s: %s (%s)", asked, error, error.code)
            if isinstance(error, RateLimited) and asked not in SAID_ONCE:
                # Which frame it was is not said, so all that has no answer begins anew.
                self.link.reconnect()

    def _not_subscribed(self, room: Subscription, error: ConclaveError) -> None:
        room.awaiting = max(0, room.awaiting - 1)
        room.asked = False
        self._wake.set()
        if room.awaiting:
            return
        if error.retryable:
            self._spawn(self._ask_later(room))
        else:
            del self._rooms[room.room_id]
            room.finish(error)

    def _unsubscribed(self, room: Subscription) -> None:
        if room.leaving > 0:
            room.leaving -= 1
            if not room.asked and not room.leaving:
                del self._rooms[room.room_id]
            return
        del self._rooms[room.room_id]
        for each in list(room.listeners):
            each.push(RoomLeft(room.room_id))
        room.finish()

    def _notice(self, notice: Notice) -> None:
        for queue in list(self.notices):
            if queue.full:
                queue.drop_oldest()
            queue.push(notice)

    # What the feed does by itself.

    def _ask(self, room: Subscription) -> None:
        """Subscribes, once more where the server has to replay what a listener lacks."""
        if not self._online or self._rooms.get(room.room_id) is not room or not room.listeners:
            return
        if room.asked:
            room.leaving += 1
            self._put("unsubscribe_conversation", room.room_id)
        room.ask()
        since = room.since()
        fields = {} if since is None else {"since": since}
        self._put("subscribe_conversation", room.room_id, **fields)

    def _subscribing(self, room_id: str) -> bool:
        """A message that overtook the subscription would not be heard by who asked for it first."""
        room = self._rooms.get(room_id)
        return room is not None and room.awaiting > 0

    def _leave(self, room: Subscription) -> None:
        """Nobody listens any more."""
        if room.asked and self._online:
            room.asked = False
            room.leaving += 1
            self._put("unsubscribe_conversation", room.room_id)

    async def _resync(self, room: Subscription, from_seq: int) -> None:
        """Reads what the server does not replay, then tells what came meanwhile."""
        held, to_seq, after = room.held, room.last_seq, from_seq
        while after < to_seq and room.listening and room.held is held:
            try:
                page = await self._pages(room.room_id, after)
            except ConclaveError as error:
                if not error.retryable:
                    if room.held is held:
                        self._rooms.pop(room.room_id, None)
                        room.finish(error)
                    return
                await self._settings.clock.pause(error.retry_after or RETRY_SECONDS)
                continue
            for message in page:
                if message.seq <= to_seq:
                    room.stored(message)
            after = page[-1].seq if page else to_seq
        if room.held is not held or held is None:
            return
        room.resynced(from_seq, to_seq)
        room.held = None
        if len(held) > HELD_FRAMES_MAX:
            self._ask(room)
            return
        for frame in held:
            self._tell(room, frame)

    async def _release_later(self, room_id: str) -> None:
        await self._settings.clock.pause(RETRY_SECONDS * (0.5 + self._settings.chance()))
        self._outbox.release(room_id)

    async def _ask_later(self, room: Subscription) -> None:
        await self._settings.clock.pause(RETRY_SECONDS * (0.5 + self._settings.chance()))
        self._ask(room)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _remember(self, message_id: str, room_id: str) -> None:
        self._own[message_id] = room_id
        if len(self._own) > OWN_MESSAGES_MAX:
            self._own.popitem(last=False)

    def _answer_renewal(self, error: ConclaveError | None) -> None:
        if self._renewal is None or self._renewal.done():
            return
        if error is None:
            self._renewal.set_result(None)
        else:
            self._renewal.set_exception(error)

    def _put(self, kind: str, room_id: str, **fields: Any) -> None:
        self._put_text(json.dumps({"type": kind, "conversation_id": room_id} | fields))

    def _put_text(self, text: str) -> None:
        self._frames.append(text)
        self._wake.set()
