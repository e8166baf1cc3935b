"""What the judge of the Socket.IO suites must accept, and above all what it must not."""

import unittest

from socketio import Outcome, Suite, judge, outcome_of, summary

SUITE = Suite("suite", 2)


def report(passes=(), failures=(), pending=()) -> dict:
    titled = lambda titles: [{"fullTitle": title} for title in titles]  # noqa: E731
    failed = [{"fullTitle": title, "err": {"message": "no"}} for title in failures]
    return {"passes": titled(passes), "failures": failed, "pending": titled(pending)}


class Judge(unittest.TestCase):
    def faults(self, whole=True, **report_of) -> list[str]:
        return judge(SUITE, outcome_of(report(**report_of)), whole=whole)

    def test_a_whole_run_that_passed_has_no_faults(self):
        self.assertEqual(self.faults(passes=["a", "b"]), [])

    def test_a_failure_is_named_with_its_reason(self):
        self.assertEqual(self.faults(passes=["a"], failures=["b"]), ["b: no"])

    def test_a_case_that_was_skipped_fails(self):
        self.assertEqual(self.faults(passes=["a"], pending=["b"]), ["b: it was not run"])

    def test_a_run_that_broke_off_fails(self):
        self.assertEqual(len(self.faults(passes=["a"])), 1)
        self.assertEqual(len(self.faults()), 1)

    def test_a_suite_that_grew_fails_until_the_count_is_raised(self):
        self.assertEqual(len(self.faults(passes=["a", "b", "c"])), 1)

    def test_a_choice_of_cases_may_be_few_but_not_none(self):
        self.assertEqual(self.faults(whole=False, passes=["a"]), [])
        self.assertEqual(len(self.faults(whole=False)), 1)

    def test_the_summary_counts(self):
        text = summary(SUITE, Outcome(["a"], {"b": "no"}), ["b: no"])
        self.assertEqual(text, "suite: b: no\nsuite: 1 of 2 passed")


if __name__ == "__main__":
    unittest.main()
