"""A Redis of the cluster's own that keeps nothing on disk, on a free port of loopback."""

from __future__ import annotations

import contextlib
import pathlib
import secrets
import shutil
import socket

from borrowed import free_port
from process import NotReady, Process

ANSWER_SECONDS_MAX = 2


class RedisServer(Process):
    """Who speaks to it needs the random password."""

    def __init__(self, home: pathlib.Path):
        home = home / "redis"
        home.mkdir(mode=0o700)
        super().__init__("redis", home)
        self.port = free_port()
        self.password = secrets.token_urlsafe(24)
        self.settings = home / "redis.conf"
        self.settings.touch(mode=0o600)
        self.settings.write_text(
            f'bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\nsave ""\n'
            f"appendonly no\ndir {home}\n"
        )
        self.program = shutil.which("redis-server")
        if self.program is None:
            raise NotReady("redis-server is nowhere; '.ci/install redis' installs it")

    def url(self, port: int | None = None) -> str:
        """Through another port, where one leads to it."""
        return f"redis://:{self.password}@127.0.0.1:{port or self.port}"

    def command(self) -> list[str]:
        return [self.program, str(self.settings)]

    def is_ready(self) -> bool:
        return self.ask("PING") == "+PONG"

    def ask(self, command: str) -> str | None:
        """The first line of the answer to a command in one line; `None` where it does not come."""
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", self.port), ANSWER_SECONDS_MAX) as connection:
                connection.sendall(f"AUTH {self.password}\r\n{command}\r\n".encode())
                lines = connection.makefile(newline="\r\n")
                lines.readline()
                return lines.readline().rstrip("\r\n") or None
        return None
