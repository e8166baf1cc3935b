"""Runs the end-to-end cases: real clients against real `conclave serve --dev` processes.

    python3 tests/clients/run.py --conclave target/debug/conclave [WORD ...]

A case is a function named `case_…` of one of the modules below; WORDs select those whose name holds
one of them. Two modules run at a time, each in a process of its own with servers of its own: most of
the time a case waits. Prints a line per case; exit code 1 if one failed.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import multiprocessing
import os
import pathlib
import sys
import tempfile
import time
import traceback

import broadcasting
import browser
import clerk
import crashes
import documents
import gateway
import hostile
import kills
import one_room
import outage
import polling
import publishing
import python_client
import recovering
import refusals
import revoking
import rust_client
import seed_snippets
import services
import signing_in
from world import World

# What takes longest comes first, so that nothing has to wait for it alone.
MODULES = [
    outage,
    python_client,
    gateway,
    recovering,
    signing_in,
    broadcasting,
    publishing,
    refusals,
    browser,
    clerk,
    crashes,
    one_room,
    services,
    polling,
    revoking,
    hostile,
    kills,
    rust_client,
    documents,
    seed_snippets,
]


def main() -> int:
    parser = argparse.ArgumentParser(description="end-to-end tests of Conclave")
    parser.add_argument("--conclave", required=True, help="the server's program")
    parser.add_argument("--lanes", type=int, default=2, help="how many modules run at a time")
    parser.add_argument("words", nargs="*", help="run only cases whose name holds one of these")
    options = parser.parse_args()
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    program = str(pathlib.Path(options.conclave).absolute())
    # A fresh process per module: none sees what another left behind.
    with concurrent.futures.ProcessPoolExecutor(
        options.lanes, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
    ) as lanes:
        running = [lanes.submit(run_module, each.__name__, program, options.words) for each in MODULES]
        results = [passed for module in running for passed in module.result()]
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if results and all(results) else 1


def run_module(name: str, program: str, words: list[str]) -> list[bool]:
    """Runs the selected cases of a module in the order they stand in it."""
    module = sys.modules[name]
    cases = [
        (f"{module.__name__}: {name.removeprefix('case_').replace('_', ' ')}", case)
        for name, case in vars(module).items()
        if name.startswith("case_")
    ]
    chosen = [(name, case) for name, case in cases if not words or any(w in name for w in words)]
    if not chosen:
        return []
    with tempfile.TemporaryDirectory(prefix="conclave-clients-") as home:
        world = World(program, pathlib.Path(home))
        try:
            return [run_case(name, case, world) for name, case in chosen]
        finally:
            world.stop()


def run_case(name: str, case, world: World) -> bool:
    began = time.monotonic()
    try:
        case(world)
    except Exception:
        print(f"FAILED {name}\n{traceback.format_exc(limit=-3)}{world.logs()}", flush=True)
        return False
    print(f"ok     {name} ({time.monotonic() - began:.1f} s)", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
