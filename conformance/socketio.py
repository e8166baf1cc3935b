"""Runs the Socket.IO project's own protocol suites against `conclave serve --conformance`.

    python3 conformance/socketio.py --conclave target/release/conclave --suites .tools/socketio

SUITES holds `engine.io-protocol` and `socket.io-protocol` as `.ci/install socketio` puts them there.
Exit code 0 if every case passed, 1 if one did not, 2 if a suite could not be run.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from run import Unrunnable, server

SUITE_SECONDS_MAX = 180

# The suites leave a server, and their own requests, 5 ms here and there: on a busy machine a run
# can fail for that. One whole run has to pass.
TRIES = 3

# The one address that the suites know; they are run from a copy that has the server's.
ADDRESS = re.compile(r'^const URL = "http://localhost:3000";$', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Suite:
    """One of the project's suites, and how many cases it has."""

    name: str
    cases: int


# Of the tag that `.ci/install` pins; fewer mean that a run broke off.
SUITES = [Suite("engine.io-protocol", 25), Suite("socket.io-protocol", 32)]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What mocha reported: the titles of the cases that passed, and why the others did not."""

    passed: list[str]
    failed: dict[str, str]


def main() -> int:
    parser = argparse.ArgumentParser(description="Socket.IO's protocol suites against Conclave")
    parser.add_argument("--conclave", required=True, help="the server's program")
    parser.add_argument("--suites", required=True, type=pathlib.Path, help="where the suites lie")
    parser.add_argument("--grep", help="only cases whose title holds this, in which case none may miss")
    options = parser.parse_args()
    well = True
    with tempfile.TemporaryDirectory(prefix="conclave-socketio-") as folder:
        home = pathlib.Path(folder)
        try:
            with server(options.conclave, home) as echo:
                url = echo.replace("ws://", "http://").removesuffix("/echo")
                for suite in SUITES:
                    well = passes(suite, options, home, url) and well
        except Unrunnable as reason:
            print(f"error: {reason}", file=sys.stderr)
            return 2
    return 0 if well else 1


def passes(suite: Suite, options: argparse.Namespace, home: pathlib.Path, url: str) -> bool:
    """Whether one of `TRIES` runs passed whole; each is reported."""
    for number in range(TRIES):
        folder = home / f"{suite.name}-{number}"
        outcome = run(options.suites / suite.name, folder, url, options.grep)
        faults = judge(suite, outcome, whole=options.grep is None)
        print(summary(suite, outcome, faults), flush=True)
        if not faults:
            return True
    return False


def run(suite: pathlib.Path, home: pathlib.Path, url: str, grep: str | None) -> Outcome:
    """Runs a copy of the suite that knows the server's address."""
    home.mkdir()
    try:
        text = (suite / "test-suite.js").read_text()
        for name in ("node-imports.js", "package.json"):
            shutil.copy(suite / name, home)
        (home / "node_modules").symlink_to((suite / "node_modules").absolute())
    except OSError as error:
        raise Unrunnable(f"the suite is not in place: {error}") from error
    text, places = ADDRESS.subn(f'const URL = "{url}";', text)
    if places != 1:
        raise Unrunnable(f"{suite.name} does not say its address where it used to")
    (home / "test-suite.js").write_text(text)
    command = ["node", "node_modules/mocha/bin/mocha", "--exit", "--reporter", "json"]
    command += ["--reporter-option", "output=report.json", "test-suite.js"]
    command += ["--grep", grep] if grep else []
    try:
        done = subprocess.run(
            command,
            cwd=home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SUITE_SECONDS_MAX,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unrunnable(f"{suite.name}: {error}") from error
    report = home / "report.json"
    if not report.exists():
        raise Unrunnable(f"{suite.name} left no report:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return outcome_of(json.loads(report.read_text()))


def outcome_of(report: dict) -> Outcome:
    """Reads mocha's report."""
    return Outcome(
        passed=[case["fullTitle"] for case in report["passes"]],
        failed={
            case["fullTitle"]: case.get("err", {}).get("message", "it was not run")
            for case in report["failures"] + report["pending"]
        },
    )


def judge(suite: Suite, outcome: Outcome, *, whole: bool) -> list[str]:
    """What is wrong, a line each; a case that a `whole` run lacks is wrong too."""
    faults = [f"{title}: {why}" for title, why in outcome.failed.items()]
    ran = len(outcome.passed) + len(outcome.failed)
    if ran == 0 or whole and ran != suite.cases:
        faults.append(f"{ran} cases ran, {suite.cases} were expected")
    return faults


def summary(suite: Suite, outcome: Outcome, faults: list[str]) -> str:
    lines = [f"{suite.name}: {fault}" for fault in faults]
    return "\n".join([*lines, f"{suite.name}: {len(outcome.passed)} of {suite.cases} passed"])


if __name__ == "__main__":
    sys.exit(main())
