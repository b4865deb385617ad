"""One tenant."""

from __future__ import annotations

from django.db import models


class Organization(models.Model):
    """`compare_live` forces a comparison with the live LMS before the next plan (set by a restore). `acting` is the one
    account that may change settings and start runs in the pages (rule 30)."""

    slug = models.SlugField(max_length=63, unique=True)
    name = models.TextField()
    timezone = models.CharField(max_length=64, default="UTC")
    compare_live = models.BooleanField(default=False)
    acting = models.ForeignKey("store.Account", on_delete=models.SET_NULL, null=True, related_name="acts_in")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.slug
