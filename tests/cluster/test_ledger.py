"""The judge finds what it is there to find."""

from __future__ import annotations

import json
import unittest

from ledger import Ledger

ROOM, LISTENER = "room", "listener"


def ack(number: int, seq: int, sent: float = 1.0, acked: float = 2.0) -> list:
    return ["ack", acked, "ann", ROOM, number, f"id{number}", seq, sent]


def heard(number: int, seq: int) -> list:
    return ["heard", 3.0, LISTENER, ROOM, seq, f"id{number}", f"ann-{number}", "ann"]


def stored(number: int, seq: int) -> dict:
    return {"id": f"id{number}", "seq": seq, "content": f"ann-{number}", "userId": "ann"}


class JudgeTest(unittest.TestCase):
    """Three messages, and one thing that is not as it should be."""

    def judge(self, lines: list[list], history: list[dict]) -> list[str]:
        ledger = Ledger()
        ledger.read(json.dumps(line) for line in lines)
        return ledger.faults + ledger.judge(ROOM, history, {LISTENER: ROOM})

    def setUp(self) -> None:
        self.acks = [ack(number, number + 2) for number in range(3)]
        self.heard = [heard(number, number + 2) for number in range(3)]
        self.stored = [stored(number, number + 2) for number in range(3)]

    def wrong(self) -> str:
        found = self.judge(self.acks + self.heard, self.stored)
        self.assertTrue(found)
        return "\n".join(found)

    def test_all_is_well(self) -> None:
        self.assertEqual(self.judge(self.acks + self.heard, self.stored), [])

    def test_an_acked_message_that_is_not_stored_is_lost(self) -> None:
        del self.stored[2]
        self.assertIn("lost", self.wrong())

    def test_a_message_that_is_stored_twice(self) -> None:
        self.stored.append(stored(1, 5) | {"id": "another"})
        self.assertIn("twice", self.wrong())

    def test_a_number_that_is_missing(self) -> None:
        self.stored[2]["seq"] = 9
        self.assertIn("gaps", self.wrong())

    def test_a_message_that_stands_elsewhere_than_its_ack_said(self) -> None:
        self.stored[0], self.stored[1] = stored(1, 2), stored(0, 3)
        self.assertIn("acked as", self.wrong())

    def test_two_acks_that_differ(self) -> None:
        self.acks.append(ack(0, 7))
        self.assertIn("was acked as", self.wrong())

    def test_a_message_that_a_listener_did_not_hear(self) -> None:
        del self.heard[1]
        self.assertIn("heard 2 of 3", self.wrong())

    def test_an_order_that_only_a_listener_heard(self) -> None:
        self.heard.reverse()
        self.assertIn("or others", self.wrong())

    def test_a_message_that_was_acked_before_another_was_sent_and_comes_behind_it(self) -> None:
        self.acks[0] = ack(0, 2, sent=5.0, acked=6.0)
        self.acks[1] = ack(1, 3, sent=1.0, acked=2.0)
        self.assertIn("was acked before", self.wrong())


if __name__ == "__main__":
    unittest.main()
