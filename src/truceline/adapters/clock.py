"""The one place with a clock; everything else is told the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present moment in UTC."""


def system_now() -> datetime:
    """Give this machine's present time, aware and in UTC."""
    return datetime.now(tz=UTC)
