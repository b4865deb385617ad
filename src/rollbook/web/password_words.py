"""What the labels of kept passwords mean, in words. Knows no password."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from rollbook.store.passwords import ASKED, INITIAL, REFUSED, SCHOOL, SENDING, SENT, UNCLEAR

_WORDS: Final = {
    INITIAL: _("initial"),
    SCHOOL: _("school-issued, not sent yet"),
    ASKED: _("school-issued, waits to be sent"),
    SENDING: _("school-issued, is being sent"),
    SENT: _("school-issued, sent"),
    REFUSED: _("school-issued, refused by the LMS"),
    UNCLEAR: _("school-issued, the LMS's answer was lost"),
}


def label_words(label: str) -> Any:
    return _WORDS.get(label, label)
