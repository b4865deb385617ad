"""Which address leads to which view."""

from __future__ import annotations

from django.urls import path

from rollbook.web.health import healthz, readyz
from rollbook.web.metrics import metrics

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
]
