"""The pages. Importing anything of it gives Django the settings of the web side, unless the store was there before."""

from __future__ import annotations

from rollbook.web.django_settings import configure

configure()
