"""Every fixture file in turn, as a raw table."""

from __future__ import annotations

import pyarrow as pa
import pytest

from unit.observe.fixture_tables import BROKEN, GOOD, name_of, raw_table


@pytest.fixture(params=GOOD, ids=name_of)
def good_table(request: pytest.FixtureRequest) -> pa.Table:
    """Give each fixture whose rows are all sound."""
    return raw_table(request.param)


@pytest.fixture(params=BROKEN, ids=name_of)
def broken_table(request: pytest.FixtureRequest) -> pa.Table:
    """Give each fixture whose rows are all at fault."""
    return raw_table(request.param)
