"""What a fault is, and the list of all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from process import until
from stage import Stage

# Much longer than it takes on a machine that does nothing else.
NOTICED_SECONDS_MAX = 20


@dataclasses.dataclass(frozen=True)
class Fault:
    """`play` brings it about, checks the promise and takes it away; it may tell a figure."""

    name: str
    promise: str
    play: Callable[[Stage], str | None]
    # What takes long by its nature, and has a test elsewhere, is no part of a quick run.
    quick: bool


FAULTS: list[Fault] = []


def fault(name: str, promise: str, quick: bool = True):
    def add(play):
        FAULTS.append(Fault(name, promise, play, quick))
        return play

    return add


def until_degraded(stage: Stage) -> None:
    """Until every node says that it is without Redis."""
    for node in stage.nodes:
        said = lambda node=node: node.health() == "degraded"  # noqa: E731
        until(said, NOTICED_SECONDS_MAX, f"{node.name} says that it is degraded")
