"""What texts and events become before they are held against each other, where something is left open."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import numpy as np
import pytest

from laws.assess_world import (
    KIND_OF,
    LINE,
    NOON,
    assessor,
    clause,
    conduct,
    dated,
    findings,
    geometry,
    place,
    square,
    text,
    verdict,
)
from truceline.assess import candidates, places
from truceline.assess.assess_columns import Assessor
from truceline.assess.columns import Conduct, WeaponShare, columns_of
from truceline.assess.compile_stack import compile_texts
from truceline.assess.findings import findings_of
from truceline.model.agreement import Agreement
from truceline.model.in_force import InForce, Stage
from truceline.model.provision import Prohibition, Withdrawal
from truceline.model.quantity import TimeSpan
from truceline.model.weapon import WeaponTerm
from truceline.model.zone import AgreedLine, Area, Belt, BetweenLines, GeometryReference, LineSeries, Sites

BELTS = (Belt(zone_id="belt", depth_high_m=9e3),)
SECOND = GeometryReference(file="second.geojson")


def presence(*zone_ids: str) -> Prohibition:
    """Give a clause against being in zones."""
    found: Prohibition = clause(Prohibition, acts=("presence",), zone_ids=zone_ids)
    return found


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"act_probability": 1.2}, "act_probability"),
        ({"party_probabilities": {"A": 0.7, "B": 0.6}}, "sum of party_probabilities"),
        ({"party_probabilities": {"A": 1.0}, "actor_id": "press"}, "both given"),
    ],
)
def test_conduct_checks_itself(told: dict[str, object], said: str) -> None:
    """Probabilities are such, and one actor is named."""
    with pytest.raises(ValueError, match=said):
        Conduct(event_id="e", act="fire", time=TimeSpan(start=NOON, end=NOON), **told)  # type: ignore[arg-type]


def test_a_weapon_of_which_nothing_is_known_is_none() -> None:
    """A share names a type or a class."""
    with pytest.raises(ValueError, match="both missing"):
        WeaponShare(probability=0.5)


@pytest.mark.parametrize(
    ("share", "kind"),
    [
        (WeaponShare(type_id="named"), "potential"),
        (WeaponShare(type_id="left_out"), "none"),
        (WeaponShare(type_id="unheard_of"), "indeterminate"),
        (WeaponShare(type_id="unheard_of", weapon_class="tank"), "none"),
    ],
)
def test_without_a_catalogue_terms_and_classes_speak_for_themselves(share: WeaponShare, kind: str) -> None:
    """A type that no catalogue knows is meant where it is named, and else as its class says, if one is given."""
    term = WeaponTerm(title="", type_ids=("named",), excluded_type_ids=("left_out",), classes=("mlrs",))
    agreement = text(
        clause(Withdrawal, weapons=term, zone_ids=("belt",)), zones=(Belt(zone_id="belt", depth_high_m=9e3),)
    )
    entry = msgspec.structs.replace(conduct("presence", 1_000.0), weapons=(share,))
    bare = Assessor(compile_texts([agreement]))
    columns = columns_of([entry], parties=("A", "B"))
    found = {one.provision_id: KIND_OF[type(one)] for one in findings_of(bare.compiled, columns, bare.assess(columns))}

    assert kind == found.get("made.clause", "none")


def test_answers_kept_on_weapons_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for one answer the findings are the same."""
    monkeypatch.setattr(candidates, "KINDS_KEPT_COUNT", 1)
    term = WeaponTerm(title="", classes=("mlrs",))
    agreement = text(
        clause(Withdrawal, weapons=term, zone_ids=("belt",)), zones=(Belt(zone_id="belt", depth_high_m=9e3),)
    )
    shares = (WeaponShare(type_id="bm_21_grad", probability=0.5), WeaponShare(type_id="t_64", probability=0.5))
    entry = msgspec.structs.replace(conduct("presence", 1_000.0), weapons=shares)

    assert "potential" == verdict(entry, agreement)[0]


def test_rows_without_ids_are_named_by_their_number() -> None:
    """Columns may leave ids out; a finding then names the row."""
    one = assessor(text(clause(Prohibition, acts=("fire",))))
    columns = msgspec.structs.replace(
        columns_of([conduct("fire")], parties=("A", "B")), event_ids=(), revision_index=()
    )
    (found,) = findings_of(one.compiled, columns, one.assess(columns))

    assert ("row-0", 0) == (found.event_id, found.event_revision_index)


def test_lines_that_no_layer_describes_or_draws_are_lacking() -> None:
    """A belt along a line that is nowhere; one without a line where no party has one; ground between such lines."""
    kinds = []
    for zone in (
        Belt(zone_id="zone", line_id="gone", depth_high_m=5e3),
        Belt(zone_id="zone", line_id="undrawn", depth_high_m=5e3),
        BetweenLines(zone_id="zone", line_ids=("line", "gone")),
        BetweenLines(zone_id="zone", line_ids=("undrawn", "line")),
        BetweenLines(zone_id="zone", line_ids=("line", "series")),
    ):
        lines = (
            *text(presence("zone")).lines,
            AgreedLine(line_id="undrawn", title="Undrawn"),
            AgreedLine(line_id="series", title="Series", series=LineSeries()),
        )
        kinds.append(verdict(conduct("presence"), text(presence("zone"), zones=(zone,), lines=lines))[0])
    no_reference = text(presence("zone"), zones=(Belt(zone_id="zone", depth_high_m=5e3),), reference_lines=())

    assert ["indeterminate"] * 6 == [*kinds, verdict(conduct("presence"), no_reference)[0]]


