"""The outbox: notices to people and programs, one row for each who is told. Delivered by the engine."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization
from rollbook.store.models.run import Run


class NoticeState(models.TextChoices):
    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class NoticeRow(models.Model):
    """`events` are words with spaces between them; `content` is what is told, without personal data. `to` is a mail
    address or a URL. `key` names what happened, so that it is told once. `attempts` only grows: whoever raises it
    may send. Until `next_at` nobody tries, or somebody is trying."""

    id = models.CharField(primary_key=True, max_length=40)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="notices")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, null=True, related_name="notices")
    key = models.CharField(max_length=120)
    events = models.CharField(max_length=120)
    content = models.JSONField()
    channel = models.CharField(max_length=10)
    to = models.TextField()
    digest = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=NoticeState.choices, default=NoticeState.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField()
    error = models.TextField(default="")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("created_at", "id")
        indexes = (models.Index(fields=["state", "next_at"], name="notice_due"),)
        constraints = (
            models.UniqueConstraint(fields=["organization", "key", "channel", "to"], name="one_notice_of_a_kind"),
        )

    def __str__(self) -> str:
        return self.id
