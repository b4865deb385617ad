"""Settings as YAML: friendly about mistakes, careful with secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollbook.connectors.memory.space import Space
from tests.cli.kit import SETTINGS, Command, open_store


def _file(tmp_path: Path, text: str) -> str:
    file = tmp_path / "settings.yaml"
    file.write_text(text, "utf-8")
    return str(file)


def _import(rollbook: Command, tmp_path: Path, text: str) -> dict:
    return rollbook("config", "import", _file(tmp_path, text), schema="config-import")


def _wrong(rollbook: Command, tmp_path: Path, text: str, command: str = "check") -> str:
    error = rollbook("config", command, _file(tmp_path, text), schema="error", code=2)
    assert error["error"]["error"] == "ConfigError"
    assert error["error"]["who"] == "the admin"
    return str(error["error"]["message"])


def test_the_same_file_twice_is_one_version(rollbook: Command, tmp_path: Path) -> None:
    assert _import(rollbook, tmp_path, SETTINGS) == {"org": "maple", "version": 1, "changed": True}
    assert _import(rollbook, tmp_path, SETTINGS) == {"org": "maple", "version": 1, "changed": False}
    changed = SETTINGS.replace("2027", "2028")
    assert _import(rollbook, tmp_path, changed)["version"] == 2


def test_an_export_can_be_imported_and_holds_no_secret(
    rollbook: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAPLE_KEY", "hush-hush")
    (tmp_path / "lms-key").write_text("quiet\n")
    text = SETTINGS.replace("key: memory", 'key: "${MAPLE_KEY}"', 1).replace("key: memory", 'key: "file:lms-key"', 1)
    _import(rollbook, tmp_path, text)
    exported = rollbook("config", "export", "-", "--org", "maple", schema="config-export")["settings"]
    assert "hush" not in exported
    assert "quiet" not in exported
    assert "${MAPLE_KEY}" in exported
    assert _import(rollbook, tmp_path, exported)["changed"] is False
    assert b"hush" not in (rollbook.data / "rollbook.sqlite3").read_bytes()


def test_a_secret_given_as_it_is_comes_out_as_a_name(rollbook: Command, tmp_path: Path) -> None:
    _import(rollbook, tmp_path, SETTINGS.replace("key: memory", "key: swordfish"))
    out = tmp_path / "out.yaml"
    rollbook("config", "export", str(out), schema="config-export")
    assert "swordfish" not in out.read_text()
    assert "${SIS_KEY}" in out.read_text()


def test_an_export_that_cannot_be_written_says_why(rollbook: Command, world: Space, tmp_path: Path) -> None:
    told = rollbook("config", "export", str(tmp_path / "nowhere" / "maple.yaml"), schema="error", code=2)
    assert "maple.yaml cannot be written: No such file" in told["error"]["message"]


def test_a_new_secret_replaces_the_old_one(rollbook: Command, tmp_path: Path) -> None:
    from rollbook.store.models import Organization
    from rollbook.store.secrets import KeyRing, secrets_of

    _import(rollbook, tmp_path, SETTINGS)
    found = _import(rollbook, tmp_path, SETTINGS.replace("key: memory", "key: newer", 1))
    assert found == {"org": "maple", "version": 1, "changed": True}
    with open_store(rollbook.data) as folder:
        secrets = secrets_of(Organization.objects.get().pk, KeyRing(folder.keys))
    assert secrets == {"sis.key": "newer", "lms.key": "memory"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("key: memory", "key: '${NO_SUCH_NAME}'", "NO_SUCH_NAME is not set"),
        ("key: memory", "key: 'file:missing'", "cannot be read"),
        ("connector: memory", "connector: memroy", "no connector 'memroy'"),
        ("America/New_York", "America/Maple", "organization.timezone"),
        ('{"*": create}\nterms', '{"*": creat}\nterms', "schools.*"),
        ("active_year: 2027", "active_year: next", "active_year"),
        ("active_year: 2027", "active_yaer: 2027", "active_yaer"),
        ("slug: maple", "slug: Maple Valley", "organization.slug"),
        ("active_year: 2027", "active_year: 2027\nactive_year: 2028", "stands twice"),
        ("active_year: 2027", "active_year: [", "settings.yaml, line"),
        ("space: SPACE", "spaec: SPACE", "sis: "),
        ("active_year: 2027", "users: {unique_id: shoe_size}", "users.unique_id"),
        (SETTINGS, "- a list", "no settings"),
    ],
)
def test_mistakes_are_named(rollbook: Command, tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in SETTINGS
    assert words in _wrong(rollbook, tmp_path, SETTINGS.replace(old, new, 1))


def test_several_mistakes_are_told_at_once(rollbook: Command, tmp_path: Path) -> None:
    text = SETTINGS.replace("active_year: 2027", "active_year: x\nlive: {compare: daily}\ncolour: red")
    message = _wrong(rollbook, tmp_path, text)
    assert all(word in message for word in ("active_year", "live.compare", "colour"))


def test_an_error_never_repeats_a_secret(rollbook: Command, tmp_path: Path) -> None:
    text = SETTINGS.replace("key: memory}}", "key: [swordfish]}}", 1)
    assert "swordfish" not in _wrong(rollbook, tmp_path, text)


def test_texts_that_look_like_numbers_stay_texts(rollbook: Command, tmp_path: Path) -> None:
    text = SETTINGS.replace('schools: {"*": create}', "schools: {007: create, 12: skip, no: skip}")
    _import(rollbook, tmp_path, text)
    from rollbook.actions.organizations import current_settings, find_organization

    with open_store(rollbook.data):
        _, settings = current_settings(find_organization("maple"))
    assert settings.schools == {"007": "create", "12": "skip", "no": "skip"}
    assert settings.active_year == "2027"


def test_the_file_must_be_of_the_named_organization(rollbook: Command, tmp_path: Path) -> None:
    file = _file(tmp_path, SETTINGS)
    rollbook("config", "import", file, "--org", "oak", schema="error", code=2)
    rollbook("config", "check", file, "--org", "maple", schema="config-check")


@pytest.mark.rule(8)
def test_the_unique_id_is_locked_after_the_first_sync(rollbook: Command, world: Space, tmp_path: Path) -> None:
    file = tmp_path / "maple.yaml"
    other = file.read_text() + "users: {unique_id: username}\n"
    rollbook("config", "check", _file(tmp_path, other), schema="config-check")
    rollbook("sync", "maple")
    assert "locked at sourcedId" in _wrong(rollbook, tmp_path, other, "import")


def test_only_the_operator_changes_the_sis(rollbook: Command, world: Space, tmp_path: Path) -> None:
    from rollbook.actions.secret_texts import Surroundings
    from rollbook.actions.settings import import_settings
    from rollbook.errors import ConfigError

    text = (tmp_path / "maple.yaml").read_text()
    options = "{base_url: https://sis.example, key: k, secret: s}"
    other = text.replace(text.splitlines()[2], f"sis: {{connector: oneroster_rest, options: {options}}}")
    around = Surroundings({}, tmp_path)
    with open_store(rollbook.data):
        with pytest.raises(ConfigError, match="operator"):
            import_settings(other, name="settings", around=around, by="Ann")
        assert import_settings(other, name="settings", around=around, by="operator").changed
