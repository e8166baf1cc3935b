"""HTTP/1.1 over one kept connection, as much of it as the traffic needs."""

from __future__ import annotations

import asyncio
import json
import urllib.parse

ANSWER_SECONDS_MAX = 8


class HttpCalls:
    """Calls one server, one at a time. Any `OSError` means: nobody knows whether it was done."""

    def __init__(self, port: int, bearer: str):
        self.port, self.bearer = port, bearer
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def call(self, method: str, path: str, body=None) -> tuple[int, object]:
        """Status, and the answer's JSON (`None` where it is none)."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                return await self.exchange(method, path, body)
        except (TimeoutError, EOFError, ValueError) as error:
            self.close()
            raise ConnectionError(str(error) or type(error).__name__) from error
        except BaseException:
            self.close()
            raise

    async def exchange(self, method: str, path: str, body) -> tuple[int, object]:
        if self.writer is None:
            opened = asyncio.open_connection("127.0.0.1", self.port, limit=2**24)
            self.reader, self.writer = await opened
        text = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Authorization: Bearer {self.bearer}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n\r\n"
        )
        self.writer.write(head.encode() + text)
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        answer = await self.reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self.close()
        is_json = "json" in headers.get("content-type", "")
        return int(lines[0].split(" ")[1]), json.loads(answer) if is_json and answer else None

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None


def quoted(part: str) -> str:
    return urllib.parse.quote(part, safe="")
