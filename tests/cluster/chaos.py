"""Faults under load, each with what is promised, on a cluster of three nodes.

    python3 tests/cluster/chaos.py --conclave target/release/conclave [--quick] [--seed N] [WORD ...]

Clients of all dialects write and listen all the time, and send again under the same client id
what has no ack. In the end every acked message must be in its room exactly once, where its ack
said, and every listener must have heard all of them in order. WORDs select faults by name. Prints
a table; exit code 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import random
import sys
import tempfile
import time
import traceback

from cluster import Cluster
from faults import FAULTS, Fault
from process import NotReady, end_in_order
from stage import SETTINGS, SETTINGS_QUICK, Stage, Whole

MESSAGES, MESSAGES_QUICK = 100_000, 3_000
ROUNDS, ROUNDS_QUICK = 2, 1
RATE, RATE_QUICK = 280, 150
REST_SECONDS_MAX = 900


@dataclasses.dataclass(frozen=True)
class Outcome:
    fault: Fault
    result: str
    whole: Whole | None
    seconds: float
    broken: bool


def main() -> int:
    parser = argparse.ArgumentParser(description="faults under load")
    parser.add_argument("--conclave", required=True, help="the server's program")
    parser.add_argument("--quick", action="store_true", help="most faults, once and shortly")
    parser.add_argument("--messages", type=int, help="how many are sent at least")
    parser.add_argument("--rounds", type=int, help="how often each fault is played")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("words", nargs="*", help="only faults whose name holds one of these")
    options = parser.parse_args()
    end_in_order()
    print(f"seed {options.seed}", flush=True)
    program = str(pathlib.Path(options.conclave).absolute())
    with tempfile.TemporaryDirectory(prefix="conclave-chaos-") as home:
        settings = SETTINGS | (SETTINGS_QUICK if options.quick else {})
        # A build without optimisation takes most of a second for SCRAM.
        proof = "md5" if options.quick else "scram-sha-256"
        cluster = Cluster(program, pathlib.Path(home), settings, proof)
        # One whose clock can be wrong.
        cluster.nodes[-1].set_clock_by_file()
        try:
            cluster.start()
            return run(cluster, options)
        except KeyboardInterrupt:
            return 1
        except (NotReady, AssertionError) as reason:
            print(f"FAILED: {reason}\n{cluster.logs()}", file=sys.stderr)
            return 1
        finally:
            cluster.stop()


def run(cluster: Cluster, options: argparse.Namespace) -> int:
    dice = random.Random(options.seed)
    stage = Stage(cluster, dice, RATE_QUICK if options.quick else RATE, options.quick)
    began = time.monotonic()
    try:
        stage.begin()
        outcomes = play_all(stage, chosen(options, dice))
        print_table(outcomes)
        if outcomes[-1].whole is None:
            # What has no ack now gets none, and there is nothing to judge.
            print(cluster.logs(), file=sys.stderr)
            return 1
        wanted = options.messages or (MESSAGES_QUICK if options.quick else MESSAGES)
        stage.writing.say("hurry")
        stage.ledger.wait(lambda: stage.ledger.sums["ack"] >= wanted, REST_SECONDS_MAX, "all are acked")
        stage.end()
    finally:
        stage.kill()
    wrong = stage.judge()
    return verdict(stage, outcomes, wrong, time.monotonic() - began)


def chosen(options: argparse.Namespace, dice: random.Random) -> list[Fault]:
    """Each round in an order of its own."""
    if options.words:
        wanted = [fault for fault in FAULTS if any(word in fault.name for word in options.words)]
        assert wanted, f"no fault's name holds one of {options.words}"
    else:
        wanted = [fault for fault in FAULTS if fault.quick or not options.quick]
    rounds = options.rounds or (ROUNDS_QUICK if options.quick else ROUNDS)
    return [fault for _ in range(rounds) for fault in dice.sample(wanted, len(wanted))]


def play_all(stage: Stage, faults: list[Fault]) -> list[Outcome]:
    outcomes = []
    for number, fault in enumerate(faults, 1):
        outcome = play(stage, fault)
        outcomes.append(outcome)
        mark = "FAILED" if outcome.broken else "ok"
        whole = outcome.whole
        after = f"whole after {whole.seconds:.1f} s ({whole.longest})" if whole else "never whole again"
        line = f"{mark:6} {number}/{len(faults)} {outcome.seconds:4.1f} s {fault.name}: {outcome.result}"
        print(f"{line}; {after}", flush=True)
        if outcome.whole is None:
            break
    return outcomes


def play(stage: Stage, fault: Fault) -> Outcome:
    began = time.monotonic()
    whole, broken = None, False
    try:
        result = fault.play(stage) or "as promised"
    except Exception as error:
        broken, result = True, str(error) or type(error).__name__
        # What was waited for did not come, or is not as promised.
        if not isinstance(error, (AssertionError, NotReady, TimeoutError)):
            traceback.print_exc()
    try:
        whole = stage.until_whole()
    except (AssertionError, NotReady) as error:
        broken, result = True, f"{result}; {error}"
    return Outcome(fault, result, whole, time.monotonic() - began, broken)


def print_table(outcomes: list[Outcome]) -> None:
    print("\n| fault | promise | result | whole again |\n| --- | --- | --- | ---: |")
    for outcome in outcomes:
        whole = f"{outcome.whole.seconds:.1f} s" if outcome.whole else "never"
        mark = "BROKEN: " if outcome.broken else ""
        result = (mark + outcome.result).replace("|", "/").replace("\n", " ")[:300]
        print(f"| {outcome.fault.name} | {outcome.fault.promise} | {result} | {whole} |")


def verdict(stage: Stage, outcomes: list[Outcome], wrong: list[str], seconds: float) -> int:
    sums = stage.ledger.sums
    broken = sum(outcome.broken for outcome in outcomes)
    print(
        f"\n{len(outcomes)} faults in {seconds:.0f} s; {stage.ledger.total} messages acked of"
        f" {len(stage.writers)} writers, heard {sums['heard']} times by {len(stage.hearers)} listeners"
        f" that came {sums['open']} times; {len(stage.ledger.refusals)} refusals;"
        f" {sums['tick']} ticks of topics, {sums['ticks missed']} missed and shown"
    )
    for each in wrong[:20]:
        print(f"WRONG  {each}")
    print(f"{len(wrong)} lost, twice, reordered or unheard; {broken} promises broken")
    return 1 if wrong or broken else 0


if __name__ == "__main__":
    sys.exit(main())
