"""Pages in Spanish speak Spanish throughout: also what the packages below the pages say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone, translation

from rollbook.actions import settings_edit
from rollbook.actions.matching import SKIPPED, finish_data_prep
from rollbook.actions.settings_edit import change_settings
from rollbook.connectors.kit.options import describe
from rollbook.connectors.memory.space import Space
from rollbook.connectors.oneroster_rest.partners import PARTNERS
from rollbook.connectors.registry import CONNECTORS, connector
from rollbook.errors import BlobLost, ConfigError, Unavailable
from rollbook.roster.findings import FINDINGS
from rollbook.roster.holds import TEXTS as HOLDS
from rollbook.roster.reasons import TEXTS as REASONS
from rollbook.roster.reasons import because
from rollbook.roster.words import say
from rollbook.store.folder import DataFolder
from rollbook.web.error_words import error_said
from rollbook.web.setting_texts import every_text
from tests.web.past import hold, past_run
from tests.web.people import Answer, Person, words
from tests.web.world import run_now

#: English words that no Spanish text has.
_ENGLISH = re.compile(
    r"\b(the|is|are|was|were|of|and|or|which|has|have|not|it|this|that|with|for|when|whether|nothing|every|from|"
    r"day|until|must|may|will|been|they|there|while|them|their|its|where|on|in|be)\b",
    re.IGNORECASE,
)
#: Where data, names and code stand, which are the same in every language.
_CODE = re.compile(r"<code>.*?</code>|<option value=\"[A-Z]\w+/.*?</option>|<(script|style)\b.*?</\1>", re.DOTALL)
#: Names, and what a language is called in itself.
_NAMES = ("(every)", "not submitted", "Sign in", "School Management, Integration, API", "English")


@pytest.fixture
def ana(ann: Person) -> Person:
    ann.post("/language/", language="es", next="/")
    return ann


def _english(texts: Iterable[str]) -> list[str]:
    return [text for text in texts if _ENGLISH.search(re.sub(r"`[^`]*`|\[|\]\([^)]*\)", " ", text))]


def _read(answer: Answer) -> str:
    assert answer.status_code == 200
    answer.content = _CODE.sub(" ", answer.content.decode()).encode()
    text = words(answer)
    for name in _NAMES:
        text = text.replace(name, "")
    return text


def _said_in_english(answer: Answer) -> list[str]:
    text = _read(answer)
    return [text[max(0, found.start() - 30) : found.end() + 30] for found in _ENGLISH.finditer(text)]


def _texts() -> Iterator[str]:
    for one in FINDINGS.values():
        yield from (one.sentence, one.fix)
    yield from (*HOLDS, *REASONS, *every_text())
    yield from (text for name in CONNECTORS if (text := connector(name).credentials))
    for name in CONNECTORS:
        yield from (text for one in describe(connector(name).options) for text in (one.label, one.help) if text)
    yield from (quirk for row in PARTNERS.values() for quirk in row.quirks)


def test_every_text_of_the_tables_is_translated() -> None:
    with translation.override("es"):
        told = [translation.gettext(text) for text in _texts()]
    assert _english(told) == []
    assert sum(one == two for one, two in zip(told, _texts(), strict=True)) < 15, "what is the same in both languages"


def test_findings(pages: DataFolder, world: Space, ana: Person) -> None:
    students = [row for row in world.rows["users"] if row["role"] == "student"]
    students[0]["username"] = "with-a space"
    students[1]["givenName"] = ""
    run = run_now(pages)
    page = ana.get(f"/o/maple/logs/{run.pk}/")
    assert "El nombre de usuario contiene un espacio, y el LMS lo rechaza." in words(page)
    assert "givenName está vacío" in words(page)
    assert _said_in_english(page) == []
    english = ana.client.post("/language/", {"language": "en", "next": "/"})
    assert english.status_code == 302
    assert "The username contains a space" in words(ana.get(f"/o/maple/logs/{run.pk}/")), "kept for each language"


def test_what_is_not_believed(ana: Person, world: Space) -> None:
    doubts = {"users": because("sis_shrank", number=3, list="users", before=15)}
    verdicts = {"orgs": because("school_hidden", number=1), "classes": "HTTP 500 del servidor"}
    run = past_run("r1", state="held", result={"state": "held", "doubts": doubts, "verdicts": verdicts})
    hold(run, kind="enrollment", action="remove")
    text = words(ana.get("/o/maple/logs/r1/"))
    assert "El SIS muestra 3 usuarios donde había 15." in text
    assert (
        "No se leyó por completo: organizaciones. El motivo: 1 de las escuelas sincronizadas ya no se muestra" in text
    )
    assert "No se leyó por completo: clases. El motivo: HTTP 500 del servidor." in text
    assert "Es más de una sola vez de lo que permiten los límites de la configuración." in text
    assert _said_in_english(ana.get("/o/maple/logs/r1/")) == []
    assert _said_in_english(ana.get("/o/maple/plan/holds/")) == []


def _schedule(**wanted: object) -> None:
    change_settings(org="maple", by="test", what="save schedule", change=lambda one: one.update(schedule=wanted))


def test_the_schedule(ana: Person, world: Space) -> None:
    today = timezone.localdate()
    days = [{"from": str(today - timedelta(days=1)), "to": str(today + timedelta(days=3)), "why": "vacaciones"}]
    _schedule(mode="scheduled", every="weekly", weekday="monday", window="22:30-02:00", blackout=days)
    page = ana.get("/o/maple/configuration/")
    assert "la próxima ventana (cada lunes, de 22:30 a 02:00) empieza el lunes " in words(page).lower()
    assert "el último cambio del horario fue el" in words(page)
    assert _said_in_english(page) == []
    finish_data_prep(org="maple", by="test", how=SKIPPED)
    assert "Hoy es un día sin envíos (vacaciones, de " in words(ana.get("/o/maple/users/"))
    assert _said_in_english(ana.get("/o/maple/users/")) == []
    assert _said_in_english(ana.get("/o/maple/")) == []


def test_a_run_of_a_blackout_day_says_why_in_spanish(pages: DataFolder, ana: Person, world: Space) -> None:
    today = timezone.localdate()
    days = [{"from": str(today - timedelta(days=1)), "to": str(today + timedelta(days=1)), "why": "vacaciones"}]
    _schedule(mode="manual", blackout=days)
    run = run_now(pages)
    assert run.blackout.startswith("vacaciones, ")
    assert " to " in run.blackout, "kept, and said on the command line, in English"
    for address in (f"/o/maple/logs/{run.pk}/", f"/o/maple/plan/{run.pk}/"):
        assert "Era un día sin envíos (vacaciones, de " in words(ana.get(address))
        assert _said_in_english(ana.get(address)) == []


@pytest.mark.parametrize("partner", ["infinite-campus", "generic-1.2", "csv"])
def test_options_and_notes_of_a_sis(ana: Person, world: Space, partner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(document: dict[str, object]) -> None:
        if partner == "csv":
            document["sis"] = {"connector": "oneroster_csv", "options": {"path": "upload:"}}
        else:
            options = {"base_url": "https://sis.example", "token_url": "https://sis.example/token", "key": "k"}
            document["sis"] = {"connector": "oneroster_rest", "partner": partner, "options": options}
        document["lms"] = {"connector": "schoology", "options": {"key": "k"}}

    secrets = {"sis.secret": "sis-shared", "lms.secret": "lms-shared"} if partner != "csv" else {"lms.secret": "x"}
    with monkeypatch.context() as patched:
        patched.setattr(settings_edit, "check_locked", lambda *given: None)
        change_settings(org="maple", by="test", what="put settings", change=change, secrets=secrets)
    page = ana.get("/o/maple/configuration/")
    assert _said_in_english(page) == []
    if partner == "infinite-campus":
        assert "quienes se van simplemente desaparecen" in words(page)


@pytest.mark.parametrize("path", ["configuration/more/", "audit/", "logs/", "plan/", "files/", "schools/"])
def test_other_pages(ana: Person, world: Space, path: str) -> None:
    assert _said_in_english(ana.get(f"/o/maple/{path}")) == []


def test_placeholders_are_those_of_the_original() -> None:
    """A translation that names what its sentence does not have would break the page."""
    with translation.override("es"):
        for text in REASONS:
            names = re.findall(r"%\((\w+)\)s", text)
            assert set(re.findall(r"%\((\w+)\)s", translation.gettext(text))) == set(names), json.dumps(text)


def test_refusals_of_acts_are_said_in_spanish(ana: Person, world: Space) -> None:
    """What acts and checks below the pages raise, each on the page where a person meets it."""
    here = "/o/maple"
    unknown = ana.post(f"{here}/grades/send/", do="sync", section="nowhere")
    assert "Rollbook no creó ninguna sección nowhere en el año activo" in words(unknown)
    ana.post(f"{here}/api-tokens/make", name="robot", days="30", may_write="")
    again = words(ana.post(f"{here}/api-tokens/make", name="robot", days="30", may_write=""))
    assert "Ya existe un token con este nombre; dé otro nombre a este." in again


def test_errors_are_said_as_sentences() -> None:
    lost = BlobLost("the plan of user is missing; nothing is sent until a backup brings it back")
    nested = ConfigError(say("%(why)s; send the plan later, or with --despite-blackout", why=say("it is late")))
    with translation.override("es"):
        assert error_said(ConfigError(say("there is no such token"))) == "No existe ese token."
        assert error_said(lost).startswith("Falta un archivo guardado, o está dañado. The plan of user is missing;")
        assert error_said(nested).startswith("It is late; envíe el plan más tarde")
        assert error_said(Unavailable("503 from the SIS")) == "503 from the SIS.", "its own words stay"
    assert error_said(ConfigError(say("there is no such token"))) == "There is no such token."
    assert str(ConfigError(say("a token lasts 1 to %(most)s days", most=9))) == "a token lasts 1 to 9 days"
    assert error_said(ConfigError()) == ""
