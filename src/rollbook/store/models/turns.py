"""How often something was asked for, counted for all processes of an installation."""

from __future__ import annotations

from django.db import models


class TurnsRow(models.Model):
    """`left` turns were left at the moment `at`; they come back evenly."""

    name = models.CharField(max_length=80, unique=True)
    left = models.FloatField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class CacheRow(models.Model):
    """What Django's database cache keeps, in the shape that it wants: the failed sign-ins of the last minutes."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "store_cache"

    def __str__(self) -> str:
        return self.cache_key
