"""Laws of the assessment that hold for whatever is drawn: symmetry, monotony, exceptions, order, and time."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from laws.assess_world import (
    KIND_OF,
    LINE,
    NOON,
    START,
    assessor,
    clause,
    conduct,
    geometry,
    meridian,
    place,
    text,
    weapon_of,
)
from truceline.assess.assess_columns import Assessor
from truceline.assess.columns import Conduct, columns_of
from truceline.assess.findings import assess_conduct
from truceline.model.agreement import Agreement
from truceline.model.finding import Finding, PotentialViolation
from truceline.model.in_force import InForce
from truceline.model.provision import ConditionalPermission, Exemption, Freeze, Prohibition, Withdrawal
from truceline.model.quantity import TimeSpan
from truceline.model.register import Notification, Register
from truceline.model.weapon import WeaponTerm
from truceline.model.zone import AgreedLine, Belt, PartyLine

OTHER = {"A": "B", "B": "A"}
FAR = LINE.__class__(file="far.geojson")

acts = st.sampled_from(["fire", "attack", "presence", "flight", "placement", "return_fire", "live_fire_exercise"])
weapons = st.sampled_from([None, "bm_21_grad", "d_30", "t_64", ("howitzer", None), ("mortar", 120.0)])
parties = st.sampled_from([{}, {"A": 1.0}, {"B": 1.0}, {"A": 0.6, "B": 0.4}, {"A": 0.2, "B": 0.5}, {"A": 0.9}])
conducts = st.builds(
    lambda act, east_m, sigma_m, party, weapon, minutes, length_s, purpose, number: msgspec.structs.replace(
        conduct(act, east_m, sigma_m=sigma_m, at=NOON + timedelta(minutes=minutes), length_s=length_s),
        event_id=f"event-{number}",
        party_probabilities=party,
        weapons=() if weapon is None else (weapon_of(weapon),),
        purpose=purpose,
    ),
    acts,
    st.sampled_from([-40_000.0, -14_000.0, -4_900.0, -1.0, 0.0, 1.0, 5_100.0, 9_000.0, 26_000.0]),
    st.sampled_from([0.0, 300.0, 2_000.0]),
    parties,
    weapons,
    st.integers(-3_000, 3_000),
    st.sampled_from([0.0, 7_200.0]),
    st.sampled_from([None, "rescue", "demining"]),
    st.integers(0, 5),
)
conduct_lists = st.lists(conducts, min_size=1, max_size=6, unique_by=lambda one: one.event_id)


def swapped(name: str, is_swapped: bool) -> str:
    """Give the other party's name where parties are swapped."""
    return OTHER[name] if is_swapped else name


@cache
def whole(*, is_swapped: bool = False, has_exceptions: bool = True) -> Agreement:
    """Give a text that treats its parties differently in every way it can, or its mirror image."""
    first, second = swapped("A", is_swapped), swapped("B", is_swapped)
    tanks = WeaponTerm(title="tanks", classes=("tank",))
    guns = WeaponTerm(title="artillery", classes=("howitzer", "mortar", "mlrs"), calibre_low_mm=100.0)
    exceptions: tuple[Any, ...] = (
        clause(Exemption, "made.rescue", acts=("presence", "flight"), purposes=("rescue",), parties=(first,)),
        clause(
            Exemption,
            "made.notice",
            acts=("live_fire_exercise", "presence"),
            notification_needed=True,
            lead_time_hours=1.0,
        ),
        clause(ConditionalPermission, "made.return", acts=("return_fire",), conditions=(), parties=(second,)),
    )
    return text(
        clause(Prohibition, "made.fire", acts=("fire",)),
        clause(Prohibition, "made.flight", acts=("flight",), zone_ids=("near_line",), parties=(first,)),
        clause(Prohibition, "made.own", acts=("presence",), zone_ids=("own",)),
        clause(Withdrawal, "made.guns", weapons=guns, zone_ids=("deep",)),
        clause(Withdrawal, "made.tanks", weapons=tanks, zone_ids=("other",), parties=(second,)),
        clause(Freeze, "made.freeze", positions_as_of=START.date(), line_id="line", tolerance_m=500.0),
        *(exceptions if has_exceptions else ()),
        parties=("A", "B"),
        lines=(
            AgreedLine(line_id="line", title="Line", drawn=LINE, left_party=first),
            AgreedLine(line_id="far", title="Far", drawn=FAR, left_party=first),
        ),
        reference_lines=(PartyLine(party=first, line_id="line"), PartyLine(party=second, line_id="far")),
        zones=(
            Belt(zone_id="near_line", line_id="line", depth_high_m=10_000.0),
            Belt(zone_id="own", depth_high_m=5_000.0, ground="own"),
            Belt(zone_id="deep", width_total_m=50_000.0),
            Belt(zone_id="other", depth_high_m=15_000.0, ground="other"),
        ),
        geometries=(geometry(meridian()), geometry(meridian(place(3_000.0).longitude_deg), FAR)),
    )


