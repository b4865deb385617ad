"""Testing the saved connections from the command line, with exit codes for scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollbook.connectors.memory.space import Space
from rollbook.practice.moodle import create_moodle
from rollbook.practice.server import serve
from tests.cli.kit import Command

_MOODLE = """
organization: {slug: maple, name: Maple Valley, timezone: America/New_York}
sis: {connector: memory, options: {space: SPACE, key: memory}}
lms: {connector: moodle, options: {base_url: "URL", token: "TOKEN", time_zone: America/New_York}}
"""


def _test(rollbook: Command, *options: str, code: int = 0) -> dict:
    found: dict = rollbook("config", "test", "maple", *options, schema="config-test", code=code)
    return found


def test_both_sides_are_tried_unless_one_is_named(rollbook: Command, world: Space) -> None:
    found = _test(rollbook)
    assert (found["ok"], [each["side"] for each in found["tests"]]) == (True, ["sis", "lms"])
    assert [each["side"] for each in _test(rollbook, "--source")["tests"]] == ["sis"]
    assert [each["side"] for each in _test(rollbook, "--target")["tests"]] == ["lms"]
    told = rollbook.text("config", "test", "maple")
    assert told.code == 0
    assert "sis (memory): ok." in told.out


def test_a_refused_key_ends_with_1_and_names_who_must_act(rollbook: Command, world: Space, tmp_path: Path) -> None:
    file = tmp_path / "maple.yaml"
    file.write_text(file.read_text().replace("key: memory", "key: swordfish", 1))
    rollbook("config", "import", str(file), schema="config-import")
    found = _test(rollbook, code=1)
    refused, fine = found["tests"]
    assert (found["ok"], refused["ok"], fine["ok"]) == (False, False, True)
    assert refused["error"] == "AuthFailed"
    told = rollbook.text("config", "test", "maple", "--source")
    assert told.code == 1
    assert "Who must act: the admin, who renews the credentials." in told.out
    assert "swordfish" not in told.out + told.err


def test_an_unknown_organization_is_a_wrong_setting(rollbook: Command) -> None:
    error = rollbook("config", "test", "nobody", schema="error", code=2)
    assert error["error"]["error"] == "ConfigError"


def test_rights_that_a_moodle_account_lacks_are_named(
    rollbook: Command, world: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    file = tmp_path / "maple.yaml"
    app = create_moodle(token="not-to-be-shown", denied=frozenset({"moodle/user:create"}))
    with serve(app) as running:
        text = (
            _MOODLE.replace("SPACE", world.name)
            .replace("URL", f"{running.url}/my/")
            .replace("TOKEN", "not-to-be-shown")
        )
        file.write_text(text)
        rollbook("config", "import", str(file), schema="config-import")
        found = _test(rollbook, "--target", code=1)
        told = rollbook.text("config", "test", "maple", "--target")
    assert "moodle/user:create" in found["tests"][0]["summary"]
    assert found["tests"][0]["error"] == "AuthFailed"
    assert "not-to-be-shown" not in told.out + told.err
