"""Tables for immutable files. Parquet is compressed already, so PostgreSQL is told not to try again."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models


def _store_as_it_is(apps: Any, editor: Any) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute("ALTER TABLE store_blobpiece ALTER COLUMN data SET STORAGE EXTERNAL")


class Migration(migrations.Migration):
    dependencies = [("store", "0004_engine")]

    operations = [
        migrations.CreateModel(
            name="BlobHead",
            fields=[
                ("key", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("size", models.PositiveBigIntegerField()),
                ("pieces", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="BlobPiece",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=80)),
                ("number", models.PositiveIntegerField()),
                ("data", models.BinaryField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("key", "number"), name="one_blob_piece")],
            },
        ),
        migrations.RunPython(_store_as_it_is, migrations.RunPython.noop),
    ]