@cache
def prepared(*, is_swapped: bool = False, has_exceptions: bool = True) -> Assessor:
    """Compile the text once, with one notice."""
    notice = Notification(
        notification_id="n",
        agreement_id="made",
        notified_by=swapped("A", is_swapped),
        notice="exercise",
        acts=("live_fire_exercise", "presence"),
        window=TimeSpan(start=NOON - timedelta(hours=9), end=NOON + timedelta(hours=9)),
        given_time=NOON - timedelta(days=1),
        source="made",
    )
    agreement = whole(is_swapped=is_swapped, has_exceptions=has_exceptions)
    return assessor(agreement, register=Register(notifications=(notice,)))


def said(found: list[Finding], *, is_swapped: bool = False) -> list[tuple[Any, ...]]:
    """Give what findings say, without their ids, with parties named the other way round where they are swapped."""
    return sorted(
        (
            one.event_id,
            one.provision_id or "",
            KIND_OF[type(one)],
            round(one.probability, 9) if isinstance(one, PotentialViolation) else -1.0,
            "" if one.party is None else swapped(one.party, is_swapped),
            tuple(flag.kind for flag in one.flags),
            getattr(one, "lacking", ()),
        )
        for one in found
    )


@settings(max_examples=60, deadline=None)
@given(entries=conduct_lists)
def test_swapping_the_parties_mirrors_every_finding(entries: list[Conduct]) -> None:
    """What is said of one party under a text is said of the other under its mirror image."""
    mirrored = [
        msgspec.structs.replace(
            entry, party_probabilities={OTHER[party]: share for party, share in entry.party_probabilities.items()}
        )
        for entry in entries
    ]

    assert said(assess_conduct(entries, prepared())) == said(
        assess_conduct(mirrored, prepared(is_swapped=True)), is_swapped=True
    )


@settings(max_examples=40, deadline=None)
@given(
    east_m=st.floats(-60_000.0, 60_000.0),
    sigmas_m=st.lists(st.floats(1.0, 20_000.0), min_size=2, max_size=5),
)
def test_refining_a_position_moves_the_probability_towards_what_it_is(east_m: float, sigmas_m: list[float]) -> None:
    """Inside a half-plane the probability only rises as sigma falls, from a half on; outside it only falls."""
    agreement = text(
        clause(Prohibition, acts=("presence",), zone_ids=("belt",)),
        zones=(Belt(zone_id="belt", line_id="line", depth_high_m=1.0e6, ground="own"),),
    )
    near = conduct("presence", east_m)
    probabilities = [
        _probability(
            [msgspec.structs.replace(near, position=msgspec.structs.replace(near.position, sigma_m=sigma_m))], agreement
        )  # type: ignore[type-var]
        for sigma_m in sorted(sigmas_m, reverse=True)
    ]
    inside = east_m < 0.0
    steps = np.diff(probabilities)

    assert all(step >= -2e-3 if inside else step <= 2e-3 for step in steps)
    assert all(one >= 0.498 if inside else one <= 0.502 for one in probabilities)


@settings(max_examples=40, deadline=None)
@given(east_m=st.floats(-20_000.0, 20_000.0), sigma_m=st.floats(1.0, 5_000.0))
def test_an_exact_position_is_where_uncertain_ones_tend_to(east_m: float, sigma_m: float) -> None:
    """As sigma goes to nothing the probability goes to 0 or 1, as the exact position says."""
    agreement = text(
        clause(Prohibition, acts=("presence",), zone_ids=("belt",)), zones=(Belt(zone_id="belt", depth_high_m=9_000.0),)
    )
    exact = _probability([conduct("presence", east_m)], agreement)
    uncertain = _probability([conduct("presence", east_m, sigma_m=sigma_m)], agreement)
    gap_m = abs(abs(east_m) - 9_000.0)

    assert exact in {0.0, 1.0}
    assert gap_m < 4.0 * sigma_m or exact == pytest.approx(uncertain, abs=2e-3)


