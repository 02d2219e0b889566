"""What each audience may see: how coarse, how late, and whether parties, settlements and event ids are named."""

from __future__ import annotations

from truceline.model.released import Audience, ReleasePolicy

POLICIES: dict[Audience, ReleasePolicy] = {
    "mission": ReleasePolicy(
        audience="mission",
        cell_deg=0.05,
        delay_hours=0.0,
        party_probability_shown=True,
        time_step_s=0.0,
        settlement_name_shown=True,
        event_id_shown=True,
    ),
    "public": ReleasePolicy(
        audience="public",
        cell_deg=0.2,
        delay_hours=24.0,
        party_probability_shown=False,
        time_step_s=3600.0,
        settlement_name_shown=False,
        event_id_shown=False,
    ),
}
"""The two policies of first light; an agreement may ask for others, which are then data of the same shape."""


def policy_for(audience: Audience) -> ReleasePolicy:
    """Give the policy of an audience."""
    return POLICIES[audience]
