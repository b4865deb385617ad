"""What went wrong, in the language of the page."""

from __future__ import annotations

from django.utils.translation import gettext as _

from rollbook.errors import BlobLost
from rollbook.roster.words import Words
from rollbook.web.said import said, stored_said
from rollbook.web.wording import sentence


def error_said(error: Exception) -> str:
    """An error as a sentence. What an SIS or LMS said itself stays in its words."""
    if isinstance(error, BlobLost):
        lost = _("A stored file is missing or damaged.")  # which one stands in the sentence after it
        return f"{lost} {sentence(str(error))}"
    words = error.args[0] if error.args else ""
    return sentence(said(words) if isinstance(words, Words) else stored_said(str(error)))
