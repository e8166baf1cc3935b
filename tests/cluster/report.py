"""What the traffic tells the ledger: JSON lists, one a line, on stdout."""

from __future__ import annotations

import asyncio
import json
import sys
import time

FLUSH_SECONDS = 0.05
lines: list[str] = []


def tell(kind: str, *values) -> None:
    """A line; `flush_often` writes it out."""
    lines.append(json.dumps([kind, round(time.monotonic(), 4), *values]))


def flush() -> None:
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        lines.clear()


async def flush_often() -> None:
    while True:
        flush()
        await asyncio.sleep(FLUSH_SECONDS)
