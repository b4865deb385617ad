"""Where the sign-in library looks for the providers of an app."""

from __future__ import annotations

from typing import Final

from rollbook.web.oidc import Provider

provider_classes: Final = [Provider]
