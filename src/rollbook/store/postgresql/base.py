"""A connection that heals outside transactions: after an error it is tried, and replaced when it is broken.

Django does this between web requests only; our workers have none. Within a transaction nothing is ever repeated.
"""

from __future__ import annotations

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def ensure_connection(self) -> None:
        if self.errors_occurred and not self.in_atomic_block and self.connection is not None:
            self.errors_occurred = False
            if not self.is_usable():
                self.close()
        super().ensure_connection()
