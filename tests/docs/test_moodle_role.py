"""The role that the guide to Moodle has people import is the one that the connector's page describes."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
ROLE = ROOT / "docs/how-to/moodle-role.xml"
#: In this order, by Moodle's admin/roles/role_schema.xml.
PARTS = ["shortname", "name", "description", "archetype", "contextlevels", "allowassign", "permissions"]


def test_it_has_just_the_capabilities_that_are_listed() -> None:
    role = ElementTree.parse(ROLE).getroot()
    assert [part.tag for part in role] == PARTS
    allowed = [each.text for each in role.findall("permissions/*")]
    assert {each.tag for each in role.findall("permissions/*")} == {"allow"}
    page = (ROOT / "src/rollbook/connectors/moodle/README.md").read_text(encoding="utf-8")
    listed = re.search(r"these capabilities, in the system context(.*?)It must be allowed", page, re.DOTALL)
    assert listed is not None
    assert sorted(allowed) == sorted(re.findall(r"`([a-z]+/[a-z:]+)`", listed[1])) != []
    assert {each.text for each in role.findall("allowassign/*")} == {"student", "editingteacher", "teacher"}
    assert [each.text for each in role.findall("contextlevels/*")] == ["system"]
