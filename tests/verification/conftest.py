"""Practice systems for the verification tests: one server a module, a fresh LMS or Moodle for every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.verification import moodle_client
from tests.verification.lms_client import Client, Switchboard, connected, served


@pytest.fixture(scope="module")
def lms_server() -> Iterator[tuple[Switchboard, str]]:
    with served() as found:
        yield found


@pytest.fixture
def lms_with(lms_server: tuple[Switchboard, str]) -> Iterator[Callable[..., Client]]:
    """Makes a client of a fresh practice LMS with chosen settings; once in a test."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Client:
            return stack.enter_context(connected(*lms_server, **settings))

        yield make


@pytest.fixture
def lms(lms_with: Callable[..., Client]) -> Client:
    return lms_with()


@pytest.fixture
def moodle_with(lms_server: tuple[Switchboard, str]) -> Iterator[Callable[..., moodle_client.Client]]:
    """Makes a client of a fresh practice Moodle with chosen settings; once in a test."""
    with ExitStack() as stack:

        def make(**settings: Any) -> moodle_client.Client:
            return stack.enter_context(moodle_client.connected(*lms_server, **settings))

        yield make


@pytest.fixture
def moodle(moodle_with: Callable[..., moodle_client.Client]) -> moodle_client.Client:
    return moodle_with()
