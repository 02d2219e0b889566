"""Made texts: terms, readings, versions and layers."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest

from laws.assess_world import (
    KIND_OF,
    NOON,
    START,
    assessor,
    belts,
    clause,
    conduct,
    findings,
    presence,
    text,
    verdict,
)
from truceline.assess.findings import assess_conduct
from truceline.model.agreement import Agreement
from truceline.model.definition import Definition, ObjectClass, Reading, ZoneSubstitution
from truceline.model.finding import Indeterminate, PotentialViolation
from truceline.model.in_force import InForce
from truceline.model.provision import (
    Prohibition,
)
from truceline.model.zone import (
    GeometryReference,
)

SECOND = GeometryReference(file="second.geojson")
PLACES = GeometryReference(file="places.geojson")


def test_a_disputed_term_gives_a_finding_for_each_reading() -> None:
    """In all, or for each party: 20 km off is contrary under one reading and not under the other, so disputed."""
    readings = (
        Reading(reading_id="in_all", statement="The width is halved"),
        Reading(
            reading_id="each",
            statement="The width is each party's depth",
            substitutions=(ZoneSubstitution(zone_id="narrow", by_zone_id="wide"),),
        ),
    )
    term = Definition(
        definition_id="d", term="width", statement="", standing="disputed", source_ids=("made",), readings=readings
    )
    agreement = text(
        presence("narrow", definition_ids=("d",)), zones=belts(narrow=15_000.0, wide=30_000.0), definitions=(term,)
    )
    found = {one.reading_id: one for one in assess_conduct([conduct("presence", 20_000.0)], assessor(agreement))}
    agreed = assess_conduct([conduct("presence", 10_000.0)], assessor(agreement))

    assert {"in_all": "compliant", "each": "potential"} == {name: KIND_OF[type(one)] for name, one in found.items()}
    assert [True, True] == [one.disputed for one in found.values()]
    assert (found["in_all"].finding_id,) == found["each"].differs_from_ids
    assert [False, False] == [one.disputed for one in agreed]


def test_a_definition_adds_acts_and_objects() -> None:
    """An advance is offensive action where the text says so, a port an object where it says so."""
    readings = (Reading(reading_id="r", statement="", covers_acts=("advance",), covers_object_class_ids=("ports",)),)
    term = Definition(
        definition_id="d", term="offensive", statement="", standing="defined", source_ids=("made",), readings=readings
    )
    classes = (
        ObjectClass(object_class_id="ports", title="Ports", category="port"),
        ObjectClass(object_class_id="water", title="Water", category="water"),
    )
    acts = text(clause(Prohibition, acts=("offensive_action",), definition_ids=("d",)), definitions=(term,))
    objects = text(
        clause(Prohibition, acts=("attack",), object_class_ids=("water",), definition_ids=("d",)),
        definitions=(term,),
        object_classes=classes,
    )

    assert "potential" == verdict(conduct("advance"), acts)[0]
    assert "potential" == verdict(conduct("attack", objects=("port",)), objects)[0]


def test_a_term_that_is_nowhere_is_lacking() -> None:
    """A clause that depends on a definition no layer has cannot be assessed."""
    found = findings(conduct("fire"), text(clause(Prohibition, acts=("fire",), definition_ids=("gone",))))[
        "made.clause"
    ]

    assert isinstance(found, Indeterminate)
    assert ("definition gone",) == found.lacking


def test_too_many_ways_to_read_a_clause_are_an_error() -> None:
    """Seven terms of two readings each are 128 ways."""
    readings = tuple(Reading(reading_id=name, statement="") for name in "ab")
    terms = tuple(
        Definition(
            definition_id=f"d{n}", term="t", statement="", standing="disputed", source_ids=("made",), readings=readings
        )
        for n in range(7)
    )
    agreement = text(
        clause(Prohibition, acts=("fire",), definition_ids=tuple(one.definition_id for one in terms)), definitions=terms
    )
    with pytest.raises(ValueError, match="ways to read"):
        assessor(agreement)


def amended(*, start: datetime) -> tuple[Agreement, Agreement]:
    """Give a text and an amendment that narrows its belt from a moment on."""
    base = text(presence(), zones=belts(belt=20_000.0))
    layer = text(
        clause(
            Prohibition,
            "layer.clause",
            acts=("presence",),
            zone_ids=("narrow",),
            replaces_provision_ids=("made.clause",),
        ),
        agreement_id="layer",
        amends="made",
        zones=belts(narrow=10_000.0),
        in_force=InForce(timezone_name="UTC", start=start),
        lines=(),
        reference_lines=(),
        geometries=(),
    )
    return base, layer


def test_an_amendment_takes_the_place_of_what_it_replaces_from_its_minute_on() -> None:
    """At 15 km: contrary to the base the minute before, in keeping with the amendment from then on."""
    layers = amended(start=NOON)
    before = findings(conduct("presence", 15_000.0, at=NOON - timedelta(minutes=1)), *layers)
    after = findings(conduct("presence", 15_000.0), *layers)

    assert "potential" == KIND_OF[type(before["made.clause"])]
    assert {"layer.clause": "compliant"} == {name: KIND_OF[type(one)] for name, one in after.items()}


def test_an_event_across_the_change_of_layers_is_shared_out() -> None:
    """Half of its hour under the one, half under the other."""
    entry = conduct("presence", 5_000.0, at=NOON - timedelta(minutes=30), length_s=3_600.0)
    found = findings(entry, *amended(start=NOON))

    assert [0.5, 0.5] == [one.probability for one in found.values() if isinstance(one, PotentialViolation)]


def test_a_clause_of_one_party_replaces_the_others_not() -> None:
    """A layer that binds A anew leaves B under the base."""
    base, layer = amended(start=START)
    for_a = msgspec.structs.replace(layer, provisions=(msgspec.structs.replace(layer.provisions[0], parties=("A",)),))
    kinds = {
        party: KIND_OF[type(findings(conduct("presence", 15_000.0, party=party), base, for_a)["made.clause"])]
        for party in ("A", "B")
    }

    assert {"A": "compliant", "B": "potential"} == kinds


def test_circular_layers_and_two_texts_of_one_name_are_errors() -> None:
    """Neither can be put in order."""
    base, layer = amended(start=START)
    circular = msgspec.structs.replace(base, amends="layer")
    with pytest.raises(ValueError, match="circle"):
        assessor(circular, layer)
    with pytest.raises(ValueError, match="two different texts"):
        assessor(base, msgspec.structs.replace(base, title="Another"))
    with pytest.raises(ValueError, match="parties"):
        assessor(base, msgspec.structs.replace(layer, parties=("A", "C")))


def test_a_clause_that_only_one_version_has_is_disputed_where_it_is_touched() -> None:
    """One party's text bans fire, the other's does not speak of it."""
    mine = text(clause(Prohibition, acts=("fire",)), version_by="A")
    theirs = text(clause(Prohibition, "made.other", acts=("flight",)), version_by="B")
    (found,) = assess_conduct([conduct("fire")], assessor(mine, theirs))

    assert (True, "A", ()) == (found.disputed, found.version_by, found.differs_from_ids)


def test_a_base_under_two_versions_is_assessed_under_both() -> None:
    """A layer that each party gives its own way stands on one base, which both share."""
    base, layer = amended(start=START)
    versions = [msgspec.structs.replace(layer, version_by=party) for party in ("A", "B")]
    wider = msgspec.structs.replace(versions[1], zones=belts(narrow=18_000.0))
    found = assess_conduct([conduct("presence", 15_000.0)], assessor(base, versions[0], wider))

    assert [("A", "compliant", True), ("B", "potential", True)] == [
        (one.version_by, KIND_OF[type(one)], one.disputed) for one in found if one.provision_id == "layer.clause"
    ]
    assert len({one.finding_id for one in found}) == len(found)