def test_a_belt_for_one_party_is_no_zone_for_the_other() -> None:
    """A zone may hold for some parties only."""
    agreement = text(presence("zone"), zones=(Belt(zone_id="zone", depth_high_m=5e3, parties=("A",)),))

    assert ["potential", "compliant"] == [
        verdict(conduct("presence", 1_000.0, party=party), agreement)[0] for party in ("A", "B")
    ]


def test_own_ground_of_a_line_that_divides_nobodys_is_lacking() -> None:
    """Where a drawing does not say whose ground is on its left, own ground cannot be told; nor a third actor's."""
    zone = Belt(zone_id="zone", line_id="line", depth_high_m=5e3, ground="own")
    undivided = text(presence("zone"), zones=(zone,), lines=(AgreedLine(line_id="line", title="L", drawn=LINE),))
    third = text(clause(Prohibition, acts=("presence",), zone_ids=("zone",), actor_ids=("force",)), zones=(zone,))

    assert "indeterminate" == verdict(conduct("presence"), undivided)[0]
    assert "indeterminate" == verdict(conduct("presence", party=None, actor_id="force"), third)[0]


def test_a_stage_of_a_text_that_nobody_dated_is_lacking() -> None:
    """A clause with a span of its own, but a stage that waits for the text's undated trigger."""
    span = InForce(timezone_name="UTC", start=NOON - timedelta(days=9))
    agreement = text(
        clause(Prohibition, acts=("fire",), stage_id="one", in_force=span),
        stages=(Stage(stage_id="one", title="One", complete_within_days=1.0),),
        in_force=InForce(timezone_name="UTC", trigger="peace"),
    )
    chained = msgspec.structs.replace(
        agreement,
        stages=(*agreement.stages, Stage(stage_id="two", title="Two", after_stage_id="one")),
        provisions=(clause(Prohibition, acts=("fire",), stage_id="two", in_force=span),),
    )

    assert ["indeterminate"] * 2 == [verdict(conduct("fire"), one)[0] for one in (agreement, chained)]


def with_second(*zone_ids: str, **more: object) -> Agreement:
    """Give a text with a belt, an area and sites, some of them named together."""
    zones = (
        Belt(zone_id="belt", depth_high_m=5e3),
        Area(zone_id="area", drawn=SECOND),
        Sites(zone_id="sites", drawn=SECOND, radius_m=100.0),
    )
    whole = text(presence(*zone_ids), zones=zones, **more)
    return msgspec.structs.replace(whole, geometries=(*whole.geometries, geometry(square(0.0, 0.0, 4e3), SECOND)))


def test_parts_along_a_line_of_each_day_are_added() -> None:
    """An area and a belt along a line that changes are joined by their sum, at most one."""
    lines = (AgreedLine(line_id="line", title="L", series=LineSeries()),)
    entry = conduct("presence", 4_600.0, sigma_m=500.0)
    probabilities = [
        findings(entry, with_second(*names, lines=lines), lines=(dated(NOON, 38.0),))["made.clause"].probability  # type: ignore[union-attr]
        for names in (("belt",), ("area",), ("belt", "area"))
    ]

    assert min(1.0, probabilities[0] + probabilities[1]) == pytest.approx(probabilities[2])


def test_an_area_far_away_holds_nothing_and_is_not_measured() -> None:
    """A position 200 km off lies outside; near it is measured."""
    kinds = [verdict(conduct("presence", m), with_second("area"))[0] for m in (200_000.0, 3_000.0)]

    assert ["compliant", "potential"] == kinds


def test_lines_kept_ready_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for one day's line, events of three days are measured from their own all the same."""
    monkeypatch.setattr(places, "DAYS_KEPT_COUNT", 1)
    lines = tuple(dated(NOON + timedelta(days=day), place(20_000.0 * day).longitude_deg) for day in range(3))
    agreement = text(
        presence("belt"),
        zones=(Belt(zone_id="belt", depth_high_m=5e3),),
        lines=(AgreedLine(line_id="line", title="L", series=LineSeries()),),
    )
    entries = [
        msgspec.structs.replace(conduct("presence", 20_000.0 * day, at=NOON + timedelta(days=day)), event_id=f"e{day}")
        for day in range(3)
    ]
    one = assessor(agreement, lines=lines)
    table = one.assess(columns_of(entries, parties=("A", "B")))

    np.testing.assert_array_equal(table.kind, [2, 2, 2])


def test_an_assessor_of_other_parties_is_our_mistake() -> None:
    """Columns and texts name the same two parties in the same order."""
    with pytest.raises(AssertionError, match="parties"):
        assessor(text(clause(Prohibition, acts=("fire",)))).assess(columns_of([conduct()], parties=("B", "A")))
