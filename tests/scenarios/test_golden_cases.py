"""Cases that lawyers and monitors worked out by hand for real texts, each as one statement that has to hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import shapely

from laws.assess_world import (
    KIND_OF,
    assessor,
    begun,
    clause,
    conduct,
    findings,
    geometry,
    kyiv,
    meridian,
    moved_meridian,
    place,
    redrawn,
    shipped,
    sites,
    square,
    text,
    verdict,
)
from truceline.assess.counts import SourcedReport, counts_of_reports
from truceline.assess.findings import assess_conduct
from truceline.assess.register_state import coverage_losses
from truceline.assess.registers import register_findings
from truceline.assess.response import clock_findings
from truceline.model.agreement import Agreement
from truceline.model.finding import Exempt, Indeterminate, PotentialViolation
from truceline.model.provision import Prohibition, Withdrawal
from truceline.model.quantity import Position, TimeSpan, exactly
from truceline.model.register import (
    CeilingCount,
    ConditionRecord,
    Impediment,
    InventoryCheck,
    InventoryItem,
    Notification,
    Register,
    ResponseStep,
)
from truceline.model.weapon import WeaponTerm
from truceline.model.zone import Belt, GeometryReference, LineMarker, Sites

IN_2016 = datetime(2016, 6, 1, 9, tzinfo=UTC)


def minsk(*, memo_east_m: float = 3_000.0) -> tuple[Agreement, Agreement]:
    """Give the memorandum and the package, with the line of 2015 on a meridian and that of 2014 so far east of it."""
    shapes = {"memo_2014": moved_meridian(memo_east_m), "de_facto_2015": meridian()}
    return redrawn(shipped("minsk_memorandum_2014"), shapes), redrawn(shipped("minsk_2_2015"), shapes)


def tcg(name: str) -> tuple[Agreement, ...]:
    """Give a later layer on top of both."""
    shapes = {"de_facto_2015": meridian(), "petrivske": square(500.0, 0.0, 1_000.0)}
    return (*minsk(), redrawn(shipped(name), shapes))


@pytest.mark.parametrize(
    ("case", "party", "weapon", "east_m", "provision_id", "kind"),
    [
        (1, "UA", "bm_21_grad", -34_000.0, "minsk_2_2015.mlrs", "potential"),
        (2, "UA", "bm_21_grad", -36_000.0, "minsk_2_2015.mlrs", "compliant"),
        (3, "CADLR", "d_30", 27_000.0, "minsk_2_2015.artillery", "potential"),
        (4, "UA", "d_30", 27_000.0, "minsk_2_2015.artillery", "compliant"),
    ],
)
def test_each_party_is_measured_from_its_own_line(
    case: int, party: str, weapon: str, east_m: float, provision_id: str, kind: str
) -> None:
    """Widths are halved, and what is 27 km from the line of 2015 and 24 km from that of 2014 depends on whose it is."""
    entry = conduct("presence", east_m, party=party, weapon=weapon, at=IN_2016)

    assert (case, kind) == (case, verdict(entry, *minsk(), provision_id=provision_id)[0])


def test_case_6_without_the_addendum_no_clause_speaks_of_tanks() -> None:
    """A tank 14 km from the line is under no clause of the package; the finding says so and is in keeping."""
    found = findings(conduct("presence", -14_000.0, party="UA", weapon="t_64", at=IN_2016), minsk()[1])

    assert [None] == list(found)
    assert found[None].flag("no_rule") is not None


@pytest.mark.parametrize(
    ("days", "kind", "flags"), [(10, "compliant", {"in_withdrawal_period"}), (16, "potential", set())]
)
def test_case_7_and_8_tanks_have_the_fifteen_days_of_their_stage(days: int, kind: str, flags: set[str]) -> None:
    """On day 10 of the first stage a tank at 14 km may still be there; on day 16 it may not."""
    start = kyiv(2015, 10, 3, 0, 0)
    starts = begun("minsk_addendum_2015", "stage_1", start)
    entry = conduct("presence", -14_000.0, party="UA", weapon="t_64", at=start + timedelta(days=days))
    layers = (*minsk(), shipped("minsk_addendum_2015"))

    assert (kind, flags) == verdict(entry, *layers, provision_id="minsk_addendum_2015.tanks", register=starts)


@pytest.mark.parametrize(
    ("north_m", "flags", "reason"),
    [(0.0, set(), "in a designated storage site"), (9_000.0, {"outside_designated_site"}, "outside the zone")],
)
def test_case_9_a_withdrawn_howitzer_belongs_into_a_designated_site(
    north_m: float, flags: set[str], reason: str
) -> None:
    """At 40 km it is not within the withdrawal line, wherever it stands; outside a site is a category apart."""
    drawn = GeometryReference(file="sites.geojson")
    agreement = text(
        clause(
            Withdrawal,
            weapons=WeaponTerm(title="artillery", classes=("howitzer",), calibre_low_mm=100.0),
            zone_ids=("belt",),
            storage_zone_ids=("storage",),
        ),
        zones=(
            Belt(zone_id="belt", width_total_m=50_000.0),
            Sites(zone_id="storage", drawn=drawn, radius_m=2_000.0),
        ),
    )
    stored = msgspec.structs.replace(
        agreement, geometries=(*agreement.geometries, geometry(sites((-40_000.0, 0.0)), drawn))
    )
    entry = conduct("presence", -40_000.0, north_m=north_m, weapon="d_30")
    found = findings(entry, stored)["made.clause"]

    assert ("compliant", flags) == verdict(entry, stored)
    assert reason == found.reason  # type: ignore[union-attr]


def test_case_10_an_inventory_says_how_many_are_missing() -> None:
    """Of six guns listed by serial number four were seen at the next visit: two are missing."""
    listed = tuple(InventoryItem(type_id="d_30", serial=str(number)) for number in range(6))
    check = InventoryCheck(
        check_id="visit",
        agreement_id="minsk_addendum_2015",
        site_id="site",
        party="UA",
        check_time=IN_2016,
        listed=listed,
        seen=listed[:4],
        access="full",
        source="made",
    )
    found = register_findings(
        assessor(*minsk(), shipped("minsk_addendum_2015")), Register(inventory_checks=(check,)), now=IN_2016
    )
    missing = [flag.count for one in found for flag in one.flags if flag.kind == "missing_at_site"]

    assert [2.0] == missing
    assert ["compliant"] == [KIND_OF[type(one)] for one in found]


@pytest.mark.parametrize(
    ("case", "east_m", "at", "kind", "flags"),
    [
        (11, 12_000.0, kyiv(2016, 3, 4, 0, 30), "potential", {"approximate_geometry"}),
        (13, 16_000.0, kyiv(2016, 3, 5, 0, 30), "compliant", {"recorded_outside_zone"}),
    ],
)
def test_live_fire_near_the_line_and_beyond_the_zone(
    case: int, east_m: float, at: datetime, kind: str, flags: set[str]
) -> None:
    """A drill 12 km off is within the 15 km for each party after midnight; at 16 km it is only recorded."""
    found, raised = verdict(
        conduct("live_fire_exercise", -east_m, party="UA", at=at),
        *tcg("tcg_measures_2016_2020"),
        provision_id="tcg_measures_2016_2020.live_fire",
    )

    assert (case, kind, flags - {"approximate_geometry"}) == (case, found, raised)


@pytest.mark.parametrize(
    ("case", "second", "minute", "kind", "flags"),
    [(14, 30, 0, "compliant", {"not_in_force"}), (15, 0, 1, "potential", set())],
)
def test_measures_hold_to_the_minute(case: int, second: int, minute: int, kind: str, flags: set[str]) -> None:
    """A party's unmanned aircraft half a minute after midnight is too early for the clause, at 00:01 it is not."""
    entry = conduct(
        "flight",
        party="UA",
        domain="air",
        weapon=("reconnaissance_uav", None),
        at=kyiv(2020, 7, 27, 0, minute, second),
    )

    assert (case, kind, flags) == (
        case,
        *verdict(entry, shipped("tcg_measures_2016_2020"), provision_id="tcg_measures_2016_2020.flights"),
    )


