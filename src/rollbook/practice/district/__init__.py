"""A district generator: realistic OneRoster CSV, day by day, with named kinds of mess."""

from .generate import generate
from .mess import mess_descriptions, mess_names

__all__ = ["generate", "mess_descriptions", "mess_names"]
