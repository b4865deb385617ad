"""One row for everything a person or the clock did. Never holds a secret or a password."""

from __future__ import annotations

from rollbook.store.models import AuditRow


def audit(*, by: str, action: str, organization: str = "", subject: str = "", details: str = "") -> None:
    """Write the row inside the caller's transaction, so that neither is there without the other."""
    AuditRow.objects.create(by=by, action=action, organization=organization, subject=subject, details=details)
