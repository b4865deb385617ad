"""What belongs to the installation as a whole."""

from __future__ import annotations

from django.db import models


class InstallationSecret(models.Model):
    """A secret of all web processes, such as the one that signs sessions; encrypted."""

    name = models.CharField(max_length=40, unique=True)
    ciphertext = models.TextField()

    def __str__(self) -> str:
        return self.name
