"""The texts of the pages for translators: collects them into src/rollbook/web/locale/<language>/LC_MESSAGES/django.po
and compiles that to the .mo file that is shipped. `--check` changes nothing and fails when a file is out of date or a
text has no translation."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/rollbook"
WEB = PACKAGE / "web"
LOCALE = WEB / "locale"
LANGUAGES = ("es",)
_KEYWORDS = {
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "_": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
#: Packages whose sentences the pages translate, as `rollbook.roster.words.say` marks them.
_SAYING = ("actions", "roster", "store")


def collected() -> Catalog:
    """Every text of templates and modules of the pages, and what they show of the packages below, with the files."""
    from django.utils.translation.template import templatize

    import rollbook.web  # noqa: F401 - Django's settings, which its template reader asks for

    found = Catalog(project="Rollbook", charset="utf-8")
    for path in sorted([*WEB.rglob("*.html"), *WEB.rglob("*.txt"), *WEB.rglob("*.py")]):
        if "vendor" in path.parts or "locale" in path.parts:
            continue
        text = path.read_text("utf-8")
        sources = [text] if path.suffix == ".py" else _calls(templatize(text, origin=str(path)))
        place = str(path.relative_to(ROOT))
        for source in sources:
            for _, message, _, context in extract("python", io.BytesIO(source.encode()), keywords=_KEYWORDS):
                if message:
                    found.add(message, locations=[(place, 0)], context=context)
    for place, text in (*_said(), *_tables()):
        if text:
            found.add(text, locations=[(place, 0)])
    return found


def _said() -> Iterator[tuple[str, str]]:
    """What `say` marks, each with its file."""
    for path in sorted(path for name in _SAYING for path in (PACKAGE / name).rglob("*.py")):
        for _, message, _, _ in extract("python", io.BytesIO(path.read_bytes()), keywords={"say": None}):
            yield str(path.relative_to(ROOT)), str(message)


def _tables() -> Iterator[tuple[str, str]]:
    """Texts that stand in tables and declarations, each with its file."""
    from rollbook import errors
    from rollbook.connectors.kit.options import describe
    from rollbook.connectors.oneroster_rest.partners import PARTNERS
    from rollbook.connectors.registry import CONNECTORS, connector
    from rollbook.roster import findings, holds, reasons, schedule_words
    from rollbook.store import notice_advice
    from rollbook.web.setting_texts import every_text

    roster, connectors = "src/rollbook/roster", "src/rollbook/connectors"
    for one in findings.FINDINGS.values():
        yield from ((f"{roster}/findings.py", text) for text in (one.sentence, one.fix))
    for table in (holds, reasons, schedule_words):
        yield from ((f"{roster}/{table.__name__.rpartition('.')[2]}.py", text) for text in table.TEXTS)
    yield from (("src/rollbook/store/notice_advice.py", text) for text in notice_advice.TEXTS)
    for name in CONNECTORS:
        texts = (connector(name).credentials, *connector(name).notes.values())
        yield from ((f"{connectors}/{name}/__init__.py", text) for text in texts)
        for option in describe(connector(name).options):
            yield from ((f"{connectors}/{name}/options.py", text) for text in (option.label, option.help))
    for row in PARTNERS.values():  # what has the name of a product is called so everywhere
        title = (row.title,) if row.name.startswith("generic") else ()
        yield from ((f"{connectors}/oneroster_rest/partners.py", text) for text in (*title, *row.quirks))
    yield from (("src/rollbook/errors.py", error.who) for error in vars(errors).values() if isinstance(error, type))
    yield from (("src/rollbook/web/setting_texts.toml", text) for text in every_text())


def _calls(source: str) -> list[str]:
    """The calls of gettext in what Django makes of a template: the rest of it need not be Python."""
    found = []
    for start in re.finditer(r"\bn?p?gettext\(|\b_\(", source):
        for end in re.finditer(r"\)", source[start.start() :]):
            call = source[start.start() : start.start() + end.end()]
            try:
                compile(call, "template", "eval")
            except SyntaxError:
                continue
            found.append(call + "\n")
            break
    return found


def main(arguments: list[str]) -> int:
    check, trouble = "--check" in arguments, []
    texts = collected()
    for language in LANGUAGES:
        po = LOCALE / language / "LC_MESSAGES" / "django.po"
        catalog = _known(po, language)
        catalog.update(texts, no_fuzzy_matching=True, update_creation_date=False)
        catalog.obsolete.clear()
        missing = [str(one.id) for one in catalog if one.id and not _whole(one.string)]
        trouble += [f"{language}: no translation of {text!r}" for text in missing]
        whole = [one for one in catalog if one.id and _whole(one.string)]
        trouble += [f"{language}: {error} in {one.id!r}" for one in whole for error in one.check(catalog)]
        new_po, new_mo = _po(catalog), _mo(catalog)
        if check:
            current = po.exists() and po.read_bytes() == new_po
            compiled = po.with_suffix(".mo").exists() and _same(po.with_suffix(".mo").read_bytes(), new_mo)
            trouble += [] if current and compiled else [f"{po.relative_to(ROOT)} is out of date: script/docs makes it"]
        else:
            po.parent.mkdir(parents=True, exist_ok=True)
            po.write_bytes(new_po)
            mo = po.with_suffix(".mo")
            if not mo.exists() or not _same(mo.read_bytes(), new_mo):  # else only the time of making it would change
                mo.write_bytes(new_mo)
    print("\n".join(trouble), file=sys.stderr) if trouble else None
    return 1 if check and trouble else 0


def _known(po: Path, language: str) -> Catalog:
    """The translations there are. Two forms of a plural: those of CLDR for millions are not said in our texts."""
    found = read_po(io.BytesIO(po.read_bytes()), locale=language) if po.exists() else Catalog(locale=language)
    found._num_plurals, found._plural_expr = 2, "(n != 1)"
    found.project, found.version, found.fuzzy = "Rollbook", "", False
    found.header_comment = "# Texts of Rollbook's pages; script/docs collects them."
    return found


def _whole(string: object) -> bool:
    return all(string) if isinstance(string, tuple | list) else bool(string)


def _po(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(out, catalog, width=120, sort_output=True, include_lineno=False, omit_header=False)
    lines = out.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if "-Date: " not in line and "Generated-By" not in line).encode()


def _mo(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def _same(old: bytes, new: bytes) -> bool:
    """Do both hold the same texts? The header tells when it was made."""
    ours, theirs = (read_mo(io.BytesIO(one)) for one in (old, new))
    return {(str(m.id), str(m.string)) for m in ours if m.id} == {(str(m.id), str(m.string)) for m in theirs if m.id}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
