"""A `conclave serve --dev` process on a free port, with a data folder and a log of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 15

# Settings of whoever runs the tests must not reach the server.
FOREIGN_PREFIXES = ("CONCLAVE_", "JWT_", "WS_TEST_TOKEN", "ACCESS_TOKEN_")


class NotReady(Exception):
    """The server did not come up; the text holds what it printed."""


class Node:
    """One server. It listens on both loopback addresses as far as the machine has them."""

    def __init__(self, program: str, home: pathlib.Path, environment: dict[str, str]):
        self.program = program
        self.home = home
        self.data = home / "data"
        self.log_path = home / "server.log"
        self.environment = environment
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    @property
    def http(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://localhost:{self.port}/ws"

    def start(self) -> Node:
        """Starts the server and returns once it says that it is ready."""
        listen = [f"--listen={address}:{self.port}" for address in loopback_addresses()]
        command = [self.program, "serve", "--dev", *listen, f"--data-dir={self.data}"]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.home,
                env=clean_environment() | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.wait_until_ready()
        return self

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            with contextlib.suppress(urllib.error.URLError, OSError):
                with urllib.request.urlopen(f"{self.http}/health/ready", timeout=2) as answer:
                    if answer.status == 200:
                        return
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self.process.wait(timeout=0.05)
                raise NotReady(f"the server ended with {code}\n{self.log_tail()}")
        raise NotReady(f"not ready after {START_SECONDS_MAX} s\n{self.log_tail()}")

    def crash(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait(timeout=STOP_SECONDS_MAX)

    def drain(self) -> int:
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=STOP_SECONDS_MAX)

    def stop(self) -> None:
        """Ends whatever still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.crash()

    def command(self, *arguments: str) -> subprocess.CompletedProcess:
        """Runs another `conclave` command on this server's data folder."""
        return subprocess.run(
            [self.program, *arguments, f"--data-dir={self.data}"],
            cwd=self.home,
            env=clean_environment() | self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )

    def log_tail(self) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-15:])
        return ""


def clean_environment() -> dict[str, str]:
    """The environment without settings of Conclave and without proxies."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(FOREIGN_PREFIXES) and not name.lower().endswith("_proxy")
    }


def loopback_addresses() -> list[str]:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return ["127.0.0.1", "[::1]"]
    return ["127.0.0.1"]


def free_port() -> int:
    """One that this process did not get before, and that the system gives to nobody by itself: it is
    still free when its server comes back. Neighbours among process numbers begin far apart."""
    for _ in range(PORTS):
        port = FIRST_PORT + (os.getpid() * 7_919 + next(TRIED)) % PORTS
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


FIRST_PORT = 10_000
PORTS = 20_000
TRIED = itertools.count()
