"""What an Acting User's token cannot get at over the settings: files of the server, and where kept secrets go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rollbook.store.models import Account, Secret, SettingsVersion, UploadRow
from tests.web.people import Person
from tests.web.programs import Program, error_of, program


@pytest.fixture
def robot(ann: Person) -> Program:
    return program(ann)


def _put(robot: Program, **sides: Any) -> Any:
    return robot.ask("PUT", "/settings", {"settings": robot.get("/settings")["settings"] | sides})


SIS = {"connector": "oneroster_rest", "partner": "generic-1.1"}
OPTIONS = {"base_url": "https://sis.example/ims/oneroster/v1p1", "auth": "oauth1", "key": "the key"}
SECRET = {"secret": "the secret"}
LMS_SIDE = {"connector": "schoology", "options": {"key": "the key", **SECRET}}


@pytest.fixture
def rest(robot: Program) -> Program:
    """The SIS is read over OneRoster REST, with a key and a secret header that are kept."""
    Secret.objects.all().delete()
    SettingsVersion.objects.all().delete()
    document = {
        "organization": {"slug": "maple", "name": "Maple", "timezone": "UTC"},
        "sis": {**SIS, "options": {**OPTIONS, **SECRET, "headers": {"x-key": "a header that is secret"}}},
        "lms": LMS_SIDE,
    }
    saved = robot.ask("PUT", "/settings", {"settings": document})
    assert saved.status_code == 200, saved.content
    assert robot.get("/settings")["secrets"] == ["lms.secret", "sis.headers", "sis.secret"]
    return robot


@pytest.mark.parametrize("text", ["file:secret.txt", "${HOME}"])
def test_a_reference_within_a_table_is_not_looked_up(rest: Program, tmp_path: Path, text: str) -> None:
    (tmp_path / "secret.txt").write_text("of the server")
    options = {**OPTIONS, **SECRET, "headers": {"x-stolen": text.replace("file:", f"file:{tmp_path}/")}}
    refused = _put(rest, sis={**SIS, "options": options})
    assert (refused.status_code, "only for settings files" in error_of(refused)["message"]) == (422, True)
    assert rest.get("/settings")["version"] == 1


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "https://evil.example/ims/oneroster/v1p1"},
        {"base_url": "http://sis.example/ims/oneroster/v1p1"},
        {"auth": "oauth2", "token_url": "https://evil.example/token"},
    ],
)
def test_a_kept_secret_goes_to_no_other_host(rest: Program, options: dict[str, str]) -> None:
    refused = _put(rest, sis={**SIS, "options": OPTIONS | options})
    assert refused.status_code == 422, refused.content
    assert rest.get("/settings")["version"] == 1
    told = _put(rest, sis={**SIS, "options": OPTIONS | options | SECRET})
    assert told.status_code == 200, "whoever knows the secret may"
    assert "sis.headers" not in rest.get("/settings")["secrets"], "and what was not told again is forgotten"


def test_the_secrets_of_the_lms_stay_with_it(rest: Program) -> None:
    refused = _put(
        rest, lms={"connector": "schoology", "options": {"key": "the key", "base_url": "https://evil.example/v1"}}
    )
    assert refused.status_code == 422
    same = _put(rest, sis={**SIS, "options": OPTIONS | {"base_url": "https://sis.example/ims/oneroster/v1p2"}})
    assert same.status_code == 200, "another path of the same host"
    assert len(rest.get("/settings")["secrets"]) == 3


@pytest.fixture
def files(robot: Program) -> Program:
    """The SIS is read from what is uploaded."""
    Secret.objects.all().delete()
    SettingsVersion.objects.all().delete()
    document = {
        "organization": {"slug": "maple", "name": "Maple", "timezone": "UTC"},
        "sis": {"connector": "oneroster_csv", "options": {"path": "upload:"}},
        "lms": LMS_SIDE,
    }
    saved = robot.ask("PUT", "/settings", {"settings": document})
    assert saved.status_code == 200, saved.content
    return robot


@pytest.mark.parametrize(
    "options",
    [
        {"path": "/srv/another-district/export.zip"},
        {"path": "upload:", "host": "sftp.example"},
        {"path": "upload:", "password": "somebody's"},
        {"path": "upload:", "grades_path": "/srv/grades"},
    ],
)
def test_files_of_the_server_are_named_by_its_operator(files: Program, ann: Person, options: dict[str, str]) -> None:
    sis = {"connector": "oneroster_csv", "options": options}
    refused = _put(files, sis=sis)
    assert (refused.status_code, "operator of this server" in error_of(refused)["message"]) == (422, True)
    assert not UploadRow.objects.exists()
    strict = _put(files, sis={"connector": "oneroster_csv", "options": {"path": "upload:", "strict": True}})
    assert strict.status_code == 200, "what is no place is theirs"
    Account.objects.filter(pk=ann.account.pk).update(is_operator=True)
    assert _put(files, sis=sis).status_code == 200
    back = _put(files, sis={"connector": "oneroster_csv", "options": {"path": "upload:"}})
    assert back.status_code == 200


def test_settings_that_are_nested_without_end_are_refused(robot: Program) -> None:
    deep: Any = {}
    for _ in range(600):
        deep = {"a": deep}
    refused = robot.ask("PUT", "/settings", {"settings": deep})
    assert (refused.status_code, "deeply" in error_of(refused)["message"]) == (422, True)


def test_viewers_see_only_the_hosts_of_webhooks(robot: Program, vic: Person) -> None:
    url = "https://hooks.example/services/T0/secret-path"
    assert _put(robot, notices={"webhooks": [{"url": url, "secret": "sixteen letters or more"}]}).status_code == 200
    assert _webhook(program(vic, may_write=False, name="other")) == "https://hooks.example/…"
    assert _webhook(robot) == url


def _webhook(asking: Program) -> str:
    return str(asking.get("/settings")["settings"]["notices"]["webhooks"][0]["url"])
