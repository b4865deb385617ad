"""Launches of Schoology's App Center: a signed SAML 2.0 response that the browser of a teacher brings (ADR 33)."""
