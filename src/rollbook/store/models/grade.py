"""What is remembered of the grades of each section: decisions, what was seen, and the ledger's versions."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization
from rollbook.store.models.run import Run


class GradeSection(models.Model):
    """A section whose grades go back; `code` is the class sourcedId. `categories` is its map: LMS category id → SIS
    category id, "" for not to be sent; what is not in it is undecided. `seen` are the categories of both sides as last
    read: {"lms": [{id, title}], "sis": [{id, title}]}. `trouble` says why it could not be read the last time. `status`
    and `counts` tell how its items stand, and are written with them (`store.grade_states`): lists of thousands of
    sections count nothing. `admins_at` is when its course admins were last seen in the LMS."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="grade_sections")
    code = models.TextField()
    categories = models.JSONField(default=dict)
    seen = models.JSONField(default=dict)
    trouble = models.TextField(default="")
    seen_at = models.DateTimeField(null=True)
    synced_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=20, default="", blank=True)
    counts = models.JSONField(default=dict)
    admins_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["organization", "code"], name="one_grade_section"),)
        indexes = (models.Index(fields=["organization", "status"], name="grade_section_status"),)

    def __str__(self) -> str:
        return f"grade section {self.pk}"


class GradeItem(models.Model):
    """A graded item as last seen; `item` is its LMS id, `key` the sourcedId of its line item. `state`, `code` and
    `detail` are those of `passback.grade_types.ItemNote`, `choice` what the teacher decided. `send`, `held` and
    `waiting` count changes of the item and its grades that are planned, `failed` those that were not done, with the
    SIS's first `words`."""

    section = models.ForeignKey(GradeSection, on_delete=models.CASCADE, related_name="items")
    item = models.TextField()
    key = models.CharField(max_length=40)
    title = models.TextField()
    due = models.CharField(max_length=20, default="")
    points = models.FloatField(null=True)
    category = models.TextField(default="")
    period = models.TextField(default="")
    state = models.CharField(max_length=12)
    code = models.CharField(max_length=40, default="")
    detail = models.TextField(default="")
    choice = models.CharField(max_length=10, default="")
    send = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    words = models.TextField(default="")
    synced_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("due", "title", "id")
        constraints = (models.UniqueConstraint(fields=["section", "item"], name="one_grade_item"),)

    def __str__(self) -> str:
        return f"graded item {self.pk}"


class GradeLedgerRow(models.Model):
    """A version of a section's grade ledger: `blob` is its file; the highest number is current."""

    section = models.ForeignKey(GradeSection, on_delete=models.CASCADE, related_name="ledger")
    number = models.PositiveIntegerField()
    blob = models.CharField(max_length=80)
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["section", "number"], name="one_grade_ledger_number"),)

    def __str__(self) -> str:
        return f"grade ledger {self.number}"


class SectionAdmin(models.Model):
    """A course admin of a section as last seen in the LMS, whoever added them; `person` is their unique id. With
    `until`, only a launch said so, and nobody could be asked: it counts until then."""

    section = models.ForeignKey(GradeSection, on_delete=models.CASCADE, related_name="admins")
    person = models.TextField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["section", "person"], name="one_section_admin"),)
        indexes = (models.Index(fields=["person"], name="section_admin_person"),)

    def __str__(self) -> str:
        return f"section admin {self.pk}"


class TeacherLook(models.Model):
    """Asks the LMS in which sections a person is a course admin now; `person` is their unique id. Asked for by their
    pages (`asked_at`), done by a worker (`claimed_at`, `looked_at`); `failed`: the LMS did not say, the last time."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    person = models.TextField()
    asked_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True)
    failed = models.BooleanField(default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["organization", "person"], name="one_teacher_look"),)
        indexes = (models.Index(fields=["asked_at"], name="teacher_look_asked"),)

    def __str__(self) -> str:
        return f"teacher look {self.pk}"


class GradeSync(models.Model):
    """A run as one section met it: how many changes it sent there, and how many of them failed."""

    section = models.ForeignKey(GradeSection, on_delete=models.CASCADE, related_name="syncs")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    trouble = models.TextField(default="", blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["section", "run"], name="one_grade_sync"),)

    def __str__(self) -> str:
        return f"grade sync {self.pk}"
