"""A process that works the queue, and its heart beat."""

from __future__ import annotations

from django.db import models


class WorkerRow(models.Model):
    """`beat` only ever grows while the process lives; others watch it by their own clocks, so that no clock set back
    makes anybody dead or immortal. `seen_at` is for people."""

    id = models.CharField(primary_key=True, max_length=64)
    host = models.TextField(default="")
    pid = models.PositiveIntegerField(default=0)
    beat = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.id
