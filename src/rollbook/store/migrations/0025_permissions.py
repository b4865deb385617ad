import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("store", "0024_kept_for_pages"),
    ]

    operations = [
        migrations.CreateModel(
            name="TeacherPermission",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("person", models.TextField()),
                ("lms_account", models.TextField()),
                ("ciphertext", models.TextField()),
                ("given_at", models.DateTimeField()),
                ("refused_at", models.DateTimeField(null=True)),
                (
                    "membership",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="permission", to="store.membership"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PermissionRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("session", models.CharField(max_length=64)),
                ("section", models.TextField(blank=True, default="")),
                ("apart", models.BooleanField(default=False)),
                ("ciphertext", models.TextField()),
                ("expires_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "membership",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="permission_requests",
                        to="store.membership",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["expires_at"], name="permission_request_expires")],
            },
        ),
    ]
