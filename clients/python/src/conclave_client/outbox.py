"""Messages on their way: bounded, in order, and stored once however often they are sent.

Each room has at most one message on the wire at a time. So neither a lost connection nor a
refusal that passes (`rate_limited`, `unavailable`) can let a later message overtake an earlier one.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import json
from collections.abc import Callable

from .errors import ClientClosed, ConclaveError, OutboxFull
from .events import JsonObject, Sent
from .link import checked_frame


@dataclasses.dataclass
class Outgoing:
    """A message and who waits for its ack. `client_id` is the same each time it is sent."""

    room_id: str
    client_id: str
    frame: str
    answer: asyncio.Future[Sent]
    on_wire: bool = False


class Outbox:
    """What was sent and has no ack, by room."""

    def __init__(self, most: int, wake: Callable[[], None], blocked: Callable[[str], bool]):
        self._most = most
        self._wake = wake
        # A room whose messages have to wait for something else.
        self._blocked = blocked
        self._rooms: dict[str, collections.deque[Outgoing]] = {}
        self._held: set[str] = set()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, room_id: str, client_id: str, fields: JsonObject) -> asyncio.Future[Sent]:
        """Queues a message. Raises `OutboxFull`, or `TooLarge`."""
        if self._count >= self._most:
            raise OutboxFull(f"{self._most} messages wait to be sent already")
        body = {"type": "send_message", "conversation_id": room_id, "client_id": client_id}
        frame = checked_frame(json.dumps(body | dict(fields)))
        answer: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
        waiting = self._rooms.setdefault(room_id, collections.deque())
        waiting.append(Outgoing(room_id, client_id, frame, answer))
        self._count += 1
        self._wake()
        return answer

    @property
    def ready(self) -> bool:
        """Whether any message may go."""
        return any(self._may_go(room_id) for room_id in self._rooms)

    def next(self) -> str | None:
        """The frame of the next message that may go, which is on the wire from now on.

        Rooms take turns. Who gave up waiting before a message was sent takes it back.
        """
        for room_id, waiting in list(self._rooms.items()):
            while waiting and not waiting[0].on_wire and waiting[0].answer.cancelled():
                self._remove(waiting[0])
            if not waiting or not self._may_go(room_id):
                continue
            waiting[0].on_wire = True
            self._rooms[room_id] = self._rooms.pop(room_id)
            return waiting[0].frame
        return None

    def acked(self, frame: JsonObject) -> Outgoing | None:
        """The message that a `message_status` of `sent` is about."""
        head = self._head(frame.get("client_id"))
        if head is not None:
            self._remove(head)
            if not head.answer.done():
                head.answer.set_result(Sent(frame["message_id"], frame["seq"], head.client_id))
        return head

    def refused(self, client_id: object, error: ConclaveError) -> Outgoing | None:
        """The message that an error is about: told to who waits, or held where it may pass.

        An error without a client id is about the only one on the wire.
        """
        head = self._head(client_id) if client_id is not None else self._only()
        if head is None:
            return None
        if error.retryable:
            self._held.add(head.room_id)
            head.on_wire = False
        else:
            self._remove(head)
            if not head.answer.done():
                head.answer.set_exception(error)
        return head

    def release(self, room_id: str) -> None:
        """The room's messages may go again."""
        self._held.discard(room_id)
        self._wake()

    def lost(self) -> None:
        """Nobody knows whether what is on the wire arrived: it goes again, first."""
        for waiting in self._rooms.values():
            for each in waiting:
                each.on_wire = False

    def ended(self, error: ConclaveError) -> None:
        """None of it will be sent."""
        rooms, self._rooms, self._count = self._rooms, {}, 0
        for waiting in rooms.values():
            for each in waiting:
                if not each.answer.done():
                    each.answer.set_exception(error)
                if isinstance(error, ClientClosed) and not each.answer.cancelled():
                    # Looked at here: who closes the client knows.
                    each.answer.exception()

    def _may_go(self, room_id: str) -> bool:
        free = not self._rooms[room_id][0].on_wire and room_id not in self._held
        return free and not self._blocked(room_id)

    def _only(self) -> Outgoing | None:
        heads = [waiting[0] for waiting in self._rooms.values() if waiting and waiting[0].on_wire]
        return heads[0] if len(heads) == 1 else None

    def _head(self, client_id: object) -> Outgoing | None:
        heads = (waiting[0] for waiting in self._rooms.values() if waiting)
        return next((head for head in heads if head.client_id == client_id and head.on_wire), None)

    def _remove(self, head: Outgoing) -> None:
        waiting = self._rooms[head.room_id]
        waiting.popleft()
        self._count -= 1
        if not waiting:
            del self._rooms[head.room_id]
        self._wake()
