"""The practice LMS, a Schoology-compatible emulator; FACTS.md says where each behaviour comes from."""

from rollbook.practice.lms.app import create_lms
from rollbook.practice.lms.catalogue import fault_names
from rollbook.practice.lms.settings import Settings

__all__ = ["Settings", "create_lms", "fault_names"]
