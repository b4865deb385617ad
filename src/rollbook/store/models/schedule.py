"""What the clock remembers of an organization's schedule. The schedule itself stands in the settings."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization
from rollbook.store.models.run import River, Run


class ScheduleRow(models.Model):
    """`since` is the last reset, and `cause` what it was, in words; `grades_since` and `grades_cause` are those of the
    schedule of grades, None as long as it was never reset. `look_at` is when the clock has to look again, None
    for not before something changes; it was reckoned when the clock showed `reckoned_at`."""

    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, primary_key=True, related_name="schedule"
    )
    since = models.DateTimeField()
    cause = models.TextField(default="")
    grades_since = models.DateTimeField(null=True)
    grades_cause = models.TextField(default="", blank=True)
    look_at = models.DateTimeField(null=True, db_index=True)
    reckoned_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"schedule since {self.since}"


class QueuedSlot(models.Model):
    """A window start that has its run, one of each river. Unique: neither two processes nor a clock that is set back
    queue it twice."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="slots")
    river = models.CharField(max_length=10, choices=River.choices, default=River.ROSTER)
    slot = models.DateTimeField()
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="slots")
    queued_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["organization", "river", "slot"], name="one_run_a_slot"),)

    def __str__(self) -> str:
        return f"{self.slot}"
