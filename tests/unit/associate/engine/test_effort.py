"""How much the search spends follows from how heavy the fire is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from truceline.associate.engine.effort import CALM, HEAVY, HEAVY_RATE_HZ, effort_at


@given(st.floats(0.0, 10.0, allow_nan=False))
def test_fire_is_heavy_from_one_rate_on(rate_hz: float) -> None:
    """Up to the rate at which fire is called heavy the calm effort is made, and above it the other."""
    expected = HEAVY if rate_hz > HEAVY_RATE_HZ else CALM

    assert expected == effort_at(rate_hz)


def test_heavy_fire_gives_up_sooner_and_is_put_right_for_longer() -> None:
    """Under heavy fire one detection may cost less, and air and events are brought to rest more carefully."""
    assert HEAVY.quick.crowded_count < CALM.quick.crowded_count
    assert HEAVY.careful.far_count < CALM.careful.far_count
    assert HEAVY.gain_per_event_ratio < CALM.gain_per_event_ratio
