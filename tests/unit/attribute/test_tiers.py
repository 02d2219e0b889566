"""What each tier needs, what takes it away, and what the record says of it."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from laws.attribution_cases import (
    ADMITS,
    CATALOGUE,
    CRATER,
    EVERY,
    IMPACT,
    MEDIA,
    PARTIES,
    RADAR,
    SETTINGS,
    SOUND,
    answered,
    case,
    decided,
    item,
    point,
)
from truceline.attribute import tiers
from truceline.attribute.calibration import ConformalSets, NeitherCalibration, PartCalibration, SlopeCalibration
from truceline.attribute.case import Case
from truceline.attribute.explain import Subject, attribution_of
from truceline.attribute.settings import AttributionSettings
from truceline.attribute.tiers import TIERS, confidence_of, tiers_of
from truceline.model.attribution import Attribution
from truceline.model.evidence import EvidenceItem, ItemType, PartyShare

SUBJECT = Subject(event_id="made", event_revision_index=0, place_only_reason=tiers.REASON_INDICATED)


def settings_with(**changes: Any) -> AttributionSettings:
    """Give settings with a calibration or sets."""
    return msgspec.structs.replace(SETTINGS, **changes)


def record(made: Case, *, settings: AttributionSettings = SETTINGS, subject: Subject = SUBJECT) -> Attribution:
    """Give the record of one case."""
    decisions = decided(made)
    return attribution_of(
        subject, made, 0, answers=(decisions, tiers_of(decisions, settings)), said_by=(PARTIES, settings)
    )


@pytest.mark.parametrize(
    ("items", "tier"),
    [
        ((), "indicated"),
        ((MEDIA, ADMITS), "indicated"),
        ((RADAR,), "assessed"),
        ((RADAR, SOUND), "assessed_high"),
        ((RADAR, msgspec.structs.replace(SOUND, operator=RADAR.operator)), "assessed"),
    ],
)
def test_what_each_tier_needs(items: tuple[EvidenceItem, ...], tier: str) -> None:
    """The place indicates, words add nothing to the tier, a located origin assesses, two of different hands highly."""
    found = answered(case(*items))

    assert (tier, 0) == (TIERS[found.tier[0]], found.party[0])


def test_a_single_source_is_no_assessment_however_sure() -> None:
    """A radar without a place to go with it is very likely right and rests on one source."""
    found = answered(case(RADAR, place_usable=False))

    assert found.probabilities[0, 0] > 0.95
    assert (TIERS[found.tier[0]], found.least_without[0] < 0.6) == ("indicated", True)


def test_what_turns_with_the_prior_is_undetermined() -> None:
    """Where the highest share of own-ground events would turn the answer round, no party is named."""
    near = msgspec.structs.replace(
        CATALOGUE.priors,
        own_side_high=msgspec.structs.replace(CATALOGUE.priors.own_side_high, number=0.9),
    )
    found = answered(case(), settings=AttributionSettings(catalogue=msgspec.structs.replace(CATALOGUE, priors=near)))

    assert (found.reasons[0], found.tier[0]) == (tiers.REASON_PRIOR, 0)


def test_an_open_set_is_undetermined() -> None:
    """Where labelled cases do not allow to leave either party out, none is named, whatever the probability."""
    wide = ConformalSets(limit_log_ratio=math.inf, left_out_probability=0.01, case_count=10)
    narrow = ConformalSets(limit_log_ratio=-1.0, left_out_probability=0.05, case_count=100)
    open_, closed = (record(case(RADAR), settings=settings_with(conformal=sets)) for sets in (wide, narrow))

    assert (open_.reason, open_.party_set) == (tiers.REASON_OPEN_SET, ("A", "B"))
    assert (closed.tier, closed.party_set) == ("assessed", ("A",))


def test_calibration_moves_probability_and_not_the_ledger() -> None:
    """A slope of two doubles the log-odds that probabilities come from; the ledger's rows stay."""
    plain = record(case(MEDIA))
    steep = record(case(MEDIA), settings=settings_with(calibration=SlopeCalibration(slope_ratio=2.0, case_count=100)))
    odds = [math.log(one.probability_of("A") / one.probability_of("B")) for one in (plain, steep)]

    assert odds[1] == pytest.approx(2.0 * odds[0])
    assert plain.ledger == steep.ledger
    assert ("none", "slope 2.000 from 100 labelled cases, mirrored") == (plain.calibration, steep.calibration)


