"""What was agreed: parties, windows, the domains a text covers, and how each domain is watched."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from truceline.model.quantity import TimeSpan, require_between

AGREEMENT_SCHEMA_NAME = "truceline.agreement/1"


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of conduct that can be watched on its own: a series, and which of its records count.

    `series` names the observation kind. For claims: `actor` is the party whose conduct it is, `claimant` the party
    whose bulletins are read, `measure` which number counts. For reports: `report_flag` says which reports count and
    `volume_normalised` that all reports of the feed measure how much was written that day. `coverage_hours` is how far
    back before its posting a claim without stated times reaches.
    """

    domain_id: str
    title: str
    series: Literal["media_report", "party_claim"]
    actor: str | None = None
    claimant: str | None = None
    weapon_classes: tuple[str, ...] = ()
    measure: Literal["launched", "destroyed"] = "launched"
    report_flag: Literal["kinetic", "energy_object"] | None = None
    volume_normalised: bool = False
    coverage_hours: float | None = None


class Provision(msgspec.Struct, frozen=True, kw_only=True):
    """One assessable clause of a first-light agreement: which conduct it prohibits, in our own summary.

    `window_ids` names the windows in which the clause is in force; empty means every window of the text.
    """

    provision_id: str
    article: str
    summary: str
    prohibits: Literal["any_fire", "attack_on_energy_object"]
    parties: tuple[str, ...]
    window_ids: tuple[str, ...] = ()


class TruceWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A span in which conduct was to stop, who declared it, and which domains its text covers."""

    window_id: str
    span: TimeSpan
    declared_by: str
    accepted_by_other: str
    scope: str
    covered_domain_ids: tuple[str, ...]


class Theatre(msgspec.Struct, frozen=True, kw_only=True):
    """What does not change from text to text: parties, time zone, evening cut-off of a reporting day, domains.

    `bounds_deg` is the ground concerned as west, south, east, north; `None` where it is not given.
    """

    theatre_id: str
    title: str
    parties: tuple[str, str]
    timezone_name: str
    evening_cutoff_hour: float
    domains: tuple[Domain, ...]
    bounds_deg: tuple[float, float, float, float] | None = None

    def __post_init__(self) -> None:
        """Check that the parties differ, the cut-off is an hour of a day, and no domain stands twice."""
        require_between("evening_cutoff_hour", self.evening_cutoff_hour, 0.0, 24.0)
        if self.parties[0] == self.parties[1]:
            raise ValueError(f"parties={self.parties} are one and the same")
        if self.bounds_deg is not None:
            west_deg, south_deg, east_deg, north_deg = self.bounds_deg
            require_between("bounds west", west_deg, -180.0, east_deg)
            require_between("bounds east", east_deg, west_deg, 180.0)
            require_between("bounds south", south_deg, -90.0, north_deg)
            require_between("bounds north", north_deg, south_deg, 90.0)
        ids = [domain.domain_id for domain in self.domains]
        if len(set(ids)) != len(ids):
            raise ValueError(f"domains={ids} name one domain twice")

    def other_party(self, party: str) -> str:
        """Give the other party."""
        assert party in self.parties, f"party={party} is not of this theatre {self.parties}"
        return self.parties[1] if party == self.parties[0] else self.parties[0]


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a text, machine-readable, with its sources; the theatre it belongs to stands beside it."""

    agreement_id: str
    version: str
    title: str
    theatre_id: str
    windows: tuple[TruceWindow, ...]
    provisions: tuple[Provision, ...]
    sources: tuple[str, ...]
    schema_name: str = AGREEMENT_SCHEMA_NAME

    def in_force(self, moment: datetime) -> TruceWindow | None:
        """Give the window that covers a moment, or `None`."""
        return next((window for window in self.windows if window.span.start <= moment < window.span.end), None)
