"""CSV downloads that a spreadsheet cannot take for formulas. Streamed, so that a million rows need little memory."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

#: What makes a spreadsheet reckon, also after spaces and as full-width letters.
_FORMULA: Final = tuple("=+-@\t\r\n＝＋－＠")
#: The same in the middle of a cell, after what parts cells or rows where commas do not: a spreadsheet of a country with
#: decimal commas splits our cells at semicolons, whatever quotes stand around them.
_WITHIN: Final = re.compile(r"([;\t\r\n][ \"']*)(?=[=+\-@＝＋－＠])")
_BOM: Final = "\ufeff"


class _PartByPart(StreamingHttpResponse):
    """Behind an event loop Django would gather all parts before it sends the first; here each is made when it is
    sent, in the request's thread."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts, end = iter(self), object()
        while (part := await sync_to_async(_next)(parts, end)) is not end:
            assert isinstance(part, bytes)
            yield part


def _next(parts: Iterator[bytes], end: object) -> object:
    """As `next`, whose types sync_to_async cannot tell."""
    return next(parts, end)


def csv_answer(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """A download called `name` (letters, digits, dots and dashes) with a header line."""
    answer = _PartByPart(csv_text(columns, rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer


def defused(value: Any) -> str:
    """The cell's text; with an apostrophe before whatever a spreadsheet would reckon with."""
    text = _WITHIN.sub(r"\1'", "" if value is None else str(value))
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) or text.startswith(_FORMULA) else text


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The file part by part, with a header line."""
    out = io.StringIO()
    writer = csv.writer(out)
    out.write(_BOM)
    writer.writerow(columns)
    yield out.getvalue()  # at once, however long the first row takes
    out.seek(0)
    out.truncate()
    for row in rows:
        writer.writerow([defused(cell) for cell in row])
        if out.tell() > 1 << 16:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()
