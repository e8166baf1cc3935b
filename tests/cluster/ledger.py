"""What the clients told, while it happens, and the judgement of it at the end."""

from __future__ import annotations

import collections
import dataclasses
import json
import threading


@dataclasses.dataclass(frozen=True)
class Ack:
    """Times are of the machine's monotonic clock, the same for all processes."""

    user: str
    number: int
    id: str
    seq: int
    sent: float
    acked: float


class Ledger:
    """Takes lines of report.py from several processes."""

    def __init__(self):
        self.news = threading.Condition()
        self.acks: dict[str, dict[tuple[str, int], Ack]] = collections.defaultdict(dict)
        self.heard: dict[str, list[tuple[int, str, str, str]]] = collections.defaultdict(list)
        self.room_of: dict[str, str] = {}
        # Client -> when, and what, of the newest of each.
        self.newest: dict[tuple[str, str], tuple[float, tuple]] = {}
        self.gone: list[tuple[float, str, str]] = []
        self.refusals: list[tuple[float, str, str]] = []
        self.faults: list[str] = []
        self.sums: collections.Counter[str] = collections.Counter()

    def read(self, lines) -> None:
        """Takes all lines; returns at their end."""
        for line in lines:
            kind, at, *values = json.loads(line)
            with self.news:
                self.sums[kind] += 1
                getattr(self, f"take_{kind}")(at, *values)
                self.news.notify_all()

    def take_ack(self, at: float, user: str, room: str, number: int, id: str, seq: int, sent) -> None:
        before = self.acks[room].get((user, number))
        if before is None:
            self.acks[room][user, number] = Ack(user, number, id, seq, sent, at)
            newest = self.newest.get(("ack", user))
            if newest is None or newest[1][0] < sent:
                self.newest["ack", user] = (at, (sent, seq))
        elif (before.id, before.seq) != (id, seq):
            self.faults.append(f"{user}-{number} was acked as {before} and as {(id, seq)}")

    def take_heard(self, at: float, name: str, room: str, seq: int, id: str, content: str, user: str):
        self.room_of[name] = room
        self.heard[name].append((seq, id, content, user))

    def take_refused(self, at: float, user: str, number: int, code: str) -> None:
        self.refusals.append((at, user, code))

    def take_gone(self, at: float, name: str, port: int, why: str) -> None:
        self.gone.append((at, name, why))

    def take_fault(self, at: float, text: str) -> None:
        self.faults.append(text)

    def take_open(self, at: float, name: str, port: int) -> None:
        self.newest["open", name] = (at, (port,))

    def take_tick(self, at: float, name: str, run: int, number: int) -> None:
        self.newest["tick", name] = (at, (run, number))

    def take_ticked(self, at: float, name: str, run: int, number: int) -> None:
        self.newest["ticked", name] = (at, (run, number))

    def take_missed(self, at: float, name: str, count: int) -> None:
        self.sums["ticks missed"] += count

    def take_resync(self, at: float, name: str, seq: int) -> None:
        pass

    @property
    def total(self) -> int:
        with self.news:
            return sum(len(acks) for acks in self.acks.values())

    def wait(self, holds, seconds: float, what: str) -> None:
        """Until something holds, looked at whenever there is news."""
        with self.news:
            assert self.news.wait_for(holds, seconds), f"not within {seconds:.0f} s: {what}"

    def acked_since(self, moment: float, users: list[str]) -> bool:
        """Whether each of them has an ack of something sent after the moment."""
        newest = (self.newest.get(("ack", user)) for user in users)
        return all(each is not None and each[1][0] > moment for each in newest)

    def sent_and_acked_between(self, begin: float, end: float) -> list[Ack]:
        with self.news:
            all_acks = [ack for acks in self.acks.values() for ack in acks.values()]
        return [ack for ack in all_acks if begin < ack.sent and ack.acked < end]

    def last_acked(self) -> dict[str, int]:
        with self.news:
            return {room: max(a.seq for a in acks.values()) for room, acks in self.acks.items() if acks}

    def is_heard(self, last: dict[str, int], listeners: dict[str, str]) -> bool:
        """Whether each listener has its room up to that number. `listeners`: name -> room."""
        return all(
            self.heard[name] and self.heard[name][-1][0] >= last.get(room, 0)
            for name, room in listeners.items()
        )

    def ticked_since(self, moment: float, watchers: list[str]) -> bool:
        newest = (self.newest.get(("ticked", name)) for name in watchers)
        return all(each is not None and each[0] > moment for each in newest)

    def gone_between(self, begin: float, end: float, names) -> list[str]:
        with self.news:
            return [
                f"{name}: {why}" for at, name, why in self.gone if begin < at < end and name in names
            ]

    def judge(self, room: str, stored: list[dict], listeners: dict[str, str]) -> list[str]:
        """What is wrong with a room, given its whole history, oldest first."""
        acks = self.acks[room]
        wrong: list[str] = []
        # Number 1 is the room's creation; nothing but messages came after it.
        if [each["seq"] for each in stored] != list(range(2, 2 + len(stored))):
            wrong.append(f"{room}: the numbers have gaps, or are not in order")
        ids = {each["id"] for each in stored}
        names = {(each["userId"], each["content"]) for each in stored}
        if len(ids) != len(stored) or len(names) != len(stored):
            wrong.append(f"{room}: {len(stored)} are stored, of {len(names)} messages: twice")
        by_name = {each["content"]: each for each in stored}
        for ack in acks.values():
            each = by_name.get(f"{ack.user}-{ack.number}")
            if each is None:
                wrong.append(f"{room}: lost: {ack}")
            elif (each["id"], each["seq"], each["userId"]) != (ack.id, ack.seq, ack.user):
                wrong.append(f"{room}: acked as {ack}, stored as {each}")
        if len(acks) != len(stored):
            wrong.append(f"{room}: {len(acks)} were acked, {len(stored)} are stored")
        wrong += self.overtaken(room)
        kept = [(each["seq"], each["id"], each["content"], each["userId"]) for each in stored]
        for name in (name for name, of in listeners.items() if of == room):
            if self.heard[name] != kept:
                wrong.append(f"{name} heard {len(self.heard[name])} of {len(kept)}, or others")
        return wrong

    def overtaken(self, room: str) -> list[str]:
        """What was acked before another was sent must have the lower number."""
        earliest, wrong = None, []
        for ack in sorted(self.acks[room].values(), key=lambda ack: -ack.seq):
            if earliest is not None and earliest.acked < ack.sent:
                wrong.append(f"{room}: {earliest} was acked before {ack} was sent")
            if earliest is None or ack.acked < earliest.acked:
                earliest = ack
        return wrong
