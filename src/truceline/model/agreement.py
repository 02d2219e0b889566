"""What was agreed: parties, lines, zones, terms and clauses of one version of a text, and how conduct is watched."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from truceline.model.definition import AgreedBody, Definition, ObjectClass, TextSource, ThirdActor
from truceline.model.in_force import InForce, Precondition, Stage
from truceline.model.provision import Provision
from truceline.model.quantity import TimeSpan, require_between
from truceline.model.zone import AgreedGeometry, AgreedLine, GeometryReference, PartyLine, Zone

AGREEMENT_SCHEMA_NAME = "truceline.agreement/2"


class Domain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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


class TruceWindow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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


class ForceSpan(msgspec.Struct, frozen=True, kw_only=True):
    """One span in which a clause holds, and the window that gives it (`None`: the clause's or the text's own span)."""

    span: TimeSpan
    window_id: str | None = None


class Agreement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of a text, machine-readable, with its sources; the theatre it belongs to stands beside it.

    `version_by` is the party whose version it is, `None` where there is one text. `amends` is the text it is a layer
    on: its clauses hold beside that text's, or in the place of those they replace. `reference_lines` say from which
    line each party's depths are measured. `in_force` is when the text holds; a text of windows only may leave it out.
    `geometries` are what was read for its lines and zones, so that the record holds everything a finding depends on.
    """

    agreement_id: str
    version: str
    title: str
    theatre_id: str
    parties: tuple[str, str]
    sources: tuple[TextSource, ...]
    provisions: tuple[Provision, ...]
    version_by: str | None = None
    amends: str | None = None
    third_actors: tuple[ThirdActor, ...] = ()
    in_force: InForce | None = None
    windows: tuple[TruceWindow, ...] = ()
    lines: tuple[AgreedLine, ...] = ()
    reference_lines: tuple[PartyLine, ...] = ()
    zones: tuple[Zone, ...] = ()
    object_classes: tuple[ObjectClass, ...] = ()
    definitions: tuple[Definition, ...] = ()
    stages: tuple[Stage, ...] = ()
    preconditions: tuple[Precondition, ...] = ()
    bodies: tuple[AgreedBody, ...] = ()
    geometries: tuple[AgreedGeometry, ...] = ()
    schema_name: str = AGREEMENT_SCHEMA_NAME

    def __post_init__(self) -> None:
        """Check that the parties differ and that it can be said when the text holds."""
        if self.parties[0] == self.parties[1]:
            raise ValueError(f"parties={self.parties} are one and the same")
        if self.version_by is not None and self.version_by not in self.parties:
            raise ValueError(f"version_by={self.version_by!r} is not among {self.parties}")
        if self.in_force is None and not self.windows:
            raise ValueError("in_force and windows are both missing")

    def window_at(self, moment: datetime) -> TruceWindow | None:
        """Give the window that covers a moment, or `None`."""
        return next((window for window in self.windows if window.span.start <= moment < window.span.end), None)

    def spans_of(self, provision: Provision) -> tuple[ForceSpan, ...]:
        """Give every span in which a clause holds: its own, else its windows, else the text's; none if undated."""
        own = provision.in_force
        if own is None and (provision.window_ids or self.in_force is None):
            return tuple(
                ForceSpan(span=window.span, window_id=window.window_id)
                for window in self.windows
                if not provision.window_ids or window.window_id in provision.window_ids
            )
        rule = own if own is not None else self.in_force
        assert rule is not None, "a text without windows has a span"
        return () if rule.span is None else (ForceSpan(span=rule.span),)

    def zone(self, zone_id: str) -> Zone | None:
        """Give a zone by its id, or `None`: it may stand in the text that this one amends."""
        return next((entry for entry in self.zones if entry.zone_id == zone_id), None)

    def line(self, line_id: str) -> AgreedLine | None:
        """Give a line by its id, or `None`."""
        return next((entry for entry in self.lines if entry.line_id == line_id), None)

    def definition(self, definition_id: str) -> Definition | None:
        """Give a term by its id, or `None`."""
        return next((entry for entry in self.definitions if entry.definition_id == definition_id), None)

    def stage(self, stage_id: str) -> Stage | None:
        """Give a step of the schedule by its id, or `None`."""
        return next((entry for entry in self.stages if entry.stage_id == stage_id), None)

    def provision(self, provision_id: str) -> Provision | None:
        """Give a clause by its id, or `None`."""
        return next((entry for entry in self.provisions if entry.provision_id == provision_id), None)

    def reference_line_of(self, party: str) -> AgreedLine | None:
        """Give the line from which a party's depth is measured, or `None` where the text names none."""
        named = next((entry.line_id for entry in self.reference_lines if entry.party == party), None)
        return None if named is None else self.line(named)

    def geometry(self, reference: GeometryReference) -> AgreedGeometry | None:
        """Give the geometry that was read for a reference, or `None` where the text was not read with its files."""
        return next((entry for entry in self.geometries if entry.reference == reference), None)
