"""One of the cluster's nodes: a production start, without dev mode and its known passwords."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import urllib.error
import urllib.request

from haproxy import Link
from borrowed import free_port
from process import Process

# Where Debian puts the library that lies about the time.
FAKETIME = "/usr/lib/*/faketime/libfaketime.so.1"


class ClusterNode(Process):
    """A node behind links of its own; `http` and `ws` go to it directly."""

    def __init__(self, program: str, home: pathlib.Path, name: str, targets: tuple[int, int]):
        self.to_redis = Link(home, f"{name}-redis", targets[0])
        self.to_postgres = Link(home, f"{name}-postgres", targets[1])
        home = home / name
        home.mkdir(mode=0o700)
        super().__init__(name, home)
        self.program = program
        self.port = free_port()
        self.data = home / "data"
        # What the clock of this node is off by, where it is one that can be set.
        self.clock = home / "clock"

    @property
    def links(self) -> list[Link]:
        return [self.to_redis, self.to_postgres]

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def command(self) -> list[str]:
        listen = f"--listen=127.0.0.1:{self.port}"
        return [self.program, "serve", listen, f"--data-dir={self.data}"]

    def options(self) -> dict:
        return {"cwd": self.home}

    def set_clock_by_file(self) -> None:
        """From the next start on `turn_clock` counts. Only the time of day is another one."""
        (library,) = pathlib.Path("/").glob(FAKETIME.lstrip("/"))
        self.turn_clock(0)
        self.environment |= {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self.clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }

    def turn_clock(self, seconds: int) -> None:
        new = self.clock.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n")
        os.replace(new, self.clock)

    def is_ready(self) -> bool:
        return self.health() in ("ready", "degraded")

    def health(self) -> str:
        """What `/health/ready` says: `ready`, `degraded`, why not, or "" where nothing answers."""
        with contextlib.suppress(urllib.error.URLError, OSError, ValueError):
            try:
                with urllib.request.urlopen(f"{self.http}/health/ready", timeout=3) as answer:
                    return json.load(answer)["status"]
            except urllib.error.HTTPError as refusal:
                return json.load(refusal)["detail"]
        return ""
