"""Queues between a connection and who iterates: bounded, ended by the link's end."""

from __future__ import annotations

import asyncio
import collections
from types import TracebackType
from typing import Generic, TypeVar

from .errors import ClientClosed, ConclaveError

E = TypeVar("E")


class Queue(Generic[E]):
    """An async iterator over what is pushed; `async with` or `close` ends it.

    It holds `most` events. What happens beyond that is its owner's to say.
    """

    def __init__(self, most: int):
        self._most = most
        self._events: collections.deque[E] = collections.deque()
        self._news = asyncio.Event()
        self._over = False
        self._error: ConclaveError | None = None

    def __aiter__(self) -> Queue[E]:
        return self

    async def __anext__(self) -> E:
        while not self._events:
            if self._error is not None:
                raise self._error
            if self._over:
                raise StopAsyncIteration
            self.drained()
            self._news.clear()
            await self._news.wait()
        return self._events.popleft()

    async def __aenter__(self) -> Queue[E]:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def full(self) -> bool:
        return len(self._events) >= self._most

    def push(self, event: E) -> None:
        self._events.append(event)
        self._news.set()

    def drop_oldest(self) -> None:
        self._events.popleft()

    def drained(self) -> None:
        """Somebody waits and there is nothing."""

    def finish(self, error: ConclaveError | None = None) -> None:
        """Ends the iteration after what is queued; with an error, by raising it.

        A closed client ends it without an error.
        """
        self._over = True
        self._error = None if isinstance(error, ClientClosed) else error
        self._news.set()

    def close(self) -> None:
        """Nothing more is wanted."""
        self._events.clear()
        self.finish()
