"""What the pages tell people to type, typed: every shell and Python block of them.

A `sh` block runs in one bash per page, block after block. A block of `json` or `text` after it is what
it prints: each of its lines must be printed, in that order, and `…` stands for anything. `first shell`
marks a block that goes on while the next ones run, `heard` what it prints meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
import os
import pathlib
import re
import subprocess
import threading
import uuid

import python_client
import web
import wire
from node import Node, free_port
from world import World

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PORTS = re.compile(r"\blocalhost:(8000|8081|8080)\b")


@dataclasses.dataclass(frozen=True)
class Block:
    language: str
    mark: str
    text: str
    section: str


def blocks(page: str, *sections: str) -> list[Block]:
    """The fenced blocks of a page, of those sections only where some are named."""
    text = (REPOSITORY / page).read_text()
    headings = [(found.start(), found[1]) for found in re.finditer(r"^## (.*)$", text, re.MULTILINE)]
    found = []
    for fence in FENCE.finditer(text):
        before = [name for at, name in headings if at < fence.start()]
        section = before[-1] if before else ""
        if not sections or section in sections:
            found.append(Block(fence[1], fence[2].strip(), fence[3], section))
    missing = [name for name in sections if name not in (each.section for each in found)]
    assert found and not missing, f"{page}: no blocks in {missing}"
    return found


def printed_as(wanted: str, printed: str) -> None:
    """Each wanted line is printed, in that order; `…` is anything."""
    lines = iter(printed.splitlines())
    for line in wanted.splitlines():
        pattern = re.compile(".*".join(re.escape(part) for part in line.rstrip().split("…")))
        assert any(pattern.fullmatch(each.rstrip()) for each in lines), f"expected {line!r} in:\n{printed}"


class Shell:
    """One bash in which block after block runs; variables and functions stay."""

    def __init__(self, world: World, node: Node):
        self.home = node.home / f"shell-{uuid.uuid4()}"
        self.home.mkdir()
        self.node = node
        self.environment = environment(world, node, self.home)
        self.errors = open(self.home / "errors", "wb+")
        self.bash = self.start(stdout=subprocess.PIPE)
        self.timer = threading.Timer(PATIENCE_SECONDS * 3, self.bash.kill)
        self.timer.start()
        self.listener: subprocess.Popen | None = None

    def start(self, **streams) -> subprocess.Popen:
        return subprocess.Popen(
            ["bash", "-o", "pipefail"], cwd=self.home, env=self.environment, text=True,
            stdin=subprocess.PIPE, stderr=self.errors, **streams,
        )

    def run(self, text: str) -> str:
        """What a block prints; it must end well."""
        mark = str(uuid.uuid4())
        self.bash.stdin.write(f"{{\n{here(text, self.node)}\n}} </dev/null\necho; echo {mark} $?\n")
        self.bash.stdin.flush()
        printed = []
        for line in self.bash.stdout:
            if line.startswith(mark):
                assert line.split()[1] == "0", f"ended with {line.split()[1]}: {text}{self.said()}"
                return "".join(printed)
            printed.append(line)
        raise AssertionError(f"bash ended: {text}{self.said()}")

    def listen(self, text: str, session: str) -> None:
        """Starts a block that goes on; returns when it subscribed. Its assignments count here too."""
        *assignments, _ = text.rstrip("\n").replace("\\\n", "").splitlines()
        self.run("\n".join(assignments))
        self.listener = self.start(stdout=open(self.home / "heard", "wb"))
        self.listener.stdin.write(here(text, self.node))
        # The block's own `cat` reads on from here.
        self.listener.stdin.flush()
        token = web.sign_in(self.node, "testuser", session)["token"]
        with wire.dial(self.node, token) as line:
            while True:
                line.send("presence:StatusEvent")
                if wire.frame(line)["clients"]:
                    return
                # Asked again after a while without news.
                with contextlib.suppress(TimeoutError):
                    raise AssertionError(line.recv(timeout=0.1))

    def heard(self) -> str:
        """What the block that goes on printed until its input ended."""
        self.listener.stdin.close()
        self.listener.wait(timeout=PATIENCE_SECONDS)
        return (self.home / "heard").read_text()

    def said(self) -> str:
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")[-800:]

    def stop(self) -> None:
        self.timer.cancel()
        for process in filter(None, (self.bash, self.listener)):
            process.kill()
            process.wait()
        self.errors.close()


def here(text: str, node: Node) -> str:
    """The block with the test's server in place of the documented ones."""
    return PORTS.sub(f"localhost:{node.port}", text)


def environment(world: World, node: Node, home: pathlib.Path) -> dict[str, str]:
    """With `conclave` and `conclave-client` as they are when installed."""
    programs = home / "programs"
    programs.mkdir()
    serve = f'[ "$1" = serve ] && set -- "$@" --listen "127.0.0.1:${{PORT:-{free_port()}}}"\n'
    for name, script in (
        ("conclave", f'{serve}exec "{world.program}" "$@" --data-dir "{home}/data"\n'),
        ("conclave-client", f'exec "{python_client.COMMAND[0]}" -m conclave_client "$@"\n'),
    ):
        (programs / name).write_text(f"#!/bin/bash\n{script}")
        (programs / name).chmod(0o755)
    made = world.environment() | {"PYTHONPATH": str(python_client.SOURCES)}
    return made | {"PATH": f"{programs}{os.pathsep}{made['PATH']}"}