def test_calibrating_neither_leaves_the_parties_their_ratio() -> None:
    """A shift of `neither` takes from both parties alike, and the record says that it was made."""
    fitted = NeitherCalibration(slope_ratio=1.0, shift_log_ratios=(1.0, 0.0, 0.0, 0.0), case_count=50)
    plain, shifted = record(case(MEDIA)), record(case(MEDIA), settings=settings_with(neither=fitted))
    ratios = [one.probability_of("A") / one.probability_of("B") for one in (plain, shifted)]

    assert ratios[1] == pytest.approx(ratios[0])
    assert shifted.probability_of("A") < plain.probability_of("A")
    assert shifted.calibration == (
        "neither: slope 1.000, shift by located launches 1.000, 0.000, 0.000, 0.000 from 50 labelled cases"
    )


def test_neither_is_calibrated_by_how_many_launches_were_located() -> None:
    """A sound and a radar of different custody are two located launches, of one custody one, without either none."""
    shifts = (4.0, 2.0, -2.0, -4.0)
    fitted = NeitherCalibration(slope_ratio=1.0, shift_log_ratios=shifts, case_count=50)
    same = msgspec.structs.replace(SOUND, operator=RADAR.operator)
    for items, located in (((MEDIA,), 0), ((RADAR,), 1), ((RADAR, same), 1), ((RADAR, SOUND), 2)):
        plain, shifted = (answered(case(*items), settings=settings_with(neither=one)) for one in (None, fitted))
        odds = [math.log(one.probabilities[0, 2] / (1.0 - one.probabilities[0, 2])) for one in (plain, shifted)]

        assert odds[1] - odds[0] == pytest.approx(shifts[located])


def test_what_stays_without_a_part_has_maps_of_its_own() -> None:
    """They change what stays without each part, and with it the tier, but not the answer itself."""
    even = NeitherCalibration(slope_ratio=1.0, shift_log_ratios=(0.0, 0.0, 0.0, 0.0), case_count=50)
    parts = PartCalibration(parties=SlopeCalibration(slope_ratio=0.1, case_count=100), neither=even)
    subject = case(RADAR, SOUND)
    plain, held = answered(subject), answered(subject, settings=settings_with(parts=parts))

    assert (TIERS[plain.tier[0]], TIERS[held.tier[0]]) == ("assessed_high", "indicated")
    assert held.probabilities.tolist() == plain.probabilities.tolist()
    assert (held.without < plain.without).all()
    assert "without a part: slope 0.100" in record(subject, settings=settings_with(parts=parts)).calibration


@pytest.mark.parametrize(
    ("direct_count", "conflicts", "holds", "word"),
    [
        (2, False, True, "high"),
        (1, False, True, "moderate"),
        (1, False, False, "low"),
        (0, False, True, "low"),
        (3, True, True, "low"),
    ],
)
def test_confidence_follows_the_grounds(direct_count: int, conflicts: bool, holds: bool, word: str) -> None:
    """How many located origins agree and whether one source carries all decides; no probability does."""
    confidence, reason = confidence_of(direct_count, conflicts, holds=holds)

    assert word == confidence
    assert not any(character.isdigit() for character in reason)


def test_the_record_says_it_all() -> None:
    """Rows with hashes and bases, accounts, alternatives, sensitivity, and what would change the answer."""
    hashed = msgspec.structs.replace(RADAR, observation_ids=("o-1",), file_sha256s=("f" * 64,), statement="one track")
    found = record(case(hashed, *EVERY[1:]))
    (row,) = [row for row in found.ledger if row.cluster_id == RADAR.cluster_id]
    (model,) = [row for row in found.ledger if row.cluster_id == "weapon_model_exclusive"]

    assert ("one track", ("o-1",), ("f" * 64,)) == (
        row.statement,
        row.items[0].observation_ids,
        row.items[0].file_sha256s,
    )
    assert (0.03, "guess", True) == (row.contamination_probability, row.basis, row.direct)
    assert model.alone_log_ratio > 0.0
    assert 4 == len(found.alternatives) == len({(one.hypothesis, one.party) for one in found.alternatives})
    assert [0.005, 0.03, 0.15] == [one.own_side_probability for one in found.sensitivity]
    assert 1.0 == pytest.approx(sum(one.probability for one in found.hypotheses))
    assert (CATALOGUE.version, CATALOGUE.file_sha256) == (found.catalogue_version, found.catalogue_sha256)
    assert ("assessed_high", "high") == (found.tier, found.confidence)


