"""The gate's count: single cases, programs that died, and what was passed over."""

import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "count_cases"

sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("count_cases", str(SCRIPT))
spec = importlib.util.spec_from_loader("count_cases", loader)
count_cases = importlib.util.module_from_spec(spec)
loader.exec_module(count_cases)

GOOD = '<testcase classname="A" name="good" status="run"/>'
BAD = '<testcase classname="A" name="bad" status="run"><failure/></testcase>'
SKIPPED = '<testcase classname="A" name="skipped" status="run"><skipped/></testcase>'
DISABLED = '<testcase classname="A" name="disabled" status="notrun"/>'


class CountTest(unittest.TestCase):
    def count(self, programs):
        """`programs`: name: (status that ctest saw, cases or None for a report that is missing)."""
        with tempfile.TemporaryDirectory() as folder:
            entries = ""
            for name, (status, cases) in programs.items():
                entries += f'<testcase name="{name}" status="{status}"/>'
                if cases is not None:
                    text = f"<testsuites><testsuite>{cases}</testsuite></testsuites>"
                    pathlib.Path(folder, f"{name}.xml").write_text(text)
            pathlib.Path(folder, "ctest.junit").write_text(f"<testsuite>{entries}</testsuite>")
            count = count_cases.count_reports(pathlib.Path(folder))
        return count.passed, len(count.failed), len(count.skipped)

    def test_single_cases(self):
        programs = {"one": ("run", GOOD * 3 + SKIPPED + DISABLED), "two": ("fail", GOOD + BAD * 2)}
        self.assertEqual(self.count(programs), (4, 2, 1))

    def test_a_program_without_a_report_is_one_case(self):
        self.assertEqual(self.count({"one": ("run", None)}), (1, 0, 0))

    def test_a_program_that_died_is_a_failure(self):
        self.assertEqual(self.count({"one": ("fail", None), "two": ("run", GOOD)}), (1, 1, 0))

    def test_a_program_that_died_after_its_cases_is_a_failure(self):
        self.assertEqual(self.count({"one": ("fail", GOOD * 2)}), (2, 1, 0))

    def test_a_program_that_was_not_run_is_a_failure(self):
        self.assertEqual(self.count({"one": ("notrun", None)}), (0, 1, 0))

    def test_no_reports_are_a_failure(self):
        with tempfile.TemporaryDirectory() as folder:
            count = count_cases.count_reports(pathlib.Path(folder))
        self.assertEqual((count.passed, len(count.failed)), (0, 1))


if __name__ == "__main__":
    unittest.main()
