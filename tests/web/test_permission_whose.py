"""Whose a permission is, and of which LMS: what could give one person's, or one LMS's, to another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rollbook.actions.actors import OPERATOR
from rollbook.actions.organizations import current_settings
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.actions.settings_edit import change_settings
from rollbook.connectors.gradebook import Consent, UserToken
from rollbook.connectors.memory.space import Space
from rollbook.engine.permissions import finish_consent, is_of_person, tokens_of
from rollbook.store.folder import DataFolder
from rollbook.store.models import Organization, TeacherPermission
from rollbook.store.secrets import KeyRing
from tests.cli.kit import SETTINGS
from tests.web.people import words
from tests.web.permission_case import HERE, Case, permission_case, use_lms
from tests.web.world import run_now

pytestmark = pytest.mark.rule(31)


@pytest.fixture
def case(folder: DataFolder, world: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    with permission_case(folder, world, tmp_path) as found:
        yield found


def maple() -> Organization:
    return Organization.objects.get(slug="maple")


def given_by(account: str, unique_id: str | None) -> Consent:
    return Consent(token=UserToken(account=account, token="t", secret="s"), unique_id=unique_id)


def test_where_unique_ids_are_no_sourced_ids(folder: DataFolder, world: Space) -> None:
    """What the LMS has of a person is the unique id. It is never taken for a sourcedId, which may be another's."""
    people = [row for row in world.rows["users"] if row["role"] == "teacher"][:2]
    for place, row in enumerate(people):
        row["identifier"] = f"9{place}"
    people[0]["identifier"], people[1]["identifier"] = str(people[1]["sourcedId"]), "T-2"
    text = SETTINGS.replace("SPACE", world.name) + "users: {unique_id: identifier}\n"
    import_settings(text, name="test", around=Surroundings({}, Path()), by=OPERATOR)
    run_now(folder)
    one, two = (str(row["identifier"]) for row in people)
    assert is_of_person(folder, maple(), given_by("not-synced", one), one)
    assert is_of_person(folder, maple(), given_by("not-synced", two), two)
    assert not is_of_person(folder, maple(), given_by("not-synced", two), one), (
        "a sourcedId that is another's unique id"
    )
    for nobody in (None, ""):
        assert not is_of_person(folder, maple(), given_by("not-synced", nobody), one)
        assert not is_of_person(folder, maple(), given_by("not-synced", nobody), "")


def test_a_new_secret_of_the_connection_tries_refused_ones_again(case: Case) -> None:
    case.allow()
    case.allow(case.tom, case.ids["tom"], case.his)

    def refused() -> int:
        return TeacherPermission.objects.filter(refused_at__isnull=False).count()

    def refuse() -> None:
        TeacherPermission.objects.update(refused_at=TeacherPermission.objects.values("given_at")[:1])
        assert refused() == 2

    def save(**secrets: str | None) -> None:
        texts = {name.replace("_", ".", 1): text for name, text in secrets.items()}
        change_settings(org="maple", by="test", what="test", change=lambda document: None, secrets=texts)

    refuse()
    save(sis_secret="another", lms_secret="practice")
    assert refused() == 2, "nothing of the LMS is new"
    save(lms_app_secret="another")
    assert refused() == 0
    refuse()
    save(lms_app_secret=None)
    assert refused() == 0
    refuse()
    case.import_settings()
    assert refused() == 2
    save(lms_secret="another")
    refuse()
    case.import_settings()
    assert refused() == 0


def test_a_run_gets_only_those_of_the_lms_that_it_asks(case: Case) -> None:
    """It may go on with settings that are no longer the newest."""
    case.allow()
    ring, account = KeyRing(case.folder.keys), case.lms_id(case.ids["tina"])
    here = current_settings(maple())[1]

    def gets(of: object) -> list[str]:
        tokens = tokens_of(maple(), of, ring)  # type: ignore[arg-type]
        return [each.account for each in tokens.of([account])] if tokens is not None else []

    kept = TeacherPermission.objects.get()
    assert gets(here) == [account]
    use_lms(case.world, "http://127.0.0.1:9")
    elsewhere = current_settings(maple())[1]
    assert not TeacherPermission.objects.exists()
    kept.save(force_insert=True)  # as if it had come home just then
    assert gets(elsewhere) == []
    assert gets(here) == [account]


def test_one_that_comes_home_to_another_connection_is_not_kept(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    back = case.agree(case.ask()["Location"])

    def meanwhile(folder: DataFolder, organization: Organization, token: object) -> Consent:
        found = finish_consent(folder, organization, token)  # type: ignore[arg-type]
        use_lms(case.world, "http://127.0.0.1:9")
        return found

    monkeypatch.setattr("rollbook.web.permission_given.finish_consent", meanwhile)
    case.tina.get(back)
    assert not TeacherPermission.objects.exists()
    page = words(case.tina.get(f"{HERE}/status/{case.mine}/"))
    assert "The connection to the LMS was changed meanwhile" in page