@pytest.mark.parametrize(("case", "is_documented", "kind"), [(16, False, "potential"), (17, True, "compliant")])
def test_return_fire_turns_on_documents(case: int, is_documented: bool, kind: str) -> None:
    """Without a record that the mechanism was tried the clause stands; with every condition recorded people verify."""
    conditions = (
        "offensive_action_ongoing",
        "ordered_by_named_leadership",
        "coordination_mechanism_tried_and_failed",
        "contact_group_notified",
    )
    records = tuple(
        ConditionRecord(
            record_id=name,
            agreement_id="tcg_measures_2016_2020",
            provision_id="tcg_measures_2016_2020.return_fire",
            condition=name,
            met=True,
            source="made",
            event_id="event",
        )
        for name in conditions
        if is_documented or name != "coordination_mechanism_tried_and_failed"
    )
    entry = conduct("return_fire", party="UA", at=datetime(2021, 2, 1, tzinfo=UTC))
    found, flags = verdict(
        entry,
        shipped("tcg_measures_2016_2020"),
        provision_id="tcg_measures_2016_2020.fire",
        register=Register(conditions=records),
    )

    assert (case, kind) == (case, found)
    assert ({"permitted_to_verify"} if is_documented else set()) == flags


def test_case_18_observers_may_be_in_an_area_and_soldiers_may_not() -> None:
    """Inside Petrivske, once disengaged, a soldier is contrary to the clause; an observer is exempt."""
    layers = tcg("tcg_framework_2016")
    register = begun("tcg_framework_2016", "disengagement", kyiv(2016, 10, 1, 0, 0), zone_id="petrivske")
    at = kyiv(2017, 1, 10, 12, 0)
    of_soldier = findings(conduct("presence", 300.0, party="UA", at=at), *layers, register=register)
    of_observer = findings(conduct("presence", 300.0, party=None, actor_id="jccc", at=at), *layers, register=register)
    soldier, observer = (found["tcg_framework_2016.no_presence"] for found in (of_soldier, of_observer))

    assert isinstance(soldier, PotentialViolation)
    assert isinstance(observer, Exempt)
    assert "tcg_framework_2016.observers" == observer.exemption_id


