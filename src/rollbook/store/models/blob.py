"""Immutable files as rows: used where the database is PostgreSQL, empty where files lie in the data folder."""

from __future__ import annotations

from django.db import models


class BlobHead(models.Model):
    """A blob is there when its head is; `pieces` and `size` say what whole means."""

    key = models.CharField(primary_key=True, max_length=80)
    size = models.PositiveBigIntegerField()
    pieces = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key


class BlobPiece(models.Model):
    """Piece `number` of a blob, from 0. Without a foreign key: a head may go before its pieces."""

    key = models.CharField(max_length=80)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["key", "number"], name="one_blob_piece"),)

    def __str__(self) -> str:
        return f"{self.key} {self.number}"
