"""The practice Moodle, an emulator of Moodle's web services; FACTS.md says where each behaviour comes from."""

from rollbook.practice.moodle.app import create_moodle
from rollbook.practice.moodle.catalogue import fault_names
from rollbook.practice.moodle.settings import Settings

__all__ = ["Settings", "create_moodle", "fault_names"]
