"""What connectors raise and report, and why files are refused, in Spanish: every such sentence of the code is gone
through, so that a new one without a translation fails here."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from rollbook.connectors.base import Report
from rollbook.errors import BadResponse, ConfigError
from rollbook.roster.connection_words import SENTENCES
from rollbook.roster.reasons import AUDITED, DETAILS, REASONS, recognized
from rollbook.roster.words import Words
from rollbook.web.error_words import error_said
from rollbook.web.said import stored_said
from tests.web.test_spanish import _ENGLISH

SRC = Path(__file__).parents[2] / "src"
#: Whose errors and reports pages show to whoever sets a connection up or brings files.
PLACES = (
    "connectors/kit", "connectors/oneroster_csv", "connectors/oneroster_rest", "connectors/schoology",
    "connectors/moodle", "connectors/registry.py", "engine/uploads.py", "engine/try_connection.py",
    "actions/uploads.py", "engine/directory.py",
)  # fmt: skip
RAISED = {
    "ConfigError",
    "BadResponse",
    "Unavailable",
    "AuthFailed",
    "Throttled",
    "DiskFull",
    "ServerError",
    "BadStatus",
}
#: What these places put together of parts, and what reaches no page. The whole sentences are in the table.
ELSEWHERE = re.compile(
    r"^xx \(x\)x$|^x: (it does not accept|our credentials|too many calls|it has trouble)|^x has no x$|"
    r"^x has more than x MiB|could not be read completely"
)


def _sentences() -> Iterator[tuple[str, str]]:
    """Each sentence with its place, `x` where something is filled in."""
    for name in PLACES:
        root = SRC / "rollbook" / name
        for path in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            module = importlib.import_module(".".join(path.relative_to(SRC).with_suffix("").parts))
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and _called(node) in RAISED | {"Report"}:
                    first = (
                        node.args[0]
                        if node.args
                        else next((one.value for one in node.keywords if one.arg == "summary"), None)
                    )
                    text = _text(first, module)
                    of_words = isinstance(first, ast.Call) and _called(node) == "ConfigError"  # never kept as a text
                    if text and not of_words:
                        yield f"{path.name}:{node.lineno}", text


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _text(node: ast.expr | None, module: Any) -> str:
    """Of a text, written out or with places; also of what `say` makes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name) and node.id.isupper():
        return str(getattr(module, node.id))
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(one, module) for one in node.values)
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, module) if isinstance(node.value, ast.Name) and node.value.id.isupper() else "x"
    if isinstance(node, ast.Call) and _called(node) == "say":
        filled = {one.arg: _text(one.value, module) or "x" for one in node.keywords}
        return _text(node.args[0], module) % filled
    return ""


def _spanish(text: str) -> str:
    with translation.override("es"):
        return stored_said(text)


def test_every_sentence_that_connectors_raise_or_report_is_known() -> None:
    found = [one for one in _sentences() if not ELSEWHERE.search(one[1])]
    assert len(found) > 60
    assert [one for one in found if not isinstance(recognized(one[1]), Words)] == []


def test_no_sentence_is_taken_for_another() -> None:
    """Of several that fit, the first counts."""
    for text in (*SENTENCES, *REASONS.values(), *DETAILS, *AUDITED):
        found = recognized(re.sub(r"%\(\w+\)s", "x", text))
        assert isinstance(found, Words)
        assert found.text == text


def test_every_sentence_speaks_spanish() -> None:
    told = {text: _spanish(re.sub(r"%\(\w+\)s", "x", text)) for text in SENTENCES}
    assert [one for one in told.values() if _ENGLISH.search(re.sub(r"`[^`]*`|\([^)]*\)", " ", one))] == []
    assert [one for one in told.values() if one.startswith(("the ", "a ", "there "))] == []


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        ("the address of sis.example must use https (ROLLBOOK_ALLOW_PRIVATE_HOSTS=1 allows http)",
         "la dirección de sis.example debe usar https (ROLLBOOK_ALLOW_PRIVATE_HOSTS=1 permite http)"),
        ("The SIS answered 401: it does not accept our credentials (asked for: orgs); renew key and secret",
         "The SIS respondió 401: no acepta nuestras credenciales (se pidió: organizaciones); renueve la clave y el "
         "secreto"),
        ("Connected to Maple: 3 buildings.", "Conectado con Maple: 3 edificios."),
    ],
)  # fmt: skip
def test_some_sentences_whole(english: str, spanish: str) -> None:
    assert _spanish(english) == spanish


def test_errors_and_refused_files_in_parts() -> None:
    with translation.override("es"):
        why = error_said(BadResponse("this is no whole OneRoster export: users.csv is missing; orgs.csv is missing; "
                                     "ask whoever makes the export to send it again"))  # fmt: skip
        assert "falta users.csv" in why.lower()
        assert "falta orgs.csv" in why.lower()
        assert not _ENGLISH.search(why)
        nested = error_said(ConfigError("sis: the options are not valid: a secret has the wrong form"))
        assert not _ENGLISH.search(nested)


def test_what_the_other_side_says_stays_in_its_words() -> None:
    assert _spanish("El usuario no existe") == "El usuario no existe"
    assert Report(ok=True, summary="x").summary == "x"
