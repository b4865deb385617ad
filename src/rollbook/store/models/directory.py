"""What the pages offer to choose from, as the SIS or LMS last told it."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization


class DirectoryRow(models.Model):
    """One list of one side: `name` is e.g. `sis.orgs`, `sis.academicSessions`, `lms.building`, `lms.grading_period`,
    `lms.roles`. `rows` are plain records. `digest` is that of the connection it was read over."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="directory")
    name = models.CharField(max_length=40)
    rows = models.JSONField(default=list)
    read_at = models.DateTimeField()
    digest = models.CharField(max_length=64, default="")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["organization", "name"], name="one_directory"),)

    def __str__(self) -> str:
        return self.name
