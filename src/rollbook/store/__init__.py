"""The memory: the one Django app with tables. It keeps what others decide and decides nothing itself.

Importing anything of it configures Django, with a database in memory until `rollbook.store.setup` opens a folder.
"""

from __future__ import annotations

from rollbook.store.django_settings import configure

configure()
