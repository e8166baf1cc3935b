"""A room that somebody listens to: where each listener is, and how it gets what it missed."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from .errors import ConclaveError
from .events import JsonObject, Message, Resynced, RoomEvent
from .listening import Queue


class Listener(Queue[RoomEvent]):
    """The events of one room, each durable one once and in order; see `Room.listen`.

    `position` is the `seq` of the last durable event it holds. One that is read too slowly stops
    to take events (`behind`), and asks for the rest once it is empty.
    """

    def __init__(self, most: int, since: int | None, catch_up: Callable[[], None]):
        super().__init__(most)
        self.position = since
        self.behind = True
        self.lagging = False
        self._catch_up = catch_up

    def drained(self) -> None:
        if self.lagging:
            self.lagging = False
            self._catch_up()

    def take(self, event: RoomEvent, seq: int | None) -> None:
        """Queues an event; a durable one (with a `seq`) only if it is new to this listener."""
        if self.behind or (seq is not None and self.position is not None and seq <= self.position):
            return
        if self.full:
            self.behind = self.lagging = True
            return
        if seq is not None:
            self.position = seq
        self.push(event)


class Subscription:
    """What the server was asked for one room, and who listens."""

    def __init__(self, room_id: str):
        self.room_id = room_id
        self.listeners: weakref.WeakSet[Listener] = weakref.WeakSet()
        self.last_seq = 0
        self.asked = False
        # How many subscriptions have no answer yet; only the last one counts.
        self.awaiting = 0
        # How many answers to our own unsubscriptions are still to come.
        self.leaving = 0
        # Frames that wait while what was missed is read.
        self.held: list[JsonObject] | None = None

    def since(self) -> int | None:
        """From where the server has to replay; None: only what comes."""
        known = [each.position for each in self.listeners if each.position is not None]
        return min(known, default=None)

    def ask(self) -> None:
        """A subscription is on its way: what comes before its answer is of an earlier one."""
        self.asked, self.held = True, None
        self.awaiting += 1
        for each in self.listeners:
            each.behind = True

    def lost(self) -> None:
        """The connection is gone, and all answers with it."""
        self.asked, self.awaiting, self.leaving, self.held = False, 0, 0, None
        for each in self.listeners:
            each.behind = True

    def subscribed(self, last_seq: int) -> None:
        """The server replays, then goes on live, from here."""
        self.awaiting = max(0, self.awaiting - 1)
        if self.awaiting:
            return
        self.last_seq = last_seq
        for each in self.listeners:
            if each.position is None:
                each.position = last_seq
            each.behind = each.lagging

    def tell(self, event: RoomEvent, seq: int | None) -> None:
        for each in list(self.listeners):
            each.take(event, seq)

    def stored(self, message: Message) -> None:
        self.tell(message, message.seq)

    def resynced(self, from_seq: int, to_seq: int) -> None:
        """All up to `to_seq` was read, or the server's count is below what the listeners know."""
        for each in list(self.listeners):
            if not each.behind:
                each.take(Resynced(self.room_id, from_seq, to_seq), None)
            if not each.behind or (each.position is not None and each.position > to_seq):
                each.position = to_seq

    @property
    def listening(self) -> bool:
        """Whether anybody still takes what is told."""
        return any(not each.behind for each in self.listeners)

    def finish(self, error: ConclaveError | None = None) -> None:
        for each in list(self.listeners):
            each.finish(error)
