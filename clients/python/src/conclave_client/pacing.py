"""Time and chance, both replaceable: when to come back, and how fast to send."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Protocol

Random = Callable[[], float]
"""A number from 0 (included) to 1 (excluded)."""


class Clock(Protocol):
    """Where the client gets its time from."""

    def now(self) -> float:
        """Seconds that only go forward."""

    def wall(self) -> float:
        """Unix seconds."""

    async def pause(self, seconds: float) -> None:
        """Returns after that many seconds."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def system_random() -> float:
    return random.random()


class Backoff:
    """How long to stay away after the n-th failure in a row.

    The bound doubles from `first` to `most` seconds; the delay is drawn between half of it and all
    of it, so that clients that were lost together come back apart.
    """

    def __init__(self, chance: Random, first: float = 0.5, most: float = 20.0):
        self._chance = chance
        self._first = first
        self._most = most
        self._failures = 0

    def next(self) -> float:
        bound = min(self._most, self._first * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return bound * (0.5 + 0.5 * self._chance())

    def reset(self) -> None:
        self._failures = 0


class Pace:
    """At most `per_second` turns a second on average, and `burst` at once."""

    def __init__(self, clock: Clock, per_second: float, burst: int):
        self._clock = clock
        self._per_second = per_second
        self._burst = float(burst)
        self._left = float(burst)
        self._at = clock.now()

    async def turn(self) -> None:
        """Returns when one more is due; the turns are given in the order they are asked for."""
        now = self._clock.now()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        self._left -= 1.0
        if self._left < 0:
            await self._clock.pause(-self._left / self._per_second)


MESSAGES_PER_SECOND = 40.0
"""Below the server's 50 per connection, so that pings and renewals have room."""
MESSAGES_BURST = 40
SENDS_PER_SECOND = 18.0
"""Below the server's 20 messages to rooms per user."""
SENDS_BURST = 80
REQUESTS_PER_SECOND = 15.0
"""Below the server's 20 per user."""
REQUESTS_BURST = 10
