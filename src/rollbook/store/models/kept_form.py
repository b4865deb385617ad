"""What somebody had typed when their sign-in had expired."""

from __future__ import annotations

from django.db import models

from rollbook.store.models.account import Account


class KeptForm(models.Model):
    """`token` is a digest of what the browser holds; `page` the address of the form, which names the organization;
    `fields` are encrypted, and without secrets."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="kept_forms")
    token = models.CharField(max_length=64, unique=True)
    page = models.TextField()
    fields = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"kept form {self.pk}"
