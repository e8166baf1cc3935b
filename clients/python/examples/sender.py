"""Sends numbered messages into a room, whatever becomes of the server meanwhile.

    python sender.py URL USER PASSWORD ROOM COUNT INTERVAL_MS

Sends `py-1` to `py-COUNT`, one every INTERVAL_MS milliseconds, prints `acked N SEQ` for each
as it is stored, and ends with 0 when all are. What happens to the connection goes to stderr.
"""

from __future__ import annotations

import asyncio
import sys

from conclave_client import Client, ConclaveError, Room, SignIn


def told(link: str, status: str, error: ConclaveError | None) -> None:
    print(f"{link}: {status}" + (f" ({error})" if error else ""), file=sys.stderr, flush=True)


async def send_one(room: Room, number: int) -> None:
    sent = await room.send(f"py-{number}")
    print(f"acked {number} {sent.seq}", flush=True)


async def run(url: str, user: str, password: str, place: str, count: int, interval: float) -> None:
    tokens = SignIn(url, user, password)
    async with Client(url, tokens=tokens, outbox_max=max(count, 1), on_status=told) as client:
        room = client.room(place)
        sending = []
        for number in range(1, count + 1):
            sending.append(asyncio.create_task(send_one(room, number)))
            await asyncio.sleep(interval)
        await asyncio.gather(*sending)


def main() -> int:
    if len(sys.argv) != 7:
        print("usage: sender.py URL USER PASSWORD ROOM COUNT INTERVAL_MS", file=sys.stderr)
        return 2
    url, user, password, place, count, interval = sys.argv[1:]
    try:
        asyncio.run(run(url, user, password, place, int(count), int(interval) / 1000))
    except (ConclaveError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