def execute(world: World, page: list[Block]) -> None:
    """Runs the `sh` blocks one after the other, and compares what they print."""
    node = world.start()
    shell = Shell(world, node)
    printed = None
    try:
        for block in page:
            if block.language in ("sh", "bash") and block.mark == "first shell":
                shell.listen(block.text, "my-session")
            elif block.language in ("sh", "bash"):
                printed = shell.run(block.text)
            elif block.mark == "heard":
                printed_as(block.text, shell.heard())
            elif block.language in ("json", "text"):
                assert printed is not None, f"nothing was printed before {block.text}"
                printed_as(block.text, printed)
    finally:
        shell.stop()


def case_the_lines_for_websocat_print_what_the_page_says(world: World) -> None:
    execute(world, blocks("docs/websocat.md"))


def case_the_lines_for_the_test_token_print_what_the_page_says(world: World) -> None:
    execute(world, blocks("docs/test-token.md"))


def case_a_test_token_of_ones_own_is_served(world: World) -> None:
    page = blocks("docs/test-token.md", "A test token of one's own")
    (served,) = (block for block in page if block.language == "console")
    first = next(block for block in page if block.language == "sh")
    node = world.start()
    shell = Shell(world, node)
    port = free_port()
    log = shell.home / "server.log"
    try:
        shell.run(first.text)
        command = served.text.removeprefix("$ ").strip()
        shell.run(f"export PORT={port}\n{command} >'{log}' 2>&1 & server=$!")
        shell.run(f"until curl -sf localhost:{port}/health/ready; do kill -0 $server; done")
        given = web.call("GET", f"http://localhost:{port}/test-token").json()["test_token"]
        me = web.call("GET", f"http://localhost:{port}/auth/me", headers=web.bearer(given)).json()
        assert me["user_id"] == "admin", me
        shell.run("kill $server; wait $server")
    finally:
        shell.stop()


def case_the_readme_does_what_it_says(world: World) -> None:
    execute(world, blocks("README.md", "Try it", "One room, any client"))


def case_the_python_lines_of_the_readme_hear_a_topic(world: World) -> None:
    (block,) = (each for each in blocks("README.md", "Try it") if each.language == "python")
    token = web.sign_in(world.node, "testuser", "my-session")["token"]
    names: dict = {}
    exec(compile(here(block.text, world.node), "README.md", "exec"), names)  # noqa: S102

    async def heard() -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            running = asyncio.create_task(names["main"](token))
            await asyncio.to_thread(publish_until, world.node, token, lambda: bool(out.getvalue()))
            running.cancel()
        return out.getvalue()

    assert "'payload': 'Status updated'" in asyncio.run(heard())


def publish_until(node: Node, token: str, heard) -> None:
    """Publishes again and again, since nobody says when the page's client has subscribed."""
    with wire.dial(node, token, query="ack=1") as line:
        for _ in range(100):
            line.send('publish-json:{"topic":"StatusEvent","payload":"Status updated"}')
            wire.frame(line)
            with contextlib.suppress(TimeoutError):
                line.recv(timeout=0.1)
            if heard():
                return
    raise AssertionError("the page's client heard nothing")


def case_the_python_package_does_what_its_page_says(world: World) -> None:
    execute(world, blocks("clients/python/README.md", "The command line"))
    page = blocks("clients/python/README.md", "A room", "A topic")
    room, topic = (block.text for block in page if block.language == "python")
    opening = room.partition("async def")[0]
    printed = python(world, room)
    printed_as("stored as … at …\nuser Hello", printed)
    printed = python(world, f"{opening}{topic}asyncio.run(main())\n")
    assert "payload={'all': 'is well'}" in printed, printed


def python(world: World, text: str) -> str:
    done = subprocess.run(
        [python_client.COMMAND[0], "-c", here(text, world.node)],
        env=python_client.environment(world, world.node),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def case_the_page_of_the_five_documents_names_tests_that_exist(world: World) -> None:
    """`module: name …` or `003 name …` in the tables of docs/seeds.md begins a case of that module."""
    here_ = pathlib.Path(__file__).parent
    cases = {
        (file.stem, found[1].replace("_", " "))
        for file in here_.glob("*.py")
        for found in re.finditer(r"^def case_(\w+)\(", file.read_text(), re.MULTILINE)
    }
    rows = [line for line in (REPOSITORY / "docs/seeds.md").read_text().splitlines() if line.startswith("|")]
    named = [
        (found[1] or "seed_snippets", found[2].rstrip(" …"))
        for row in rows
        for found in re.finditer(r"`(?:([a-z_]+): )?((?:00\d [a-z]|[a-z]+ )[^`]*|…)`", row.rpartition(" | ")[2])
        if found[1] or found[2].startswith("00")
    ]
    assert len(named) > 40, named
    script = (REPOSITORY / "clients/js/tests/seeds.test.ts").read_text()
    for found in re.finditer(r"`clients/js`: `([^`]+)`", "\n".join(rows)):
        assert f'test("{found[1].rstrip(" …")}' in script, found[1]
    for module, name in named:
        assert any(file == module and case.startswith(name) for file, case in cases), (module, name)
