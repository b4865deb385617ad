"""The list of sections that Rollbook gave, as pages show it: of hundreds of thousands, they read one page."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization


class SectionLine(models.Model):
    """A section of the roster's ledger; `code` is the class sourcedId, `school` the org it counts for, or "". `words`
    are title and code, casefolded and cut: to order by, and to find in. `status` is that of its `GradeSection`, ""
    before there is one, and `rank` its place among them (`store.grade_words.RANKS`)."""

    organization = models.ForeignKey(  # the other indexes begin with it
        Organization, on_delete=models.CASCADE, related_name="section_lines", db_index=False
    )
    code = models.TextField()
    year = models.CharField(max_length=20)
    school = models.TextField(default="", blank=True)
    title = models.TextField(default="", blank=True)
    words = models.CharField(max_length=300)
    status = models.CharField(max_length=20, default="", blank=True)
    rank = models.PositiveSmallIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["organization", "code"], name="one_section_line"),)
        indexes = (
            models.Index(fields=["organization", "year", "rank", "words"], name="section_line_order"),
            models.Index(fields=["organization", "year", "school", "rank", "words"], name="section_line_school"),
        )

    def __str__(self) -> str:
        return f"section line {self.pk}"
