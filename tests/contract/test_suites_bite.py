"""The contract suites notice connectors that break a promise: one broken connector and one failing test for each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.contract.broken_connectors import SOURCES, TARGETS

BROKEN = Path(__file__).with_name("broken_connectors.py")
EXPECTED = {broken.__name__: test for broken, test in [*TARGETS.items(), *SOURCES.items()]}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """By broken connector: passed, failure or error of the test that has to notice it."""
    report = tmp_path_factory.mktemp("bite") / "report.xml"
    nodes = [f"{BROKEN}::Test{name}::{test}" for name, test in EXPECTED.items()]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--tb=line"]
    root = BROKEN.parents[2]
    done = subprocess.run(
        [*command, f"--junitxml={report}", *nodes], cwd=root, capture_output=True, text=True, check=False, timeout=120
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
    assert results[broken] == ("error" if broken == "LogsNames" else "failure")
