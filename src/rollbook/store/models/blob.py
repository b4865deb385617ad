"""Files in the database, for workers on several machines."""

from __future__ import annotations

from django.db import models


class BlobRow(models.Model):
    """`key` holds the checksum of the content; `size` is in bytes."""

    key = models.CharField(primary_key=True, max_length=80)
    size = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key


class BlobChunk(models.Model):
    """At most 8 MiB of a blob; `number` counts from 0."""

    blob = models.ForeignKey(BlobRow, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["blob", "number"], name="one_chunk"),)

    def __str__(self) -> str:
        return f"chunk {self.number}"
