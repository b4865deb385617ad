"""A OneRoster provider, 1.1 and 1.2, over a folder of CSV; imports nothing of Rollbook outside practice."""

from rollbook.practice.sis.app import create_sis
from rollbook.practice.sis.catalogue import fault_names

__all__ = ["create_sis", "fault_names"]
