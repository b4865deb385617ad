"""Tells Django about the pages: their templates and static files. They have no tables of their own."""

from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "rollbook.web"
    label = "web"

    def ready(self) -> None:
        from rollbook.web.launches import session
        from rollbook.web.sign_in_audit import listen

        listen()
        session.listen()
