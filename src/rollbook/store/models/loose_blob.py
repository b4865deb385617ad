"""Blobs that nothing points to any more, and since when."""

from __future__ import annotations

from django.db import models


class LooseBlob(models.Model):
    key = models.CharField(primary_key=True, max_length=80)
    since = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key
