"""How many sections of a year and school stand how: of hundreds of thousands of lines, pages count none."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.organization import Organization


class SectionCount(models.Model):
    """`number` more (or fewer) `SectionLine`s with this year, school and rank. Rows are added beside each change of
    lines, in its transaction, and never changed: the sum is the count, and nobody waits for anybody."""

    organization = models.ForeignKey(  # the index begins with it
        Organization, on_delete=models.CASCADE, related_name="section_counts", db_index=False
    )
    year = models.CharField(max_length=20)
    school = models.TextField(default="", blank=True)
    rank = models.PositiveSmallIntegerField()
    number = models.IntegerField()

    class Meta:
        indexes = (models.Index(fields=["organization", "year", "school", "rank", "number"], name="section_counts"),)

    def __str__(self) -> str:
        return f"section count {self.pk}"