def test_case_19_a_shot_restarts_the_clock_of_silence() -> None:
    """A shot inside an area on the fifth of seven quiet days is flagged: the clock of that area counts anew."""
    layers = tcg("tcg_framework_2016")
    found = findings(conduct("fire", 300.0, party=None, at=kyiv(2016, 9, 26, 12, 0)), *layers)
    flags = {provision_id: one.flag("clock_reset") for provision_id, one in found.items()}

    assert flags["tcg_framework_2016.no_fire"] is not None
    assert "Seven days" in flags["tcg_framework_2016.no_fire"].text


def korea() -> Agreement:
    """Give the text of 2018 with its line on a meridian: marker 646 in the middle, 500 south and 800 north of it."""
    armistice = shipped("armistice_korea_1953")
    markers = tuple(
        LineMarker(marker_index=index, along_m=along_m)
        for index, along_m in ((1, 0.0), (500, 300_000.0), (646, 444_500.0), (800, 600_000.0), (1292, 880_000.0))
    )
    names = {one.reference.feature: meridian() for one in armistice.geometries}
    return redrawn(armistice, names, markers=markers)


@pytest.mark.parametrize(("case", "north_m", "kind"), [(20, -100_000.0, "compliant"), (21, 100_000.0, "potential")])
def test_how_far_an_unmanned_aircraft_keeps_off_depends_on_the_marker(case: int, north_m: float, kind: str) -> None:
    """At 12 km from the line it is beyond the 10 km of the western segment and within the 15 km of the eastern."""
    entry = conduct(
        "flight",
        12_000.0,
        north_m=north_m,
        party="ROK",
        domain="air",
        weapon=("reconnaissance_uav", None),
        at=datetime(2019, 5, 1, tzinfo=UTC),
    )
    layers = (korea(), shipped("cma_korea_2018"))
    party = layers[0].parties[0]
    named = msgspec.structs.replace(entry, party_probabilities={party: 1.0})

    assert (case, kind) == (case, verdict(named, *layers, provision_id="cma_korea_2018.fly_unmanned")[0])


@pytest.mark.parametrize(
    ("case", "purpose", "weapon", "is_notified", "kind"),
    [
        (22, "medical_evacuation", "helicopter", True, "exempt"),
        (22, "medical_evacuation", "helicopter", False, "potential"),
        (23, "commercial_transport", "transport_aircraft", False, "exempt"),
    ],
)
def test_flights_for_people_pass_after_notice_and_airliners_without(
    case: int, purpose: str, weapon: str, is_notified: bool, kind: str
) -> None:
    """A helicopter for the sick at 5 km needs prior notice; a scheduled airliner at 5 km does not."""
    layers = (korea(), shipped("cma_korea_2018"))
    party = layers[0].parties[0]
    at = datetime(2019, 5, 1, tzinfo=UTC)
    notice = Notification(
        notification_id="notice",
        agreement_id="cma_korea_2018",
        notified_by=party,
        notice="flight",
        acts=("flight",),
        window=TimeSpan(start=at - timedelta(hours=1), end=at + timedelta(hours=1)),
        given_time=at - timedelta(hours=5),
        source="made",
    )
    entry = conduct("flight", 5_000.0, party=party, domain="air", weapon=(weapon, None), purpose=purpose, at=at)
    clause_id = "cma_korea_2018.fly_rotary_wing" if weapon == "helicopter" else "cma_korea_2018.fly_fixed_wing"
    register = Register(notifications=(notice,) if is_notified else ())
    found = findings(entry, *layers, register=register)[clause_id]

    assert (case, kind) == (case, KIND_OF[type(found)])
    assert not is_notified or "notice" == found.notification_id  # type: ignore[union-attr]


