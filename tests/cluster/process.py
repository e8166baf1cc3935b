"""A program of the cluster: started, hung, killed and ended by its own number."""

from __future__ import annotations

import contextlib
import os
import pathlib
import pwd
import signal
import subprocess
import time

from borrowed import clean_environment

END_SECONDS_MAX = 15
READY_SECONDS_MAX = 60


class NotReady(Exception):
    """A program did not come up; the text holds what it printed."""


class Process:
    """One program with a log of its own. Who inherits says `command` and `is_ready`."""

    def __init__(self, name: str, home: pathlib.Path):
        self.name = name
        self.home = home
        self.log_path = home / f"{name}.log"
        self.environment: dict[str, str] = {}
        self.process: subprocess.Popen | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        raise NotImplementedError

    def options(self) -> dict:
        """More arguments of `Popen`."""
        return {}

    def begin(self) -> None:
        """Starts it and returns at once."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                env=clean_environment() | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for whoever started the cluster, who then ends it in order.
                start_new_session=True,
                **self.options(),
            )

    def start(self):
        self.begin()
        self.wait_until_ready()
        return self

    def wait_until_ready(self) -> None:
        until(self.is_ready, READY_SECONDS_MAX, f"{self.name} is ready", self.check_alive)

    def check_alive(self) -> None:
        if self.process.poll() is not None:
            raise NotReady(f"{self.name} ended with {self.process.returncode}\n{self.log_tail()}")

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """To it and all its descendants."""
        for each in family(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, number)

    def hang(self) -> None:
        self.send(signal.SIGSTOP)

    def go_on(self) -> None:
        self.send(signal.SIGCONT)

    def crash(self) -> None:
        """kill -9, of its descendants too."""
        self.send(signal.SIGKILL)
        self.process.wait(timeout=END_SECONDS_MAX)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int | None:
        """Ends it in order, or by force where it does not; its exit code."""
        if not self.alive:
            return None if self.process is None else self.process.returncode
        self.go_on()
        self.process.send_signal(number)
        try:
            return self.process.wait(timeout=END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.crash()
            return self.process.returncode

    def log_tail(self, lines: int = 15) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
        return ""


def family(pid: int) -> list[int]:
    """A process and its descendants, parents first."""
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            children = pathlib.Path(f"/proc/{each}/task/{each}/children").read_text()
            found += [int(child) for child in children.split()]
    return found


def until(holds, seconds: float, what: str, check=lambda: None) -> float:
    """Waits until something holds; how many seconds that took."""
    began = time.monotonic()
    while not holds():
        check()
        if time.monotonic() - began > seconds:
            raise NotReady(f"not after {seconds:.0f} s: {what}")
        time.sleep(0.02)
    return time.monotonic() - began


def end_in_order() -> None:
    """Whoever ends this program interrupts it, so that it ends what it has started."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def unprivileged() -> dict:
    """As whom PostgreSQL runs where this is root: arguments of `Popen`."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise NotReady("root may not run PostgreSQL, and there is no user postgres or nobody")
