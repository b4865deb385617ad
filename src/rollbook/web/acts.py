"""Words for the acts that the audit knows, as people read them."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

ACTS: Final[dict[str, Any]] = {
    "accept invitation": _("Accepted an invitation"),
    "add second factor": _("Added a second factor"),
    "approve hold": _("Approved held changes"),
    "bind person": _("Said who a member is in the SIS"),
    "cancel run": _("Cancelled a run"),
    "change password": _("Changed their own password"),
    "change role": _("Changed a member's role"),
    "choose password": _("Chose a password"),
    "choose graded items": _("Decided about graded items"),
    "collect garbage": _("Deleted files that nothing needs"),
    "decide matches": _("Decided about matches"),
    "copy grade categories": _("Filled in a category map of grades"),
    "data prep looked": _("Said that Data Prep was looked at"),
    "data prep skipped": _("Skipped Data Prep knowingly"),
    "deactivate account": _("Closed an account"),
    "erase passwords": _("Erased old passwords"),
    "export passwords": _("Exported passwords"),
    "hand over": _("Handed over to another Acting User"),
    "import passwords": _("Imported school-issued passwords"),
    "import settings": _("Saved settings"),
    "invite": _("Invited somebody"),
    "join scheduled sync": _("A scheduled sync joined one that waited already"),
    "lift pins": _("Lifted pinned values"),
    "look at passwords": _("Looked at passwords"),
    "make organization": _("Made the organization"),
    "make password link": _("Made a link to choose a new password"),
    "put settings": _("Saved settings over the API"),
    "map grade categories": _("Changed a category map of grades"),
    "passwords sent": _("School-issued passwords were sent"),
    "patch mappings": _("Changed mappings over the API"),
    "read lists": _("Read lists from SIS or LMS"),
    "read uploaded files": _("Chose to read uploaded files"),
    "reject hold": _("Rejected held changes"),
    "remove member": _("Removed a member"),
    "request apply": _("Asked to send a stored plan"),
    "request grades plan": _("Asked what grades would be sent"),
    "request grades sync": _("Asked for a sync of grades"),
    "request plan": _("Asked for a plan"),
    "request preview of a year": _("Asked what another active year would do"),
    "request scheduled plan": _("The schedule asked for a plan"),
    "request scheduled sync": _("The schedule asked for a sync"),
    "request sync": _("Asked for a sync"),
    "request sync after approval": _("Asked for a sync after approving"),
    "request undo": _("Asked to undo a run"),
    "request undo after approval": _("Asked to undo after approving"),
    "remove second factor": _("Removed a second factor"),
    "renew second factor": _("Renewed recovery codes"),
    "reset password": _("Chose a new password by a link"),
    "revoke invitation": _("Took an invitation back"),
    "rotate keys": _("Encrypted all secrets with a new key"),
    "save active year": _("Saved the active year"),
    "save schedule": _("Saved the schedule"),
    "send passwords": _("Asked to send school-issued passwords"),
    "test notices": _("Tried the notices"),
    "upload file": _("Uploaded a file"),
    "use earlier file": _("Went back to an earlier file"),
}


def act_words(action: str) -> str:
    """An act without words of its own shows its name with a capital letter."""
    return str(ACTS.get(action, f"{action[:1].upper()}{action[1:].replace('_', ' ')}"))