def golan() -> Agreement:
    """Give the text of 1974 with its two lines on meridians, the western one 2 km west of the made line."""
    return redrawn(shipped("undof_1974"), {"line_a": moved_meridian(-2_000.0), "line_b": meridian()})


def test_case_25_ceilings_add_up_over_the_zone_for_each_party() -> None:
    """Sixty tanks at 5 km and twenty at 9 km are eighty in the first area: five above the seventy-five."""
    counts = tuple(
        CeilingCount(
            count_id=f"count-{number}",
            agreement_id="undof_1974",
            zone_id="limitation_1",
            party="SY",
            item="tank",
            span=TimeSpan(start=IN_2016, end=IN_2016),
            count=exactly(number),
            source="made",
            centre=place(east_m, sigma_m=50.0),
        )
        for number, east_m in ((60, 5_000.0), (20, 9_000.0), (40, 12_000.0))
    )
    found = register_findings(assessor(golan()), Register(ceiling_counts=counts), now=IN_2016)
    exceeded = {one.provision_id: one.flags[0].count for one in found if one.flag("ceiling_exceeded")}

    assert {"undof_1974.tanks_1": 5.0} == exceeded


@pytest.mark.parametrize(("case", "east_m", "kind"), [(27, 24_000.0, "potential"), (27, 26_000.0, "compliant")])
def test_missiles_keep_twenty_five_kilometres(case: int, east_m: float, kind: str) -> None:
    """A surface-to-air missile 24 km behind its line is within the third belt, one at 26 km behind it."""
    entry = conduct("presence", east_m, party="SY", weapon=("surface_to_air_missile", None), at=IN_2016)

    assert (case, kind) == (case, verdict(entry, golan(), provision_id="undof_1974.missiles")[0])


def test_case_28_two_versions_with_two_first_days_are_disputed() -> None:
    """A substation hit on 20 March: contrary to one party's version, before the other's began; both say disputed."""
    versions = (shipped("energy_2025.ru"), shipped("energy_2025.ua"))
    entry = conduct("attack", party="UA", objects=("energy",), at=datetime(2025, 3, 20, 10, tzinfo=UTC))
    found = {one.version_by: one for one in assess_conduct([entry], assessor(*versions))}

    assert {"RU": "potential", "UA": "compliant"} == {by: KIND_OF[type(one)] for by, one in found.items()}
    assert [True, True] == [one.disputed for one in found.values()]
    assert (found["UA"].finding_id,) == found["RU"].differs_from_ids


def test_case_30_an_unpublished_list_leaves_it_undetermined() -> None:
    """A refinery hit on 26 March cannot be held against the version whose list of objects nobody can read."""
    entry = conduct("attack", party="UA", objects=("energy",), at=datetime(2025, 3, 26, 10, tzinfo=UTC))
    found = findings(entry, shipped("energy_2025.ua"))["energy_2025.energy_objects"]

    assert isinstance(found, Indeterminate)
    assert "unpublished" in found.lacking[0]


def test_case_31_after_the_first_phase_positions_keep_five_kilometres_from_the_ports() -> None:
    """A position of the party concerned 4 km from Salif after the phase ended is contrary to it; the other's is not."""
    agreement = shipped("hudaydah_2018")
    drawn = next(one for one in agreement.geometries if "Salif" in one.names)
    exact = msgspec.structs.replace(drawn, sigma_m=0.0)
    others = tuple(exact if one is drawn else one for one in agreement.geometries)
    agreement = msgspec.structs.replace(agreement, geometries=others)
    points = shapely.get_coordinates(shapely.from_wkb(drawn.wkb))
    longitude_deg, latitude_deg = points[drawn.names.index("Salif")]
    north = Position(
        latitude_deg=float(latitude_deg) + 4_000.0 / 110_700.0, longitude_deg=float(longitude_deg), sigma_m=0.0
    )
    entry = conduct("presence", position=north, party="Houthis", at=datetime(2019, 6, 1, tzinfo=UTC))
    other = msgspec.structs.replace(entry, party_probabilities={"GoY": 1.0})

    assert "potential" == verdict(entry, agreement, provision_id="hudaydah_2018.two_ports")[0]
    assert "none" == verdict(other, agreement, provision_id="hudaydah_2018.two_ports")[0]


