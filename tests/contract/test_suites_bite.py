"""The contract suites notice connectors that break a promise: one broken connector and one failing test for each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.contract.broken_connectors import SOURCES, TARGETS
from tests.contract.broken_grades import GRADE_SOURCES, SINKS

HERE = Path(__file__).parent
#: File, class and test.
EXPECTED = {
    broken.__name__: f"{HERE / file}::Test{broken.__name__}::{test}"
    for file, tables in (("broken_connectors.py", (TARGETS, SOURCES)), ("broken_grades.py", (SINKS, GRADE_SOURCES)))
    for table in tables
    for broken, test in table.items()
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """By broken connector: passed, failure or error of the test that has to notice it."""
    report = tmp_path_factory.mktemp("bite") / "report.xml"
    nodes = list(EXPECTED.values())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--tb=line"]
    root = HERE.parents[1]
    done = subprocess.run(
        [*command, f"--junitxml={report}", *nodes], cwd=root, capture_output=True, text=True, check=False, timeout=600
    )
    assert report.exists(), done.stdout + done.stderr
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.attrib["classname"].rpartition("Test")[2]
        found[name] = next((child.tag for child in case if child.tag in ("failure", "error")), "passed")
    return found


@pytest.mark.parametrize("broken", EXPECTED)
def test_the_broken_connector_is_caught(results: dict[str, str], broken: str) -> None:
    # a private word in a log line is noticed when the test is over, which pytest calls an error
    assert results[broken] == ("error" if broken.startswith("Logs") else "failure")
