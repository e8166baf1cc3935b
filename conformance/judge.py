"""Judges an Autobahn fuzzing report: which cases passed, which did not, which never ran.

A report is the suite's `index.json`: agent -> case id -> outcome. Two of its fields count, `behavior`
(what the server did with the frames) and `behaviorClose` (how the connection ended).
"""

from __future__ import annotations

import dataclasses
import fnmatch

# The cases that `make conformance` runs: 1 to 10, of which the suite has no 8, then two of compression.
CASES = [f"{section}.*" for section in (1, 2, 3, 4, 5, 6, 7, 9, 10)] + ["12.1.*", "13.1.*"]

# How many cases those are in suite 25.10.1; fewer mean that a run broke off.
CASES_TOTAL = 337

# Verdicts accepted beside OK, and where. 6.4 asks how early invalid UTF-8 is noticed, which RFC 6455
# leaves open; 7.1.6 and 7.13 only report what a peer does where the RFC allows several answers.
TOLERATED = {
    "NON-STRICT": ["6.4.*"],
    "INFORMATIONAL": ["7.1.6", "7.13.*"],
}


@dataclasses.dataclass(frozen=True)
class Failure:
    """One case that did not pass; `why` is a few words for a person."""

    case: str
    why: str


def accepted(case: str, verdict: str) -> bool:
    """Whether `verdict` (the suite's word) lets the case numbered `case` pass."""
    patterns = TOLERATED.get(verdict, [])
    return verdict == "OK" or any(fnmatch.fnmatchcase(case, pattern) for pattern in patterns)


def judge(outcomes: dict[str, dict], cases: list[str]) -> list[Failure]:
    """The failures in one agent's `outcomes`; what `cases` asked for and did not run is one too."""
    failures = []
    for case in sorted(outcomes, key=case_order):
        for field in ("behavior", "behaviorClose"):
            verdict = outcomes[case].get(field, "absent")
            if not accepted(case, verdict):
                failures.append(Failure(case, f"{field} is {verdict}"))
                break
    for pattern in cases:
        if not any(fnmatch.fnmatchcase(case, pattern) for case in outcomes):
            failures.append(Failure(pattern, "no such case ran"))
    if cases == CASES and len(outcomes) < CASES_TOTAL:
        failures.append(Failure("all", f"only {len(outcomes)} of {CASES_TOTAL} cases ran"))
    return failures


def case_order(case: str) -> list[int]:
    """Sorts `2.10` after `2.9`."""
    return [int(part) for part in case.split(".")]


def summary(outcomes: dict[str, dict], failures: list[Failure]) -> str:
    """The report for a person: one line per failure, then the totals."""
    lines = [f"{failure.case}: {failure.why}" for failure in failures]
    return "\n".join([*lines, f"{len(outcomes)} cases, {len(failures)} failures"])
