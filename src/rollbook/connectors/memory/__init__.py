"""The reference connector: a SIS and an LMS that live in this process. Start here to write your own (README.md)."""

from rollbook.connectors.base import Connector
from rollbook.connectors.memory.grades import MemoryGradeSink, MemoryGradeSource
from rollbook.connectors.memory.options import MemoryOptions
from rollbook.connectors.memory.source import MemorySource
from rollbook.connectors.memory.target import MemoryTarget

CONNECTOR = Connector(
    name="memory",
    title="Memory",
    options=MemoryOptions,
    source=MemorySource,
    target=MemoryTarget,
    grade_source=MemoryGradeSource,
    grade_sink=MemoryGradeSink,
    practice=True,
)
