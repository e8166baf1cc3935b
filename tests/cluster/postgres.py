"""A PostgreSQL of the cluster's own, from the machine's binaries, on a free port of loopback."""

from __future__ import annotations

import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess

from borrowed import clean_environment, free_port
from process import NotReady, Process, unprivileged

USER = DATABASE = "conclave"
SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{home}'
max_connections = 200
shared_buffers = 128MB
"""


class Postgres(Process):
    """Its data and its socket lie in a folder of their own; one user with a random password."""

    def __init__(self, home: pathlib.Path, proof: str):
        home = home / "postgres"
        home.mkdir(mode=0o700)
        super().__init__("postgres", home)
        self.programs = programs()
        self.port = free_port()
        self.password = secrets.token_urlsafe(24)
        self.data = home / "data"
        self.who = unprivileged()
        if self.who:
            os.chown(home, self.who["user"], self.who["group"])
        self.make(proof)

    def make(self, proof: str) -> None:
        password = self.home / "password"
        password.write_text(self.password)
        password.chmod(0o600)
        if self.who:
            os.chown(password, self.who["user"], self.who["group"])
        words = ["-A", proof, f"--pwfile={password}", "-U", USER, "-E", "UTF8", "--locale=C"]
        self.run("initdb", *words, "--no-sync", "-D", str(self.data))
        password.unlink()
        with open(self.data / "postgresql.conf", "a") as file:
            file.write(SETTINGS.format(port=self.port, home=self.home))

    def url(self, port: int | None = None) -> str:
        """Through another port, where one leads to it."""
        return f"postgres://{USER}:{self.password}@127.0.0.1:{port or self.port}/{DATABASE}"

    def command(self) -> list[str]:
        return [str(self.programs / "postgres"), "-D", str(self.data)]

    def options(self) -> dict:
        return self.who | {"cwd": "/"}

    def is_ready(self) -> bool:
        asked = [str(self.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, stdin=subprocess.DEVNULL, timeout=30).returncode == 0

    def make_database(self) -> None:
        self.say(f"CREATE DATABASE {DATABASE}", "postgres")

    def say(self, statement: str, database: str = DATABASE) -> str:
        """What the statement gives, as text."""
        words = ["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port)]
        return self.run("psql", *words, "-U", USER, "-d", database, "-c", statement)

    def shut_down(self) -> None:
        """As an operator does: connections are ended, everything is written."""
        self.stop(signal.SIGINT)

    def delay_commits(self, microseconds: int) -> None:
        """Each flush of the log begins so much later, as on a disk that is slow to sync."""
        self.say(f"ALTER SYSTEM SET commit_delay = {microseconds}")
        self.say(f"ALTER SYSTEM SET commit_siblings = {0 if microseconds else 5}")
        self.say("SELECT pg_reload_conf()")

    def stop(self, number: signal.Signals = signal.SIGINT) -> int | None:
        return super().stop(number)

    def run(self, program: str, *words: str) -> str:
        done = subprocess.run(
            [str(self.programs / program), *words],
            env=clean_environment() | {"PGPASSWORD": self.password},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            **self.options(),
        )
        if done.returncode != 0:
            raise NotReady(f"{program}: {done.stdout}{done.stderr}")
        return done.stdout.strip()


def programs() -> pathlib.Path:
    """The folder with `initdb`: one of PATH, or the newest of where Debian puts them."""
    on_path = shutil.which("initdb")
    # There may be links on PATH to some of the programs.
    found = [pathlib.Path(on_path).resolve().parent] if on_path else []
    debian = pathlib.Path("/usr/lib/postgresql").glob("*/bin")
    found += sorted(debian, key=lambda each: int(re.sub(r"\D", "", each.parent.name) or 0), reverse=True)
    wanted = ("initdb", "postgres", "pg_isready", "psql")
    for folder in found:
        if all((folder / program).exists() for program in wanted):
            return folder
    raise NotReady("initdb is nowhere; '.ci/install postgres' installs it")
