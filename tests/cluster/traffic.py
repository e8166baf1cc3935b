"""The clients of a chaos run, many in one process; see `plan` of chaos.py.

Reads its plan as one line of JSON, then the words `hurry` and `stop`; tells what happens by
report.py. It ends when it was stopped and every message has its ack.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import listeners
import report
import writers


class Pace:
    """How fast each writer may send; what it did not use within a second is forgotten."""

    def __init__(self, rate: float):
        self.rate = rate
        self.hurrying = self.stopped = False
        self.next: dict[str, float] = {}

    def ready(self, name: str) -> bool:
        """Takes one at once, if it may."""
        now = time.monotonic()
        due = max(self.next.get(name, now), now - 1)
        if not self.hurrying and due > now:
            return False
        self.next[name] = due + 1 / self.rate
        return True

    async def take(self, name: str) -> None:
        """Waits until one more may be sent, or nothing is to be sent any more."""
        while not self.stopped and not self.ready(name):
            await asyncio.sleep(0.01)


async def orders(pace: Pace) -> None:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while not pace.stopped:
        word = (await reader.readline()).decode().strip()
        pace.hurrying |= word == "hurry"
        # The end of the input means that nobody is there any more.
        pace.stopped |= word in ("stop", "")


async def main(plan: dict) -> None:
    pace = Pace(plan["rate"])
    telling = asyncio.create_task(report.flush_often())
    hearing = [listeners.KINDS[each["kind"]](each) for each in plan["listeners"]]
    heard = [asyncio.create_task(each.run()) for each in hearing]
    writing = [writers.KINDS[each["kind"]](each, pace) for each in plan["writers"]]
    written = [asyncio.create_task(each.run()) for each in writing]
    await orders(pace)
    await asyncio.gather(*written)
    for task in (*heard, telling):
        task.cancel()
    done = await asyncio.gather(*heard, return_exceptions=True)
    for error in done:
        if isinstance(error, Exception):
            report.tell("fault", f"a client failed: {error!r}")
    report.flush()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))
