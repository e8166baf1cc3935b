"""Runs the Autobahn suite against `conclave serve --conformance` and judges what it reports.

    python3 conformance/run.py --conclave target/release/conclave --wstest .tools/autobahn/venv/bin/wstest

Exit code 0 if every case passed, 1 if one did not, 2 if the suite could not be run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

from judge import CASES, judge, summary

START_SECONDS_MAX = 20
SUITE_SECONDS_MAX = 900
AGENT = "conclave"


class Unrunnable(Exception):
    """The suite gave no report to judge; the text says why."""


def main() -> int:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="conclave-conformance-") as folder:
        home = pathlib.Path(folder)
        try:
            outcomes = outcomes_of(options, home)
        except Unrunnable as reason:
            print(f"error: {reason}", file=sys.stderr)
            return 2
    failures = judge(outcomes, options.cases)
    print(summary(outcomes, failures))
    return 1 if failures else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Autobahn against Conclave's echo endpoint")
    parser.add_argument("--wstest", required=True, help="the suite's program")
    parser.add_argument("--conclave", help="the server's program; it is started on a free port")
    parser.add_argument("--url", help="judge a server that is already running instead")
    parser.add_argument("--cases", nargs="+", default=CASES, help="case patterns, e.g. 1.* 9.3.1")
    options = parser.parse_args()
    if bool(options.conclave) == bool(options.url):
        parser.error("give either --conclave or --url")
    return options


def outcomes_of(options: argparse.Namespace, home: pathlib.Path) -> dict[str, dict]:
    """Starts what has to be started, runs the suite, returns case id -> outcome."""
    if options.url:
        return run_suite(options, options.url, home)
    with server(options.conclave, home) as url:
        return run_suite(options, url, home)


@contextlib.contextmanager
def server(program: str, home: pathlib.Path):
    """A server in conformance mode for the time of the block; yields the URL of its echo."""
    port = free_port()
    command = [str(pathlib.Path(program).absolute()), "serve", "--conformance", "--listen", f"127.0.0.1:{port}"]
    command += ["--data-dir", str(home / "data")]
    log_path = home / "server.log"
    with open(log_path, "wb") as log:
        process = subprocess.Popen(
            command, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        wait_for_port(process, port, log_path)
        yield f"ws://127.0.0.1:{port}/echo"
        if process.poll() is not None:
            raise Unrunnable(f"the server died during the suite:\n{tail(log_path)}")
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(process: subprocess.Popen, port: int, log_path: pathlib.Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = process.wait(timeout=0.05)
            raise Unrunnable(f"the server ended with {code}:\n{tail(log_path)}")
    raise Unrunnable(f"no server on port {port} after {START_SECONDS_MAX} s:\n{tail(log_path)}")


def run_suite(options: argparse.Namespace, url: str, home: pathlib.Path) -> dict[str, dict]:
    """Runs the suite's client to its end and reads its report."""
    reports = home / "reports"
    plan = {
        "outdir": str(reports),
        "servers": [{"agent": AGENT, "url": url}],
        "cases": options.cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    plan_path = home / "plan.json"
    plan_path.write_text(json.dumps(plan))
    log_path = home / "suite.log"
    program = pathlib.Path(options.wstest).absolute()
    command = [str(program), "--mode", "fuzzingclient", "--spec", str(plan_path)]
    try:
        with open(log_path, "wb") as log:
            subprocess.run(
                command,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=SUITE_SECONDS_MAX,
                check=True,
            )
        report = json.loads((reports / "index.json").read_text())
        return report[AGENT]
    except subprocess.TimeoutExpired:
        raise Unrunnable(f"the suite did not end within {SUITE_SECONDS_MAX} s") from None
    except (OSError, KeyError, ValueError, subprocess.CalledProcessError) as error:
        raise Unrunnable(f"the suite left no report ({error!r}):\n{tail(log_path)}") from error


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tail(path: pathlib.Path) -> str:
    """The last lines of a log, as far as there is one."""
    with contextlib.suppress(OSError):
        return "\n".join(path.read_text(errors="replace").splitlines()[-20:])
    return ""


if __name__ == "__main__":
    sys.exit(main())
