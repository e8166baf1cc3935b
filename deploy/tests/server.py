"""What the server itself says: its metrics, its configuration's keys, its opinion of a file."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import socket
import subprocess
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SECONDS_MAX = 60


def program() -> str:
    """The server's program: that of the variable CONCLAVE_PROGRAM, else the debug build."""
    given = os.environ.get("CONCLAVE_PROGRAM", "target/debug/conclave")
    return str(pathlib.Path(given).absolute())


def environment(**more: str) -> dict[str, str]:
    """Settings of whoever runs the tests must not reach the server."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("CONCLAVE_", "JWT_"))}
    return own | more


def check(config: str, folder: pathlib.Path) -> subprocess.CompletedProcess:
    """What `conclave config check` says of a text; the files of secrets it names are made."""
    secret = folder / "secret"
    secret.write_text("a secret of these tests, long enough for a key\n")
    text = re.sub(r'(?m)^(secret_file = ).*$', rf'\1"{secret}"', config)
    file = folder / "conclave.toml"
    file.write_text(text)
    command = [program(), "config", "check", "--config", str(file)]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)


def keys() -> set[str]:
    """`section.key` of every key that can be configured."""
    document = (ROOT / "docs/config.md").read_text()
    found, section = set(), ""
    for line in document.splitlines():
        if heading := re.match(r"## `\[+([a-z._]+)\]+`", line):
            section = heading[1]
        elif row := re.match(r"\| `([a-z_]+)` \|", line):
            found.add(f"{section}.{row[1]}")
    return found


def metrics(folder: pathlib.Path) -> set[str]:
    """Names of all that a server with a bus, a webhook, a chain and an assistant exposes, as Prometheus stores them."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = environment(
        CONCLAVE_AUTH__SECRET="a secret of these tests, long enough for a key",
        # Nobody is there: the bus is away, its figures are not.
        CONCLAVE_BUS__URL="redis://127.0.0.1:1",
        CONCLAVE_WEBHOOKS__0__URL="https://webhooks.example.com/",
        CONCLAVE_WEBHOOKS__0__EVENTS="membership",
        CONCLAVE_WEBHOOKS__0__SECRET="a secret of these tests, long enough for a key",
        # As with the bus.
        CONCLAVE_WALLET__ENABLED="true",
        CONCLAVE_WALLET__RPC_URL="ws://127.0.0.1:1",
        CONCLAVE_WALLET__DOMAINS="localhost",
        CONCLAVE_ASSISTANT__ENABLED="true",
        CONCLAVE_ASSISTANT__BASE_URL="http://127.0.0.1:1/v1",
        CONCLAVE_ASSISTANT__MODEL="none",
    )
    command = [program(), "serve", "--dev", f"--listen=127.0.0.1:{port}", f"--data-dir={folder}/data"]
    server = subprocess.Popen(command, env=settings, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_until_it_listens(server)
        text = ask(f"http://127.0.0.1:{port}/metrics")
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=SECONDS_MAX)
    return set(re.findall(r"(?m)^([a-z_]+)[ {]", text)) - {""}


def wait_until_it_listens(server: subprocess.Popen) -> None:
    """Reads what it says until it says so."""
    said = []
    for line in server.stderr:
        said.append(line)
        if "listening" in line:
            return
    raise AssertionError("the server did not start:\n" + "".join(said))


def ask(url: str) -> str:
    """The answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=SECONDS_MAX) as answer:
        return answer.read().decode()
