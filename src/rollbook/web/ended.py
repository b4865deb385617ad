"""A part of a page that is asked for every few seconds says that what it followed has ended. The page is loaded anew
then, unless somebody has typed something there: in that case it only says so (`static/rollbook.js`)."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse

ENDED: Final = "Rollbook-Ended"


def load_anew(answer: HttpResponse) -> None:
    """The browser loads the whole page when nothing on it was typed or chosen."""
    answer[ENDED] = "true"