def test_case_33_a_clock_that_ran_out_is_a_flag_and_nothing_else() -> None:
    """Twenty-five hours after the first confirmed breach and no warning recorded: overdue by an hour, nothing more."""
    confirmed = datetime(2026, 3, 1, 12, tzinfo=UTC)
    step = ResponseStep(
        step_id="breach",
        agreement_id="paris_2026",
        provision_id="paris_2026.ladder",
        step="breach_confirmed",
        step_time=confirmed,
        recorded_by="commission",
        source="made",
    )
    register = Register(response_steps=(step,))
    (found,) = clock_findings(assessor(shipped("paris_2026")), register, now=confirmed + timedelta(hours=25))

    assert "compliant" == KIND_OF[type(found)]
    assert [("clock_overdue", 1.0)] == [(flag.kind, flag.count) for flag in found.flags]


def test_case_34_a_position_half_a_sigma_inside_the_edge_is_inside_with_069() -> None:
    """34.5 km from the line, 1 km of sigma, a belt of 35 km: Phi(0.5)."""
    agreement = text(
        clause(Prohibition, acts=("presence",), zone_ids=("belt",)),
        zones=(Belt(zone_id="belt", depth_high_m=35_000.0),),
    )
    found = findings(conduct("presence", 34_500.0, sigma_m=1_000.0), agreement)["made.clause"]

    assert isinstance(found, PotentialViolation)
    assert 0.6915 == pytest.approx(found.probability, abs=5e-4)
    assert found.probability == pytest.approx(found.inside_probability)


def test_case_35_three_signatures_and_one_event() -> None:
    """A camera's flash, flight and impact are three signatures; a patrol that only heard the round adds none."""
    camera = SourcedReport(report_id="camera", source_id="camera", event_id="round", signature_count=exactly(3))
    patrol = SourcedReport(report_id="patrol", source_id="patrol", event_id="round", signature_count=exactly(1))
    counts = counts_of_reports([camera, patrol])

    assert (3.0, 1) == (counts.signature_count.low_count, counts.event_count)


def test_case_36_a_row_that_cites_another_is_a_copy_of_it() -> None:
    """A row of one data set that names the monitors' row as its source adds neither a signature nor an event."""
    monitors = SourcedReport(report_id="smm-1", source_id="osce", event_id="a", signature_count=exactly(2))
    copied = SourcedReport(
        report_id="acled-9", source_id="acled", event_id="b", signature_count=exactly(1), cites_ids=("smm-1",)
    )
    counts = counts_of_reports([copied, monitors])

    assert (2.0, 1, 1) == (counts.signature_count.low_count, counts.event_count, counts.copy_count)


def test_case_37_interference_with_a_mission_aircraft_is_lost_coverage() -> None:
    """Jamming that the mission's aircraft met is an impediment with its loss; no clause on fire is held against it."""
    span = TimeSpan(start=IN_2016, end=IN_2016 + timedelta(hours=2))
    jamming = Impediment(
        impediment_id="jam",
        kind="jamming",
        span=span,
        place_name="Made",
        source="made",
        position=place(1_000.0, sigma_m=100.0),
        radius_m=20_000.0,
        affected_source_ids=("uav",),
    )
    (loss,) = coverage_losses([jamming])
    register = Register(impediments=(jamming,))

    assert (2.0, 20_000.0, ("uav",)) == (loss.lost_hours, loss.radius_m, loss.source_ids)
    assert [] == register_findings(assessor(*minsk()), register, now=IN_2016)


def test_case_38_a_delay_keeps_place_ground_and_duration() -> None:
    """Fifteen minutes at a checkpoint are recorded with place, whose ground it was and how long it took."""
    delay = Impediment(
        impediment_id="delay",
        kind="delay",
        span=TimeSpan(start=IN_2016, end=IN_2016 + timedelta(minutes=15)),
        place_name="Checkpoint",
        source="made",
        ground_of="CADLR",
    )
    (loss,) = coverage_losses([delay])

    assert (15.0, "Checkpoint", "CADLR", 0.25) == (
        delay.duration_minutes,
        loss.place_name,
        loss.ground_of,
        loss.lost_hours,
    )