def test_what_would_change_the_answer_is_said() -> None:
    """One located origin lacks a second; none lacks any; where both parties are even, anything would help."""
    one, none, even = (
        record(made) for made in (case(RADAR), case(), case(longitude_deg=37.0, place_signed_distance_m=0.0))
    )

    assert "a second located origin by another operator" in one.would_change
    assert "without the source place: A 0.49" in none.would_change
    assert "an origin located by a sensor, a camera or a crater on either party's ground" in none.would_change
    assert ("any located origin, or a known place on ground that one party holds",) == even.would_change


def test_an_abstention_names_nobody_and_keeps_the_ledger() -> None:
    """A reason to abstain goes before the arithmetic, which is shown all the same."""
    abstaining = msgspec.structs.replace(SUBJECT, abstention=tiers.REASON_STALE_LINE)
    found, plain = record(case(RADAR), subject=abstaining), record(case(RADAR))

    assert ("undetermined", None, tiers.REASON_STALE_LINE) == (found.tier, found.indicated_party, found.reason)
    assert plain.ledger == found.ledger


def test_a_number_set_for_one_case_is_said_to_be() -> None:
    """A place with an error rate of its own is not passed off as the catalogue's."""
    found = record(case(place_contamination_probability=0.33, place_basis="measured"))
    (row,) = [row for row in found.ledger if row.cluster_id == "place"]

    assert ("measured", "set for this case", 0.33) == (row.basis, row.source, row.contamination_probability)


def test_the_weakest_clusters_say_that_they_are_taken_together() -> None:
    """Beyond the exact limit, a row says that its share is a part of one."""
    outlets = [msgspec.structs.replace(MEDIA, item_id=f"m{n}", cluster_id=f"m{n}") for n in range(20)]
    rows = [row for row in record(case(*outlets)).ledger if row.cluster_id.startswith("m")]

    assert 20 == len([row for row in rows if row.statement.endswith("taken together)")])


def test_an_item_that_fits_no_table_is_a_mistake_of_ours() -> None:
    """A statement of a stranger, an origin item without shapes and an unknown type end the process."""
    for wrong in (
        msgspec.structs.replace(MEDIA, about="C"),
        msgspec.structs.replace(RADAR, shapes=()),
    ):
        with pytest.raises(AssertionError):
            decided(case(wrong))
    with pytest.raises(AssertionError, match="not in catalogue"):
        CATALOGUE.item_type("rumour")


def test_items_and_catalogue_refuse_what_cannot_be() -> None:
    """Probabilities outside 0 to 1, ellipses that are none, bands out of order and half tables are refused."""
    kind = CATALOGUE.item_type("party_denies")
    for build, match in (
        (lambda: msgspec.structs.replace(RADAR, contamination_probability=2.0), "contamination_probability"),
        (lambda: PartyShare(party="A", share_probability=-1.0), "share_probability"),
        (lambda: msgspec.structs.replace(point(37.0), covariance_east_north_m2=1.0e9), "ellipse"),
        (lambda: msgspec.structs.replace(kind, background=None), "lacks one"),
        (lambda: msgspec.structs.replace(CATALOGUE, items=(kind, kind)), "twice"),
        (lambda: msgspec.structs.replace(CATALOGUE, bands=CATALOGUE.bands[:1]), "sum to"),
        (lambda: msgspec.structs.replace(IMPACT, position_sigma_m=-1.0), "position_sigma_m"),
    ):
        with pytest.raises(ValueError, match=match):
            build()
    assert isinstance(kind, ItemType)


def test_a_crater_with_its_remnant_is_one_cluster() -> None:
    """What one team found at one place counts together, and is taken out together."""
    remnant = item("weapon_class_from_remnant", cluster_id=CRATER.cluster_id, operator=CRATER.operator)
    band = next(entry for entry in EVERY if entry.item_type == remnant.item_type)
    found = decided(case(CRATER, band))

    assert [["crater_bearing", "weapon_class_from_remnant"]] == [
        [entry.item_type for entry, _ in cluster.items] for cluster in found.sorted[0].clusters if cluster.items
    ]
    assert np.isfinite(found.shares).all()
