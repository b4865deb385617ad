"""An organization whose notices go to a mail server and a webhook of this test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from rollbook.connectors.memory.space import Space
from tests.cli.kit import Command, open_store
from tests.post import Mailbox, Receiver, mail_server, webhook_receiver

SECRET = "a-secret-of-the-webhook"


class Told:
    """`maple` with its SIS and LMS in memory, and what was told about it."""

    def __init__(self, rollbook: Command, space: Space, file: Path, box: Mailbox, hook: Receiver) -> None:
        self.rollbook, self.space, self.file, self.box, self.hook = rollbook, space, file, box, hook
        self._plain = file.read_text()

    def tell(self, **more: Any) -> None:
        """Import settings that tell one address and the webhook; `more` are further settings of `notices`."""
        lines = [f"  {key}: {value}" for key, value in more.items()]
        webhook = f'  webhooks: [{{url: "{self.hook.url}", secret: {SECRET}}}]'
        self.settings("\n".join(["notices:", "  email: [admin@maple.example]", webhook, *lines]))

    def settings(self, more: str) -> None:
        self.file.write_text(f"{self._plain}\n{more}\n")
        self.rollbook("config", "import", str(self.file), schema="config-import")

    def sync(self, code: int = 0) -> dict[str, Any]:
        return dict(self.rollbook("sync", "maple", code=code))

    def deliver(self, now: datetime | None = None, **more: timedelta) -> int:
        from rollbook.engine.notices import deliver_due

        with open_store(self.rollbook.data) as folder:
            return deliver_due(folder, (now or timezone.now()) + sum(more.values(), timedelta()))

    def outbox(self) -> list[dict[str, Any]]:
        return list(self.rollbook("notices", "list", "maple", schema="notices")["notices"])


@pytest.fixture
def told(rollbook: Command, world: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    with ExitStack() as stack:
        box, hook = stack.enter_context(mail_server()), stack.enter_context(webhook_receiver())
        monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
        monkeypatch.setenv("ROLLBOOK_SMTP_URL", f"smtp://127.0.0.1:{box.port}?tls=none")
        monkeypatch.setenv("ROLLBOOK_MAIL_FROM", "rollbook@maple.example")
        found = Told(rollbook, world, tmp_path / "maple.yaml", box, hook)
        found.tell()
        yield found
