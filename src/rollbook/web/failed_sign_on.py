"""When single sign-on fails for a reason that may stand in the log."""

from __future__ import annotations

from allauth.socialaccount.providers.oauth2.client import OAuth2Error


class NotTrusted(OAuth2Error):
    """What the provider answered cannot be used; in our own words, without anything it sent."""
