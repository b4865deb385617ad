"""One tenant."""

from __future__ import annotations

from django.db import models


class Organization(models.Model):
    """`compare_live` forces a comparison with the live LMS before the next plan (set by a restore)."""

    slug = models.SlugField(max_length=63, unique=True)
    name = models.TextField()
    timezone = models.CharField(max_length=64, default="UTC")
    compare_live = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.slug
