"""Launches: a teacher opens Rollbook from a course of the LMS. What LTI and SAML have in common stands here."""
