"""What the judge of the conformance report must accept, and above all what it must not."""

import unittest

from judge import CASES, judge, summary


def outcome(behavior: str, close: str = "OK") -> dict:
    return {"behavior": behavior, "behaviorClose": close}


class Judge(unittest.TestCase):
    def failed(self, outcomes: dict) -> list[str]:
        return [failure.case for failure in judge(outcomes, [])]

    def test_ok_passes_everywhere(self):
        self.assertEqual(self.failed({"1.1.1": outcome("OK"), "13.1.18": outcome("OK")}), [])

    def test_non_strict_passes_in_6_4_only(self):
        outcomes = {case: outcome("NON-STRICT") for case in ("6.4.2", "6.40.2", "3.2", "6.3.1")}
        self.assertEqual(self.failed(outcomes), ["3.2", "6.3.1", "6.40.2"])

    def test_informational_passes_in_7_1_6_and_7_13_only(self):
        outcomes = {case: outcome("INFORMATIONAL") for case in ("7.1.6", "7.13.1", "7.1.5", "7.1.60")}
        self.assertEqual(self.failed(outcomes), ["7.1.5", "7.1.60"])

    def test_a_wrong_close_fails_a_case_that_behaved(self):
        self.assertEqual(self.failed({"7.7.1": outcome("OK", "FAILED")}), ["7.7.1"])

    def test_failed_and_unimplemented_and_unknown_words_fail(self):
        outcomes = {
            "1.1.1": outcome("FAILED"),
            "12.1.1": outcome("UNIMPLEMENTED"),
            "2.1": outcome("WRONG CODE"),
            "2.2": {},
        }
        self.assertEqual(self.failed(outcomes), ["1.1.1", "2.1", "2.2", "12.1.1"])

    def test_a_section_that_never_ran_fails(self):
        missing = [failure.case for failure in judge({"1.1.1": outcome("OK")}, CASES)]
        self.assertEqual(missing, [*CASES[1:], "all"])

    def test_an_empty_report_fails(self):
        self.assertEqual(len(judge({}, CASES)), len(CASES) + 1)

    def test_a_run_that_broke_off_inside_a_section_fails(self):
        whole = {case.replace("*", "1"): outcome("OK") for case in CASES}
        self.assertEqual([failure.case for failure in judge(whole, CASES)], ["all"])
        self.assertEqual(judge({"1.1.1": outcome("OK")}, ["1.*"]), [])

    def test_the_summary_names_each_failure_and_counts(self):
        outcomes = {"1.1.1": outcome("OK"), "2.1": outcome("FAILED")}
        text = summary(outcomes, judge(outcomes, []))
        self.assertEqual(text, "2.1: behavior is FAILED\n2 cases, 1 failures")


if __name__ == "__main__":
    unittest.main()
