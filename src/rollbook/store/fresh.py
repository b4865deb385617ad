"""Makes the tables of an empty SQLite database at once, as this release has them.

A first start would else live through the whole history of the tables, which takes seconds: Django builds every model
anew for each step. Nothing is taken over from earlier releases here, so all that counts is how the tables end up;
`tests/integration/test_fresh_tables.py` holds them against those that the migrations make.
"""

from __future__ import annotations

from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model


def make_fresh_tables() -> bool:
    """All tables of this process's apps, with their migrations noted as applied; False where that is not for us:
    something is there already, or the database is not SQLite. What apps fill in afterwards is left to `migrate`."""
    if connection.vendor != "sqlite":
        return False
    if connection.introspection.table_names():
        return False
    recorder = MigrationRecorder(connection)
    models: list[type[Model]] = [recorder.Migration, *apps.get_models()]
    with connection.schema_editor() as editor:  # in one transaction
        for model in models:
            if model._meta.managed and not model._meta.proxy:
                editor.create_model(model)
        for app, name in sorted(MigrationLoader(connection).disk_migrations):
            recorder.record_applied(app, name)
    return True
