"""Contract suites for connectors, and what they are made of. For tests only; needs pytest and hypothesis.

    from rollbook.testing import TargetContract

    class TestMyLms(TargetContract):
        @pytest.fixture
        def target(self, context): ...
        @pytest.fixture
        def peek(self): ...

Each promise of `rollbook.connectors.base` is one test of `SourceContract` or `TargetContract`. Those of
`rollbook.connectors.gradebook` are in `grade_source_contract.GradeSourceContract` and
`grade_sink_contract.GradeSinkContract`, those of a place for files in `blob_contract.BlobContract`.
"""

import pytest

pytest.register_assert_rewrite("rollbook.testing.source_contract", "rollbook.testing.target_contract")
pytest.register_assert_rewrite("rollbook.testing.target_faults", "rollbook.testing.watch")
pytest.register_assert_rewrite("rollbook.testing.blob_contract")
pytest.register_assert_rewrite("rollbook.testing.grade_source_contract", "rollbook.testing.grade_sink_contract")
pytest.register_assert_rewrite("rollbook.testing.grade_faults", "rollbook.testing.grade_samples")

from rollbook.testing.builders import Sender, change, ladder  # noqa: E402 - after the assertions are registered
from rollbook.testing.source_contract import SourceContract  # noqa: E402
from rollbook.testing.target_contract import TargetContract  # noqa: E402
from rollbook.testing.watch import CountingContext, make_context  # noqa: E402

__all__ = [
    "CountingContext",
    "Sender",
    "SourceContract",
    "TargetContract",
    "change",
    "ladder",
    "make_context",
]
