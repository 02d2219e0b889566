"""Made texts: acts, weapons, sizes, domains, objects, parties and third actors."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from laws.assess_world import (
    NOON,
    START,
    belts,
    clause,
    conduct,
    dated,
    findings,
    in_zone,
    place,
    presence,
    probability,
    text,
    verdict,
)
from truceline.assess.columns import WeaponShare
from truceline.model.definition import ObjectClass
from truceline.model.finding import Exempt, PotentialViolation
from truceline.model.provision import (
    Freeze,
    Prohibition,
    Withdrawal,
)
from truceline.model.weapon import WeaponTerm
from truceline.model.zone import (
    AgreedLine,
    Belt,
    GeometryReference,
    LineSeries,
)

SECOND = GeometryReference(file="second.geojson")
PLACES = GeometryReference(file="places.geojson")


def test_an_act_is_what_it_implies() -> None:
    """Whoever attacks fires; whoever advances does not fire."""
    agreement = text(clause(Prohibition, acts=("fire",)))

    assert ["potential", "none"] == [verdict(conduct(act), agreement)[0] for act in ("attack", "advance")]


@pytest.mark.parametrize(
    ("weapon", "kind"),
    [
        ("d_30", "potential"),
        ("t_64", "none"),
        (("howitzer", 85.0), "none"),
        (("mortar", None), "indeterminate"),
        (("tank", None), "none"),
    ],
)
def test_a_calibre_bound_needs_a_calibre(weapon: Any, kind: str) -> None:
    """A type is looked up; a class alone may be above or below the bound, and then nobody can tell."""
    term = WeaponTerm(title="artillery", classes=("howitzer", "mortar"), calibre_low_mm=100.0)
    agreement = text(clause(Withdrawal, weapons=term, zone_ids=("belt",)), zones=belts(belt=15_000.0))

    assert kind == verdict(conduct("presence", 5_000.0, weapon=weapon), agreement)[0]


@pytest.mark.parametrize(("weapon", "kind"), [("bm_21_grad", "potential"), ("bm_30_smerch", "none")])
def test_named_types_are_those_named(weapon: str, kind: str) -> None:
    """A clause on one type says nothing of another of its class."""
    term = WeaponTerm(title="Grad", type_ids=("bm_21_grad",))
    agreement = text(clause(Withdrawal, weapons=term, zone_ids=("belt",)), zones=belts(belt=15_000.0))

    assert kind == verdict(conduct("presence", 5_000.0, weapon=weapon), agreement)[0]


def test_doubt_about_the_weapon_goes_into_the_probability() -> None:
    """A weapon that is a Grad with 0.7 and a tank with 0.3 is meant with 0.7."""
    term = WeaponTerm(title="rocket launchers", classes=("mlrs",))
    agreement = text(clause(Withdrawal, weapons=term, zone_ids=("belt",)), zones=belts(belt=15_000.0))
    shares = (
        WeaponShare(type_id="bm_21_grad", probability=0.7),
        WeaponShare(type_id="t_64", probability=0.3),
    )
    entry = msgspec.structs.replace(conduct("presence", 5_000.0), weapons=shares)
    found = findings(entry, agreement)["made.clause"]

    assert isinstance(found, PotentialViolation)
    assert (0.7, 0.7, 1.0) == pytest.approx((found.probability, found.class_probability, found.inside_probability))


def test_position_time_and_weapon_multiply() -> None:
    """Half inside, half in force, half of the kind: an eighth."""
    term = WeaponTerm(title="rocket launchers", classes=("mlrs",))
    agreement = text(clause(Withdrawal, weapons=term, zone_ids=("belt",)), zones=belts(belt=15_000.0))
    shares = (WeaponShare(type_id="bm_21_grad", probability=0.5), WeaponShare(type_id="t_64", probability=0.5))
    at = {"at": START - timedelta(hours=1), "length_s": 7_200.0}
    entry = msgspec.structs.replace(conduct("presence", 15_000.0, sigma_m=500.0, **at), weapons=shares)

    assert 0.125 == pytest.approx(probability(entry, agreement), abs=2e-4)


@pytest.mark.parametrize(
    ("size", "kind"), [("brigade", "potential"), ("company", "compliant"), (None, "indeterminate")]
)
def test_small_formations_pass(size: str | None, kind: str) -> None:
    """Of regiment size or larger; where nobody saw the size it cannot be told."""
    agreement = text(clause(Prohibition, acts=("field_exercise",), unit_size_low="regiment"))

    assert kind == verdict(conduct("field_exercise", unit_size=size), agreement)[0]


@pytest.mark.parametrize(("domain", "kind"), [("sea", "potential"), ("land", "none"), (None, "indeterminate")])
def test_a_clause_on_one_domain_needs_to_know_it(domain: str | None, kind: str) -> None:
    """At sea it is touched, on land it says nothing, and without knowing it cannot be told."""
    agreement = text(clause(Prohibition, acts=("live_fire_exercise",), domains=("sea",)))

    assert kind == verdict(conduct("live_fire_exercise", domain=domain), agreement)[0]


@pytest.mark.parametrize(
    ("act", "objects", "objects_not", "kind"),
    [
        ("attack", ("health",), (), "potential"),
        ("fire", ("health",), (), "potential"),
        ("attack", (), ("health",), "compliant"),
        ("attack", ("energy",), (), "indeterminate"),
        ("fire", (), (), "none"),
    ],
)
def test_protected_objects(act: str, objects: tuple[str, ...], objects_not: tuple[str, ...], kind: str) -> None:
    """A hospital is protected; what was surely no hospital is not; what nobody said cannot be told."""
    agreement = text(
        clause(Prohibition, acts=("attack",), object_class_ids=("hospitals",)),
        object_classes=(ObjectClass(object_class_id="hospitals", title="Hospitals", category="health"),),
    )

    assert kind == verdict(conduct(act, objects=objects, objects_not=objects_not), agreement)[0]


@pytest.mark.parametrize(("party", "kind"), [("A", "potential"), ("B", "none"), (None, "indeterminate")])
def test_a_clause_for_one_party_says_nothing_of_the_other(party: str | None, kind: str) -> None:
    """Whose conduct it was has to be known."""
    assert kind == verdict(conduct("fire", party=party), text(clause(Prohibition, acts=("fire",), parties=("A",))))[0]


def test_doubt_about_the_party_weighs_each_partys_own_line() -> None:
    """With 0.75 for A, on whose own ground it is, and 0.25 for B, it is contrary with 0.75."""
    zone = Belt(zone_id="belt", depth_high_m=5_000.0, ground="own")
    entry = msgspec.structs.replace(conduct("presence", -3_000.0), party_probabilities={"A": 0.75, "B": 0.25})

    assert 0.75 == pytest.approx(probability(entry, in_zone(zone)))


def test_a_clause_that_binds_everyone_alike_needs_no_party() -> None:
    """The same belt for both: whoever it was, it is contrary, and no party is named."""
    found = findings(conduct("presence", 3_000.0, party=None), in_zone(*belts(belt=5_000.0)))["made.clause"]

    assert isinstance(found, PotentialViolation)
    assert found.party is None


@pytest.mark.parametrize(
    ("actor", "east_m", "kind"), [("force", 10_000.0, "potential"), ("force", 40_000.0, "compliant")]
)
def test_a_force_keeps_its_distance(actor: str, east_m: float, kind: str) -> None:
    """A multinational force is not within 30 km of the line."""
    zone = Belt(zone_id="belt", line_id="line", depth_high_m=30_000.0)
    agreement = text(presence(actor_ids=("force",)), zones=(zone,))

    assert kind == verdict(conduct("presence", east_m, party=None, actor_id=actor), agreement)[0]


def test_a_force_that_keeps_its_distance_does_not_bind_the_parties() -> None:
    """The same clause says nothing of a party's soldiers, nor of another third actor."""
    zone = Belt(zone_id="belt", line_id="line", depth_high_m=30_000.0)
    agreement = text(presence(actor_ids=("force",)), zones=(zone,))

    assert "none" == verdict(conduct("presence", 10_000.0), agreement)[0]
    assert "none" == verdict(conduct("presence", 10_000.0, party=None), agreement)[0]
    assert "none" == verdict(conduct("presence", 10_000.0, party=None, actor_id="press"), agreement)[0]