@cache
def _compiled(agreement: Agreement) -> Assessor:
    return assessor(agreement)


def _probability(entries: list[Conduct], agreement: Agreement) -> float:
    """Give the probability under the made clause; 0 where it is in keeping."""
    found = [one for one in assess_conduct(entries, _compiled(agreement)) if one.provision_id == "made.clause"]
    return sum(one.probability for one in found if isinstance(one, PotentialViolation))


@settings(max_examples=60, deadline=None)
@given(entries=conduct_lists)
def test_adding_an_exception_never_adds_a_potential_violation(entries: list[Conduct]) -> None:
    """With exemptions and permissions there is no finding more, and no probability is higher."""

    def by_clause(found: list[Finding]) -> dict[tuple[str, str | None], float]:
        return {
            (one.event_id, one.provision_id): one.probability for one in found if isinstance(one, PotentialViolation)
        }

    bare = by_clause(assess_conduct(entries, prepared(has_exceptions=False)))
    excepted = by_clause(assess_conduct(entries, prepared()))

    assert set(excepted) <= set(bare)
    assert all(probability <= bare[key] + 1e-12 for key, probability in excepted.items())


@settings(max_examples=40, deadline=None)
@given(entries=conduct_lists, shuffled=st.randoms(use_true_random=False))
def test_neither_order_nor_company_matters(entries: list[Conduct], shuffled: Any) -> None:
    """Events in another order, one by one, and texts in another order give the same findings."""
    mixed = list(entries)
    shuffled.shuffle(mixed)
    alone = [one for entry in entries for one in assess_conduct([entry], prepared())]

    assert said(assess_conduct(entries, prepared())) == said(assess_conduct(mixed, prepared())) == said(alone)


@settings(max_examples=30, deadline=None)
@given(entries=conduct_lists, hours=st.integers(51, 400))
def test_an_amendment_in_force_tomorrow_changes_nothing_today(entries: list[Conduct], hours: int) -> None:
    """Whatever a layer says, before its first minute every finding of the base is what it was."""
    layer = text(
        clause(
            Prohibition,
            "layer.any",
            acts=("fire", "flight", "presence"),
            replaces_provision_ids=("made.fire", "made.own", "made.guns"),
        ),
        clause(Exemption, "layer.all", acts=("fire", "flight", "presence"), purposes=("rescue", "demining")),
        agreement_id="layer",
        amends="made",
        in_force=InForce(timezone_name="UTC", start=NOON + timedelta(hours=hours + 3)),
        lines=(),
        reference_lines=(),
        geometries=(),
    )
    amended = _layered(layer)
    of_base = [one for one in assess_conduct(entries, amended) if not (one.provision_id or "").startswith("layer")]
    spoken = {one.event_id for one in of_base if one.provision_id is not None}
    before = [one for one in assess_conduct(entries, prepared()) if one.event_id in spoken]

    assert said(before) == said([one for one in of_base if one.event_id in spoken])


@cache
def _layered(layer: Agreement) -> Assessor:
    notices = prepared().compiled.register
    return assessor(whole(), layer, register=notices)


def test_stretches_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns held against a text in short stretches, or streamed in batches, give the same table."""
    entries = [
        msgspec.structs.replace(conduct("presence", 1_000.0 * number, weapon="d_30"), event_id=f"event-{number}")
        for number in range(7)
    ]
    columns = columns_of(entries, parties=("A", "B"))
    at_once = prepared().assess(columns)
    monkeypatch.setattr("truceline.assess.assess_columns.STRETCH_COUNT", 3)
    stretched = prepared().assess(columns)
    (streamed,) = [table for _, table in prepared().stream([columns])]

    for name in at_once.__struct_fields__:
        np.testing.assert_array_equal(getattr(at_once, name), getattr(stretched, name))
        np.testing.assert_array_equal(getattr(at_once, name), getattr(streamed, name))


def test_no_event_gives_no_finding() -> None:
    """An empty table is held against a text without complaint."""
    assert 0 == len(prepared().assess(columns_of([], parties=("A", "B"))))
    assert shapely.length(meridian()) > 0.0
