"""Tells Django about the store."""

from __future__ import annotations

from django.apps import AppConfig


class StoreConfig(AppConfig):
    name = "rollbook.store"
    label = "store"
    default_auto_field = "django.db.models.BigAutoField"
