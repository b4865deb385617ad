"""What a Moodle site does not show of an account is neither taken for empty nor for gone: nothing is sent for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.districts import Organization, Watched, small
from tests.integration.moodle_world import Switch, World

ROLES = {"*": {"student": "student", "teacher": "editingteacher", "*": "skip"}}


@pytest.mark.rule(23)
@pytest.mark.parametrize("identity_fields", [frozenset(), frozenset({"email"})])
def test_what_is_not_shown_is_not_sent_again(switch: Switch, tmp_path: Path, identity_fields: frozenset[str]) -> None:
    world = World(switch, tmp_path, {"identity_fields": identity_fields})
    org = Organization(tmp_path / "org", small(), roles=ROLES, live={"compare": "every"})
    org.target = Watched(world.target)
    org.run()
    world.site.store.run("""UPDATE users SET fields = '{"maildisplay":1}' WHERE idnumber = 'sue'""")
    org.target = Watched(world.fresh_target())
    result = org.next_day().run()
    assert org.sent == []
    assert org.found(result, "OBJECT_GONE") == []
    world.site.store.run("UPDATE users SET auth = 'carrier', firstname = 'Odd' WHERE idnumber = 'sam'")
    org.target = Watched(world.fresh_target())
    result = org.next_day().run()
    assert org.sent == []
    assert org.found(result, "OBJECT_GONE") == []
    assert org.found(result, "ACCOUNT_UNREAD") == ["sam"]
    org.district.put("users", "sam", givenName="Samuel")
    org.target = Watched(world.fresh_target())
    org.next_day().run()
    assert org.sent == [("user", "update", "sam")]
    assert "Samuel" in {each["firstname"] for each in world.state()["users"]}
    world.close()