def test_an_excepted_actor_is_exempt_by_the_clause_itself() -> None:
    """Police may be where no forces are."""
    agreement = text(presence(excepted_actor_ids=("police",)), zones=belts(belt=5_000.0))
    found = findings(conduct("presence", 1_000.0, party=None, actor_id="police"), agreement)["made.clause"]

    assert isinstance(found, Exempt)
    assert ("made.clause", None) == (found.exemption_id, found.notification_id)


@pytest.mark.parametrize(
    ("party", "east_m", "kind"),
    [("A", 900.0, "compliant"), ("A", 1_100.0, "potential"), ("B", 1_100.0, "compliant"), ("B", -1_100.0, "potential")],
)
def test_frozen_positions(party: str, east_m: float, kind: str) -> None:
    """Nobody is beyond the line of that day by a kilometre or more; on its own ground everybody may be."""
    agreement = text(clause(Freeze, positions_as_of=date(2016, 1, 1), line_id="line", tolerance_m=1_000.0))

    assert kind == verdict(conduct("presence", east_m, party=party), agreement)[0]


def test_frozen_positions_are_those_of_their_day() -> None:
    """Where the line is dated, that of the day named counts and not that of the event."""
    lines = (dated(START, 38.0), dated(NOON, place(20_000.0).longitude_deg))
    agreement = text(
        clause(Freeze, positions_as_of=START.date(), line_id="line"),
        lines=(AgreedLine(line_id="line", title="Line", series=LineSeries()),),
    )
    nowhere = msgspec.structs.replace(agreement, lines=(AgreedLine(line_id="line", title="Line"),))
    unknown = text(clause(Freeze, positions_as_of=START.date(), line_id="gone"))
    entry = conduct("presence", 5_000.0)

    assert "potential" == verdict(entry, agreement, lines=lines)[0]
    assert ["indeterminate"] * 2 == [verdict(entry, one, lines=lines)[0] for one in (nowhere, unknown)]
