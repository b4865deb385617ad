"""Holds name their school. The column was there for details, and never held any."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("store", "0007_notices")]

    operations = [migrations.RenameField("holdrow", "details", "school_name")]
